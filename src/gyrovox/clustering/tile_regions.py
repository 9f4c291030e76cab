"""The first regions of a tile: basins of its evidence, the most alike of them merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from gyrovox.clustering.region_graph import basins, coarsened
from gyrovox.clustering.stitching import TileGraph
from gyrovox.clustering.unions import looked_up

VOXELS_PER_REGION = 64
"""Voxels of a volume for each region that its tiles may keep, all together."""

_FEWEST_IN_ALL = 2**14  # regions of all tiles of a small volume
_MOST_IN_ALL = 2**19  # their graph has to fit into memory
_FEWEST = 64  # regions that any tile may keep


@final
@dataclass(frozen=True)
class TileRegions:
    """The first regions of a tile.

    Args:
        labels: Region of every voxel of the tile, from 0, int32, shape ``(z, y, x)``; −1 outside.
        summary: Their graph and what lies at the tile's faces.
    """

    labels: NDArray[np.int32]
    summary: TileGraph

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of the summary, and the labels, for `np.savez`."""
        return {**self.summary.arrays(), "labels": self.labels}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TileRegions":
        """What `arrays` gave."""
        return cls(arrays["labels"], TileGraph.from_arrays(arrays))


def tile_regions(
    evidence: Float32[np.ndarray, "z y x evidence"],
    inside: Bool[np.ndarray, "z y x"],
    core: tuple[slice, slice, slice],
    *,
    dimensions: int,
    spacing: tuple[float, float, float],
    most: int | None = None,
) -> TileRegions:
    """The first regions of a tile.

    Args:
        evidence: Of the tile and at least a voxel around it, where the volume goes on; shape
            ``(z, y, x, evidence)``.
        inside: Voxels to cover, shape ``(z, y, x)``.
        core: Where the tile is in these arrays.
        dimensions: Leading columns of evidence that basins are drawn by.
        spacing: Length of a voxel along (z, y, x), in those of the finest.
        most: Regions to leave, at most; None for as many as there are basins. A few more where
            parts do not touch.

    Returns:
        The regions.
    """
    labels = basins(evidence[..., :dimensions], inside, spacing, within=core)
    summary = TileGraph.of(labels, evidence[core], spacing)
    if most is None or len(summary.graph.sizes) <= most:
        return TileRegions(labels, summary)
    owner = coarsened(summary.graph, most)
    return TileRegions(looked_up(labels, owner), summary.merged(owner))


def most_regions(core_voxels: int, volume_voxels: int) -> int:
    """Regions that a tile may keep: the same for a volume in all, however it is cut into tiles.

    Args:
        core_voxels: Voxels of the tile.
        volume_voxels: Voxels of the volume.

    Returns:
        Its share of one for each `VOXELS_PER_REGION` voxels of the volume, at least 64; as many
        as it has voxels if it is the volume, because what follows sees all of it at once.
    """
    if core_voxels == volume_voxels:
        return core_voxels
    total = min(max(volume_voxels / VOXELS_PER_REGION, _FEWEST_IN_ALL), _MOST_IN_ALL)
    return max(_FEWEST, round(total * core_voxels / volume_voxels))
