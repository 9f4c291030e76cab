"""The segmentation tree of a volume in tiles, in memory: every stage in its order.

What is done for a tile here is a task of the pipeline, and what lies between is its driver. Tiles
may be worked at in any order, or at once: a tile's result depends on the voxels in and around it
and on what the driver found before, and on nothing else.
"""

import math

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from gyrovox.clustering.calibration import (
    Calibration,
    block_noise,
    calibrated,
    mask_blocks,
    sample_blocks,
)
from gyrovox.clustering.refinement import RIM
from gyrovox.clustering.segmentation_tree import SegmentationTree
from gyrovox.clustering.stitching import grown, stitched, within
from gyrovox.clustering.tile_leaves import pasted, tile_leaves
from gyrovox.clustering.tile_regions import TileRegions, most_regions, tile_regions
from gyrovox.clustering.tree_building import leaves_of, spacing_of, trunk_of
from gyrovox.patches.texture import HALO, TextureScale, cartoon_and_texture, texture_scale
from gyrovox.volumes import MaskCells, Region


def build_tree_tiled(
    voxels: Float32[np.ndarray, "channels z y x"],
    codes: Float32[np.ndarray, "z y x dim"],
    tiles: list[Region],
    *,
    curvature: float,
    inside: Bool[np.ndarray, "z y x"] | None = None,
    voxel_size_nm: tuple[float, float, float] | None = None,
    texture: bool = True,
    regions: int = 1024,
) -> SegmentationTree:
    """Build the segmentation tree of a volume tile by tile, by its cartoon and texture.

    Args:
        voxels: Normalised, shape ``(channels, z, y, x)``.
        codes: Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        tiles: The tiles of a lattice, in order.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        inside: Voxels to work in, shape ``(z, y, x)``; None for all.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        texture: Whether to look at texture beside the cartoon.
        regions: Leaves of the tree, at most.

    Returns:
        The tree.
    """
    looker = _Looker(voxels, inside, spacing_of(voxel_size_nm), texture=texture)
    calibration = looker.calibration()
    first = [(core, _regions(looker, core, calibration)) for core in tiles]
    graphs = ((core, found.summary) for core, found in first)
    leaves = leaves_of(stitched(graphs, spacing=looker.spacing), regions=regions)
    parts = [(core, found.labels, leaves.of_tile(tile)) for tile, (core, found) in enumerate(first)]
    everywhere = np.full(looker.shape, -1, np.int32)
    last = []
    for core in tiles:
        box = grown(core, RIM, looker.shape)
        drawn = tile_leaves(
            pasted(parts, box),
            looker.evidence(box, calibration),
            np.ascontiguousarray(codes[core.slices]),
            leaves,
            box=box,
            core=core,
            curvature=curvature,
            spacing=looker.spacing,
        )
        everywhere[core.slices] = drawn.labels
        last.append((core, drawn.summary))
    size = everywhere.size
    trunk = trunk_of(last, leaves, curvature=curvature, voxel_size_nm=voxel_size_nm, voxels=size)
    return trunk.tree(everywhere)


def _regions(looker: "_Looker", core: Region, calibration: Calibration) -> TileRegions:
    """The first regions of a tile."""
    box = grown(core, RIM, looker.shape)
    return tile_regions(
        looker.evidence(box, calibration),
        looker.inside[box.slices],
        within(core, box),
        dimensions=calibration.dimensions,
        spacing=looker.spacing,
        most=most_regions(math.prod(core.shape), math.prod(looker.shape)),
    )


class _Looker:
    """Reads voxels around a box, and makes what is wanted of the box of them."""

    def __init__(
        self,
        voxels: Float32[np.ndarray, "channels z y x"],
        inside: Bool[np.ndarray, "z y x"] | None,
        spacing: tuple[float, float, float],
        *,
        texture: bool,
    ) -> None:
        self._voxels = voxels
        self.shape = (voxels.shape[1], voxels.shape[2], voxels.shape[3])
        self.inside = np.ones(self.shape, np.bool_) if inside is None else inside
        self.spacing = spacing
        self._texture = texture
        everything = Region.whole(self.shape)
        self._blocks = (
            sample_blocks(everything)
            if inside is None
            else mask_blocks(MaskCells.of([(everything, inside)], self.shape))
        )
        self._scale: TextureScale = texture_scale(
            [voxels[:, *block.slices] for block in self._blocks], spacing=spacing, texture=texture
        )

    def calibration(self) -> Calibration:
        """The units of noise, from a few blocks."""
        found = []
        for block in self._blocks:
            features, intensities = self._seen(block)
            noise = block_noise(
                features, intensities, self.inside[block.slices], spacing=self.spacing
            )
            found.append(noise)
        return calibrated(found)

    def evidence(
        self, box: Region, calibration: Calibration
    ) -> Float32[np.ndarray, "z y x evidence"]:
        """The evidence in a box."""
        return calibration.evidence(*self._seen(box))

    def _seen(self, box: Region) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features and intensities of a box."""
        around = grown(box, HALO, self.shape)
        read = self._voxels[:, *around.slices]
        part = within(box, around)
        features = cartoon_and_texture(
            read, spacing=self.spacing, texture=self._texture, scale=self._scale, within=part
        )
        return features, np.ascontiguousarray(np.moveaxis(read[:, *part], 0, -1))
