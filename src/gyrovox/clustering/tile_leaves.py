"""The leaves of a tile once their boundaries are redrawn, and what the tree must know of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32, Int32
from numpy.typing import NDArray

from gyrovox.clustering.evidence import interior
from gyrovox.clustering.leaf_summaries import LeafCodes, leaf_codes
from gyrovox.clustering.refinement import redrawn
from gyrovox.clustering.region_graph import face_area
from gyrovox.clustering.stitching import TileGraph, within
from gyrovox.clustering.unions import looked_up
from gyrovox.volumes import Region


@final
@dataclass(frozen=True)
class Leaves:
    """What the regions of all tiles become.

    Args:
        leaf: Leaf of every region, from 0, int32, shape ``(regions,)``.
        first: Number of the first region of every tile, and of all at the end, shape
            ``(tiles + 1,)``.
        owner: One of a few unions of leaves, from 0, shape ``(leaves,)``: between them
            boundaries are redrawn.
        means: Mean evidence of every union, float32, shape ``(unions, evidence)``.
    """

    leaf: NDArray[np.int32]
    first: NDArray[np.int64]
    owner: NDArray[np.int32]
    means: NDArray[np.float32]

    def of_tile(self, tile: int) -> NDArray[np.int32]:
        """Leaf of every region of a tile, shape ``(regions of the tile,)``."""
        return self.leaf[self.first[tile] : self.first[tile + 1]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Leaves":
        """What `arrays` gave."""
        return cls(arrays["leaf"], arrays["first"], arrays["owner"], arrays["means"])


@final
@dataclass(frozen=True)
class LeafSummary:
    """What the tree must know of the leaves in a tile.

    Args:
        graph: The leaves in the tile, numbered from 0 within it.
        leaf: The leaf of the volume that each is, int32, shape ``(leaves in the tile,)``.
        codes: What is known of their codes.
    """

    graph: TileGraph
    leaf: NDArray[np.int32]
    codes: LeafCodes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return {**self.graph.arrays(), **self.codes.arrays(), "leaf": self.leaf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LeafSummary":
        """What `arrays` gave; other arrays are not looked at."""
        return cls(TileGraph.from_arrays(arrays), arrays["leaf"], LeafCodes.from_arrays(arrays))


@final
@dataclass(frozen=True)
class TileLeaves:
    """The leaves of a tile.

    Args:
        labels: Leaf of the volume that every voxel of the tile is in, int32, shape ``(z, y, x)``;
            −1 outside.
        summary: What the tree must know of them.
    """

    labels: NDArray[np.int32]
    summary: LeafSummary

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of the summary, and the labels, for `np.savez`."""
        return {**self.summary.arrays(), "labels": self.labels}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TileLeaves":
        """What `arrays` gave."""
        return cls(arrays["labels"], LeafSummary.from_arrays(arrays))


def pasted(
    tiles: Iterable[tuple[Region, NDArray[np.int32], NDArray[np.int32]]], box: Region
) -> Int32[np.ndarray, "z y x"]:
    """The leaves in a box that reaches into several tiles.

    Args:
        tiles: Of each its place in the volume, the region of every of its voxels, as an array or
            a memory map, and the leaf of every of its regions. Those that do not meet the box may
            be among them.
        box: The box.

    Returns:
        Leaf of every voxel of the box, shape ``(z, y, x)``; −1 where it is outside, or in none of
        the tiles.
    """
    leaves = np.full(box.shape, -1, np.int32)
    for place, labels, leaf in tiles:
        start = tuple(max(a, b) for a, b in zip(place.start, box.start, strict=True))
        stop = tuple(min(a, b) for a, b in zip(place.stop, box.stop, strict=True))
        if any(last <= first for first, last in zip(start, stop, strict=True)):
            continue
        common = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        part = np.array(labels[within(common, place)])
        leaves[within(common, box)] = looked_up(part, leaf)
    return leaves


def tile_leaves(
    labels: Int32[np.ndarray, "z y x"],
    evidence: Float32[np.ndarray, "z y x evidence"],
    codes: Float32[np.ndarray, "Z Y X dim"],
    leaves: Leaves,
    *,
    box: Region,
    core: Region,
    curvature: float,
    spacing: tuple[float, float, float],
) -> TileLeaves:
    """Redraw the boundaries in a tile, and sum up what its leaves are.

    Args:
        labels: Leaves of the tile and `RIM` voxels around it, where the volume goes on, as
            `pasted` gives them; shape ``(z, y, x)``.
        evidence: Of the same voxels, shape ``(z, y, x, evidence)``.
        codes: Codes of the tile's own voxels, shape ``(Z, Y, X, dim)``.
        leaves: What the regions of all tiles became.
        box: Where labels and evidence lie in the volume.
        core: Where the tile lies.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        spacing: Length of a voxel along (z, y, x), in those of the finest.

    Returns:
        The leaves.
    """
    drawn = redrawn(labels, leaves.owner, leaves.means, evidence, _areas(spacing), start=box.start)
    own = within(core, box)
    mine = np.ascontiguousarray(drawn[own])
    present = np.flatnonzero(np.bincount(mine.reshape(-1) + 1, minlength=1)[1:]).astype(np.int32)
    local = np.full(len(leaves.owner), -1, np.int32)
    local[present] = np.arange(len(present))
    numbered = looked_up(mine, local)
    graph = TileGraph.of(numbered, evidence[own], spacing)
    found = leaf_codes(codes, numbered, interior(drawn)[own], curvature=curvature)
    return TileLeaves(mine, LeafSummary(graph, present, found))


def _areas(spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """Of the faces across (z, y, x), of mean 1."""
    z, y, x = (face_area(spacing, axis) for axis in range(3))
    mean = (z + y + x) / 3
    return z / mean, y / mean, x / mean
