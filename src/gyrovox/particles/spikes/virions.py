"""Virions cut out of a tomogram, on a coarser grid, normalised, each with its membrane."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

from gyrovox.errors import ParticleError, VoxelSizeError
from gyrovox.progress import track
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.volumes import ParticleTable, Region, Volume

from .membrane import MembraneSurface, fit_membrane

_FARTHEST = 8.0  # standard deviations: a bead of gold is far denser, and all the same
_FINE_NM = 1.5  # voxels that a membrane is looked for in
_ALIKE = 0.01  # voxel sizes that differ by less are the same: headers are rounded


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Virion:
    """One virion: a cube of the tomogram around it, and its membrane.

    Args:
        row: Its row in the table of particles.
        density: Dense is positive, in standard deviations of the background; shape (z, y, x).
        inside: Voxels that lie in the tomogram, and not nearer to another virion.
        origin_nm: Centre of the first voxel, (z, y, x) in nm from that of the tomogram.
        voxel_size_nm: Side of its voxels.
        membrane: Its membrane.
        is_clipped: Whether some of its shell of spikes lies outside the tomogram.
    """

    row: int
    density: Float32[np.ndarray, "z y x"] = field(repr=False)
    inside: Bool[np.ndarray, "z y x"] = field(repr=False)
    origin_nm: Float64[np.ndarray, " 3"]
    voxel_size_nm: float
    membrane: MembraneSurface = field(repr=False)
    is_clipped: bool

    def centres_nm(self) -> Float64[np.ndarray, "z y x 3"]:
        """Where the voxels' centres are, (z, y, x) in nm from the tomogram's first voxel."""
        places = np.moveaxis(np.indices(self.density.shape), 0, -1)
        return np.asarray(self.origin_nm + places * self.voxel_size_nm)

    def heights_nm(self) -> Float32[np.ndarray, "z y x"]:
        """Heights of the voxels over the middle of the membrane, in nm."""
        points = self.centres_nm().reshape(-1, 3)
        heights = self.membrane.heights_nm(points)
        return heights.reshape(self.density.shape).astype(np.float32)

    def places(self, points_nm: Float64[np.ndarray, "*shape 3"]) -> Float64[np.ndarray, "*shape 3"]:
        """Where points, (z, y, x) in nm from the tomogram's first voxel, lie in voxels of this."""
        return np.asarray((points_nm - self.origin_nm) / self.voxel_size_nm)


def cut_virions(
    tomogram: Volume, particles: ParticleTable, settings: SpikeSettings, *, quiet: bool = True
) -> tuple[Virion, ...]:
    """Cut virions out, find their membranes, and share the voxels between those that are close.

    Args:
        tomogram: One channel, cubic voxels.
        particles: The virions, all of them of this tomogram.
        settings: What their spikes are like.
        quiet: Show no progress.

    Returns:
        A virion for every particle, in their order.

    Raises:
        ParticleError: If there is no particle, the tomogram has several channels, or a virion
            lies outside of it.
        VoxelSizeError: If tomogram and particles differ in their voxels.
    """
    size = _checked_size(tomogram, particles)
    found = []
    for row in track(
        range(len(particles)), "membranes", len(particles), quiet=quiet, unit="virions"
    ):
        diameter = settings.diameter_nm
        if particles.diameters_nm is not None and particles.diameters_nm[row] > 0:
            diameter = float(particles.diameters_nm[row])
        found.append(_cut(tomogram, particles.positions_nm[row], diameter, size, settings, row=row))
    return tuple(_shared(found, settings))


def _checked_size(tomogram: Volume, particles: ParticleTable) -> float:
    """Side of the tomogram's voxels, which particles must be counted in.

    Raises:
        ParticleError: If there is no particle, or the tomogram has several channels.
        VoxelSizeError: If voxels are not cubic, or not those of the particles.
    """
    if not len(particles):
        raise ParticleError("there must be at least one virion to look for spikes on, and no came.")
    if tomogram.channels != 1:
        raise ParticleError(
            f"{tomogram.name}: a tomogram must have one channel, and this volume has "
            f"{tomogram.channels}."
        )
    sizes = tomogram.voxel_size_nm
    if sizes is None:
        return particles.voxel_size_nm
    wanted = particles.voxel_size_nm
    if max(abs(size / wanted - 1) for size in sizes) > _ALIKE:
        shown = " × ".join(f"{size:g}" for size in sizes)
        raise VoxelSizeError(
            f"the particles count voxels of {wanted:g} nm, and the tomogram {tomogram.name} has "
            f"voxels of {shown} nm (z, y, x). Pass the tomogram that they were picked in."
        )
    return wanted


def _cut(
    tomogram: Volume,
    centre_nm: Float64[np.ndarray, " 3"],
    diameter_nm: float,
    size_nm: float,
    settings: SpikeSettings,
    *,
    row: int,
) -> Virion:
    """One virion with its membrane, as if it were alone.

    Raises:
        ParticleError: If its centre lies outside the tomogram.
    """
    shape = np.array(tomogram.spatial_shape)
    middle = centre_nm / size_nm
    if (middle < -0.5).any() or (middle > shape - 0.5).any():
        raise ParticleError(
            f"particle {row + 1} must lie in the tomogram of {tuple(shape.tolist())} voxels "
            f"(z, y, x), and its centre is {tuple(np.round(middle, 1).tolist())}."
        )
    # A pick may be off, and its diameter: what is left over is cut away by the membrane's fit.
    half = 0.6 * diameter_nm + settings.reach_nm
    step = max(settings.working_voxel_nm, size_nm)
    count = int(np.ceil(half / step))
    origin = centre_nm - count * step
    density, inside = _resampled(tomogram, origin, 2 * count + 1, step, size_nm)
    membrane = _membrane(tomogram, centre_nm, diameter_nm, size_nm, settings)
    return Virion(
        row=row,
        density=_normalised(density, inside, contrast=settings.contrast),
        inside=inside,
        origin_nm=origin,
        voxel_size_nm=step,
        membrane=membrane,
        is_clipped=False,
    )


def _membrane(
    tomogram: Volume,
    centre_nm: Float64[np.ndarray, " 3"],
    diameter_nm: float,
    size_nm: float,
    settings: SpikeSettings,
) -> MembraneSurface:
    """The membrane, found in voxels fine enough to tell its two sides apart."""
    step = max(_FINE_NM, size_nm)
    count = int(np.ceil(0.85 * diameter_nm / step))
    origin = centre_nm - count * step
    density, inside = _resampled(tomogram, origin, 2 * count + 1, step, size_nm)
    found = fit_membrane(
        density.astype(np.float64) * (1 if settings.contrast == "bright" else -1),
        voxel_size_nm=step,
        centre_nm=centre_nm - origin,
        diameter_nm=diameter_nm,
        inside=inside,
    )
    return MembraneSurface(centre_nm=found.centre_nm + origin, coefficients=found.coefficients)


def _resampled(
    tomogram: Volume,
    origin_nm: Float64[np.ndarray, " 3"],
    count: int,
    step_nm: float,
    size_nm: float,
) -> tuple[Float32[np.ndarray, "z y x"], Bool[np.ndarray, "z y x"]]:
    """A cube of coarser voxels, and which of them lie in the tomogram."""
    shape = np.array(tomogram.spatial_shape)
    ratio = step_nm / size_nm
    margin = int(np.ceil(2 * ratio)) + 1
    first = np.floor(origin_nm / size_nm).astype(int) - margin
    last = np.ceil((origin_nm + (count - 1) * step_nm) / size_nm).astype(int) + margin + 1
    start, stop = np.clip(first, 0, shape - 1), np.clip(last, 1, shape)
    region = Region(tuple(start.tolist()), tuple(stop.tolist()))
    voxels = tomogram.read(region)[0].astype(np.float32)
    if ratio > 1.01:
        voxels = ndimage.gaussian_filter(voxels, 0.45 * ratio, mode="nearest")
    axes = [(origin_nm[axis] + np.arange(count) * step_nm) / size_nm for axis in range(3)]
    inside = [
        (axis >= -0.5) & (axis <= number - 0.5) for axis, number in zip(axes, shape, strict=True)
    ]
    local = np.stack(
        np.meshgrid(*[axis - low for axis, low in zip(axes, start, strict=True)], indexing="ij")
    )
    sampled = ndimage.map_coordinates(voxels, local, order=1, mode="nearest")
    known = inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]
    return sampled.astype(np.float32), known


def _normalised(
    density: Float32[np.ndarray, "z y x"], inside: Bool[np.ndarray, "z y x"], *, contrast: str
) -> Float32[np.ndarray, "z y x"]:
    """Dense is positive; the median is 0 and the spread 1, neither moved by a few dense things."""
    known = density[inside]
    middle = np.median(known)
    spread = 1.4826 * np.median(np.abs(known - middle))
    sign = 1 if contrast == "bright" else -1
    scaled = sign * (density - middle) / max(float(spread), 1e-12)
    # Outside the tomogram there is nothing, which is no edge.
    return np.where(inside, np.clip(scaled, -_FARTHEST, _FARTHEST), 0.0).astype(np.float32)


def _shared(virions: list[Virion], settings: SpikeSettings) -> Iterator[Virion]:
    """Each virion without the voxels that are nearer to another one's membrane."""
    for virion in virions:
        points = virion.centres_nm().reshape(-1, 3)
        own = virion.membrane.heights_nm(points)
        within = virion.inside.reshape(-1)
        shell = (own >= settings.lowest_nm) & (own <= settings.highest_nm)
        clipped = bool((shell & ~within).any())
        mine = within.copy()
        for other in virions:
            gap = np.linalg.norm(other.membrane.centre_nm - virion.membrane.centre_nm)
            far = virion.membrane.mean_radius_nm + other.membrane.mean_radius_nm
            if other is not virion and gap < far + 3 * settings.reach_nm:
                theirs = other.membrane.heights_nm(points)
                # Where spikes of another one may be, there is no background to learn either.
                near = (theirs < own) & (theirs <= settings.highest_nm + 2.0)
                mine &= ~(near & (own > 0))
        yield Virion(
            row=virion.row,
            density=virion.density,
            inside=mine.reshape(virion.inside.shape),
            origin_nm=virion.origin_nm,
            voxel_size_nm=virion.voxel_size_nm,
            membrane=virion.membrane,
            is_clipped=clipped,
        )
