"""Picking by a difference of Gaussians: what is as large as a particle, and denser than around."""

import math

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.peaks import peaks_of
from gyrovox.particles.picking.table import check_diameter, robust_z, table_of
from gyrovox.particles.picking.tomogram_grid import Contrast, tomogram_grid
from gyrovox.particles.picking.tomogram_tiles import tiles_of
from gyrovox.progress import track
from gyrovox.volumes import NanPolicy, ParticleTable, Volume

WIDER = 1.6
"""How much wider the second Gaussian is (k)."""

TILE = 192
"""Side of a tile, in voxels of the grid."""

VOXELS_A_DIAMETER = 12.0
"""Voxels of the grid across a particle; finer ones show nothing that the Gaussians leave."""

APART = 0.75
"""Least distance of two particles, as a share of their diameter."""

_TRUNCATED = 4.0  # standard deviations after which a Gaussian ends


def difference_of_gaussians(
    voxels: Float32[np.ndarray, "z y x"], *, diameter: float, tile: int = TILE, quiet: bool = True
) -> Float32[np.ndarray, "z y x"]:
    r"""A volume blurred by a Gaussian, less the same blurred by a wider one.

    .. math::
        G_σ * v - G_{k σ} * v, \quad σ = \frac{d}{2 k} \sqrt{\frac{k^2 - 1}{6 \ln k}}

    With this σ the difference of the two Gaussians is positive within d / 2 of its centre and
    negative beyond, so that no ball of their density answers it more than one of diameter d.

    Args:
        voxels: Standardised, dense matter bright.
        diameter: Diameter d of the particles, in voxels.
        tile: Side of the tiles that are worked on at once, in voxels.
        quiet: Show no progress.

    Returns:
        The response, in the unit of `voxels`; beyond its faces the volume is mirrored.

    Source:
        Voss et al. (2009), DoG Picker and TiltPicker, section 2.1; k as there.
        https://doi.org/10.1016/j.jsb.2009.01.004
    """
    narrow = diameter / (2 * WIDER) * math.sqrt((WIDER**2 - 1) / (6 * math.log(WIDER)))
    widths = narrow, narrow * WIDER
    halo = math.ceil(_TRUNCATED * widths[1]) + 1
    response = np.empty(voxels.shape, np.float32)
    tiles = tiles_of(voxels, side=tile, halo=halo)
    for one in track(tiles, "pick", len(tiles), quiet=quiet, unit="tiles"):
        fine, wide = (
            ndimage.gaussian_filter(one.voxels, width, mode="mirror", truncate=_TRUNCATED)
            for width in widths
        )
        response[one.core.slices] = (fine - wide)[one.inner]
    return response


def pick_by_difference_of_gaussians(
    tomogram: Volume,
    *,
    diameter_nm: float,
    threshold: float = 3.0,
    contrast: Contrast = "dark",
    nan_policy: NanPolicy = "error",
    name: str | None = None,
    quiet: bool = False,
) -> ParticleTable:
    """Find balls of one size.

    Args:
        tomogram: One channel of cubic voxels of known size.
        diameter_nm: Diameter of the particles.
        threshold: Score from which a particle counts: how many standard deviations of the whole
            map its response lies above the median.
        contrast: Whether dense matter is dark in the tomogram or bright.
        nan_policy: What to do with NaN and infinite voxels.
        name: Class to give to the particles.
        quiet: Show no progress.

    Returns:
        Positions, scores and diameters, highest score first.

    Raises:
        SettingsError: If the diameter is not positive, or the threshold is no number.
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
        VolumeError: If it cannot be worked with.
    """
    check_diameter(diameter_nm)
    if not math.isfinite(threshold):
        raise SettingsError(f"the threshold of a score must be a number, got {threshold:g}.")
    grid = tomogram_grid(
        tomogram,
        voxel_size_nm=diameter_nm / VOXELS_A_DIAMETER,
        contrast=contrast,
        nan_policy=nan_policy,
    )
    diameter = diameter_nm / grid.voxel_size_nm
    scores = robust_z(difference_of_gaussians(grid.voxels, diameter=diameter, quiet=quiet))
    places, values = peaks_of(scores, apart=APART * diameter, threshold=threshold)
    return table_of(grid, places, values, diameter_nm=diameter_nm, name=name)
