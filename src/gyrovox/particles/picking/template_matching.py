"""Template matching: where a tomogram looks as a template would in it, however that is turned."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy.fft import next_fast_len
from torch import Tensor

from gyrovox import devices
from gyrovox.errors import SettingsError
from gyrovox.particles.picking.peaks import peaks_of
from gyrovox.particles.picking.rotation_grid import even_rotations, rotation_count
from gyrovox.particles.picking.table import check_diameter, robust_z, table_of
from gyrovox.particles.picking.tomogram_grid import (
    Contrast,
    cubic_voxel_size_nm,
    density_on_voxels,
    tomogram_grid,
)
from gyrovox.particles.picking.tomogram_tiles import tiles_of
from gyrovox.progress import Progress, progress
from gyrovox.tomography.missing_wedge import wedge_mask
from gyrovox.volumes import NanPolicy, ParticleTable, Volume

TILE = 128
"""Side of a tile, in voxels of the grid."""

APART = 0.75
"""Least distance of two particles, as a share of their diameter."""

VOXELS_A_DIAMETER = 16.0
"""Voxels of the grid across a particle."""

_LEAST_SPREAD = 1e-3  # of standardised grey values: below it a place is empty, and no template fits
_SOFT_EDGE = 1.0  # voxels over which the mask falls from 1 to 0


@final
class Template:
    """A density map that can be turned, seen through a missing wedge, and compared.

    Args:
        density: Cube of odd or even side, positive where dense; its centre is the voxel at n // 2.
        tilt_degrees: First and last tilt of the series that the tomogram comes from.
        diameter: Diameter of the mask that is compared, in voxels.
        where: Where to compute.

    Raises:
        SettingsError: If it is no cube, does not vary, or the mask does not fit into it.
    """

    def __init__(
        self,
        density: Float32[np.ndarray, "z y x"],
        *,
        tilt_degrees: tuple[float, float],
        diameter: float,
        where: torch.device,
    ) -> None:
        side = density.shape[0]
        if density.shape != (side, side, side):
            raise SettingsError(f"a template must be a cube, and has shape {density.shape}.")
        if not 2 <= diameter <= side:
            raise SettingsError(
                f"what is compared must be at least 2 voxels wide, and fit into the template, got "
                f"a diameter of {diameter:.1f} voxels and a template of {side}."
            )
        if np.ptp(density) == 0:
            raise SettingsError("a template must vary, and every voxel is the same.")
        self._density = torch.from_numpy(np.ascontiguousarray(density)).to(where)
        wedge = wedge_mask((side, side, side), tilt_degrees)
        self._wedge = torch.from_numpy(wedge).to(where)
        axis = torch.arange(side, device=where, dtype=torch.float32) - side // 2
        self._places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
        gap = self._places.square().sum(-1).sqrt() - diameter / 2
        self.mask = (0.5 - gap / _SOFT_EDGE).clamp(0, 1)

    @property
    def side(self) -> int:
        """Voxels along each side."""
        return int(self.mask.shape[0])

    def turned(self, rotation: Float64[np.ndarray, "3 3"]) -> Float[Tensor, "z y x"]:
        """The template turned, then seen through the wedge, ready to be compared.

        Args:
            rotation: Matrix on (z, y, x) columns.

        Returns:
            Within the mask of mean 0 and standard deviation 1, times the mask over its sum, shape
            ``(side, side, side)``: its scalar product with a part of a tomogram is a covariance.
        """
        matrix = torch.from_numpy(rotation).to(self._places)
        # What is at r in the turned one was at the inverse turn of r, which is r @ R.
        seen = self._sampled(self._places @ matrix)
        frequencies = torch.fft.rfftn(seen) * self._wedge
        seen = torch.fft.irfftn(frequencies, s=seen.shape)
        weight = self.mask / self.mask.sum()
        centred = seen - (weight * seen).sum()
        spread = (weight * centred.square()).sum().sqrt()
        ready: Tensor = weight * centred / spread.clamp(min=1e-12)
        return ready

    def _sampled(self, places: Float[Tensor, "z y x 3"]) -> Float[Tensor, "z y x"]:
        """The density at places counted from its centre, linear between voxels, 0 beyond."""
        side = self.side
        # grid_sample wants (x, y, z), and -1 and 1 at the outer faces.
        unit = (2 * (places + side // 2) + 1) / side - 1
        sampled = torch.nn.functional.grid_sample(
            self._density[None, None], unit.flip(-1)[None], align_corners=False
        )
        return sampled[0, 0]


def correlation_maps(
    voxels: Float32[np.ndarray, "z y x"],
    template: Template,
    rotations: Float64[np.ndarray, "rotations 3 3"],
    *,
    where: torch.device,
    tile: int = TILE,
    quiet: bool = True,
) -> tuple[Float32[np.ndarray, "z y x"], Int64[np.ndarray, "z y x"]]:
    r"""Highest locally normalised correlation of a template at every voxel, and which turn has it.

    .. math::
        c(x) = \max_R \frac{\sum_r m(r) (t_R(r) - \bar{t}_R) (v(x + r) - \bar{v}(x))}
            {\sum_r m(r) \; σ(t_R) \; σ_v(x)}

    with means and standard deviations under the mask m: 1 where the tomogram is the template but
    for brightness and contrast.

    Args:
        voxels: Standardised, dense matter bright.
        template: What is looked for, on the same voxels.
        rotations: Turns of it.
        where: Where to compute.
        tile: Side of the tiles that are worked on at once, in voxels.
        quiet: Show no progress.

    Returns:
        Correlations from -1 to 1, and indices of rotations; both of the volume's shape. Beyond its
        faces the volume is 0.

    Source:
        Roseman (2003), Particle finding in electron micrographs using a fast local correlation
        algorithm, eq. 5. https://doi.org/10.1016/S0304-3991(02)00333-9
    """
    best = np.empty(voxels.shape, np.float32)
    which = np.empty(voxels.shape, np.int64)
    tiles = tiles_of(voxels, side=tile, halo=template.side // 2 + 1)
    with progress("match", len(tiles) * len(rotations), quiet=quiet, unit="rotations") as shown:
        for one in tiles:
            most, index = _of_tile(one.voxels, template, rotations, where, shown)
            best[one.core.slices] = most[one.inner]
            which[one.core.slices] = index[one.inner]
    return best, which


def _of_tile(
    voxels: Float32[np.ndarray, "z y x"],
    template: Template,
    rotations: Float64[np.ndarray, "rotations 3 3"],
    where: torch.device,
    shown: Progress,
) -> tuple[Float32[np.ndarray, "z y x"], Int64[np.ndarray, "z y x"]]:
    # Room for the template behind the last voxel: what wraps around falls on zeros.
    shape = tuple(next_fast_len(count + template.side, real=True) for count in voxels.shape)
    padded = torch.zeros(shape, device=where)
    padded[tuple(slice(count) for count in voxels.shape)] = torch.from_numpy(voxels).to(where)
    transform = torch.fft.rfftn(padded)

    def seen_by(kernel: Float[Tensor, "side side side"], of: Tensor) -> Float[Tensor, "z y x"]:
        room = torch.zeros(shape, device=where)
        room[: template.side, : template.side, : template.side] = kernel
        # The kernel's centre to voxel 0.
        room = room.roll((-(template.side // 2),) * 3, dims=(0, 1, 2))
        product = of * torch.fft.rfftn(room).conj()
        seen: Tensor = torch.fft.irfftn(product, s=shape)
        return seen

    weight = template.mask / template.mask.sum()
    mean = seen_by(weight, transform)
    square = seen_by(weight, torch.fft.rfftn(padded.square()))
    spread = (square - mean.square()).clamp(min=0).sqrt()
    scale = torch.where(spread > _LEAST_SPREAD, 1 / spread.clamp(min=_LEAST_SPREAD), 0.0)
    best = torch.full(shape, -torch.inf, device=where)
    which = torch.zeros(shape, dtype=torch.int64, device=where)
    for index, rotation in enumerate(rotations):
        # The template's mean is 0 under the mask, so that the tomogram's own falls out.
        found = seen_by(template.turned(rotation), transform) * scale
        better = found > best
        best = torch.where(better, found, best)
        which[better] = index
        shown.advance()
    inside = tuple(slice(count) for count in voxels.shape)
    return best[inside].cpu().numpy(), which[inside].cpu().numpy()


@final
@dataclass(frozen=True, kw_only=True)
class TemplateSearch:
    """How a tomogram is searched for a template.

    Args:
        diameter_nm: Diameter of the ball within which the two are compared: the particle with what
            is always around it.
        tilt_degrees: First and last tilt of the series that the tomogram comes from.
        angular_step_degrees: Angle from one turn of the template to the next; 360 takes it as it
            is, for what looks the same from everywhere.
        threshold: Score from which a particle counts: how many standard deviations of the whole
            map its correlation lies above the median.
        voxel_size_nm: Side of the voxels to compare on; by default a 16th of the diameter, but no
            finer than the tomogram's.

    Raises:
        SettingsError: If a value is out of its range.
    """

    diameter_nm: float
    tilt_degrees: tuple[float, float] = (-60.0, 60.0)
    angular_step_degrees: float = 15.0
    threshold: float = 5.0
    voxel_size_nm: float | None = None

    def __post_init__(self) -> None:
        check_diameter(self.diameter_nm)
        rotation_count(self.angular_step_degrees)
        if not math.isfinite(self.threshold):
            raise SettingsError(
                f"the threshold of a score must be a number, got {self.threshold:g}."
            )


def pick_by_template(
    tomogram: Volume,
    template: Volume,
    search: TemplateSearch,
    *,
    contrast: Contrast = "dark",
    nan_policy: NanPolicy = "error",
    name: str | None = None,
    device: str = "auto",
    tile: int = TILE,
    quiet: bool = False,
) -> ParticleTable:
    """Find what looks like a template.

    Args:
        tomogram: One channel of cubic voxels of known size.
        template: A density map, positive where dense, of cubic voxels of known size; its centre is
            the voxel at n // 2.
        search: How it is searched for.
        contrast: Whether dense matter is dark in the tomogram or bright.
        nan_policy: What to do with NaN and infinite voxels of the tomogram.
        name: Class to give to the particles.
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        tile: Side of the tiles that are worked on at once, in voxels.
        quiet: Show no progress.

    Returns:
        Positions, scores, diameters, and the rotations that fit best, highest score first.

    Raises:
        SettingsError: If the tilts are no range, or the template cannot be one.
        VoxelSizeError: If voxels are not cubic, or of unknown size.
        VolumeError: If a volume cannot be worked with.
    """
    rotations, where = even_rotations(search.angular_step_degrees), devices.device(device)
    finest = cubic_voxel_size_nm(tomogram)
    wanted = search.voxel_size_nm or max(finest, search.diameter_nm / VOXELS_A_DIAMETER)
    density = density_on_voxels(template, wanted)
    diameter = search.diameter_nm / wanted
    ready = Template(density, tilt_degrees=search.tilt_degrees, diameter=diameter, where=where)
    grid = tomogram_grid(tomogram, voxel_size_nm=wanted, contrast=contrast, nan_policy=nan_policy)
    best, which = correlation_maps(
        grid.voxels, ready, rotations, where=where, tile=tile, quiet=quiet
    )
    places, scores = peaks_of(robust_z(best), apart=APART * diameter, threshold=search.threshold)
    voxels = np.clip(np.rint(places).astype(int), 0, np.array(best.shape) - 1)
    return table_of(
        grid,
        places,
        scores,
        diameter_nm=search.diameter_nm,
        name=name,
        rotations=rotations[which[tuple(voxels.T)]],
    )
