"""The voxels of each spike: touching ones are parted where the density between them is lowest."""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from scipy import ndimage
from skimage.segmentation import watershed

from gyrovox.settings.spikes import SpikeSettings

from .panels import Panels
from .shell import BANDS, band_of
from .survey import Peaks

_HALF = 0.5  # of the density of a spike's middle: where its edge is taken to be
_BLUR = 0.7  # of the density, in voxels
_RUNG_NM = 2.0  # of the heights whose medians are taken
_BELOW_NM = 2.0  # under the lowest height, down to the membrane's own blur


def pieces_of(
    panels: Panels,
    spikes: Peaks,
    settings: SpikeSettings,
    *,
    node: Bool[np.ndarray, "z y x"] | None = None,
) -> Int32[np.ndarray, "z y x"]:
    """Which voxels of the shells belong to which spike.

    A spike's voxels are those of the node, and those at least half as dense as the middles of
    spikes. They flood from every spike's middle, the densest first, and meet in valleys.

    Args:
        panels: The virions side by side.
        spikes: Where spikes stand.
        settings: What they are like.
        node: Voxels that a segmentation takes for spikes; None for none.

    Returns:
        Number of the spike, from 1, in the order of `spikes`; 0 elsewhere; over the panels.
    """
    heights = panels.heights_nm()
    shell = (heights >= settings.lowest_nm - _BELOW_NM) & (heights <= settings.highest_nm + 1.0)
    shell &= panels.inside()
    density = _above_background(panels, heights, shell)
    markers = _markers(panels, spikes)
    middle = density[markers > 0]
    dense = density > (_HALF * float(np.median(middle)) if len(middle) else np.inf)
    mask = shell & (dense | (False if node is None else node) | (markers > 0))
    # No voxel belongs to a spike whose neighbour would stand there.
    mask &= ndimage.distance_transform_edt(markers == 0) <= (
        settings.height_nm / panels.voxel_size_nm
    )
    found = watershed(  # type: ignore[no-untyped-call]
        -density, markers=markers, mask=mask, connectivity=np.ones((3, 3, 3))
    )
    return np.asarray(found, np.int32)


def volumes_nm3(
    pieces: Int32[np.ndarray, "z y x"], count: int, voxel_size_nm: float
) -> Float64[np.ndarray, " n"]:
    """Volume of each piece, in nm³.

    Args:
        pieces: Numbers from 1.
        count: How many there are.
        voxel_size_nm: Side of a voxel.

    Returns:
        Volumes, shape (count,).
    """
    voxels: Int64[np.ndarray, " pieces"] = np.bincount(pieces.reshape(-1), minlength=count + 1)[1:]
    return voxels * voxel_size_nm**3


def _above_background(
    panels: Panels, heights: Float32[np.ndarray, "z y x"], shell: Bool[np.ndarray, "z y x"]
) -> Float32[np.ndarray, "z y x"]:
    """Density less the median of its height and latitude, smoothed over a voxel."""
    directions = [
        virion.centres_nm().reshape(-1, 3) - virion.membrane.centre_nm for virion in panels.virions
    ]
    bands = panels.joined(
        tuple(
            band_of(away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)).reshape(
                virion.density.shape
            )
            for away, virion in zip(directions, panels.virions, strict=True)
        )
    )
    density = panels.density()
    rungs = np.where(shell, np.floor(np.where(shell, heights, 0.0) / _RUNG_NM), 0).astype(np.int64)
    lowest = int(rungs[shell].min()) if shell.any() else 0
    groups = np.where(shell, (rungs - lowest) * BANDS + bands + 1, 0)
    medians = np.asarray(ndimage.median(density, groups, np.arange(1, int(groups.max()) + 1)))
    flat = density - np.concatenate([[0.0], np.nan_to_num(medians)])[groups]
    smooth = ndimage.gaussian_filter(np.where(shell, flat, 0.0), _BLUR)
    return np.asarray(smooth, np.float32)


def _markers(panels: Panels, spikes: Peaks) -> Int32[np.ndarray, "z y x"]:
    """The voxel in the middle of every spike."""
    markers = np.zeros(panels.shape, np.int32)
    middles = spikes.middles_nm
    for number, (owner, middle) in enumerate(zip(spikes.owners, middles, strict=True), start=1):
        place = np.rint(panels.virions[owner].places(middle)).astype(int) + panels.starts[owner]
        markers[tuple(place)] = number
    return markers
