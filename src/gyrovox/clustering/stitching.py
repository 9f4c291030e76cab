"""One graph of the regions of all tiles: those within, and those that face each other across."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32, Int32
from numpy.typing import NDArray

from gyrovox.clustering.region_graph import RegionGraph, face_area, joined, region_graph
from gyrovox.volumes import Region

_AXES = (0, 1, 2)

_Spans = tuple[tuple[int, int], ...]


@final
@dataclass(frozen=True)
class TileGraph:
    """What the rest of a volume must know of the regions of a tile.

    Args:
        graph: The regions, numbered from 0 within the tile; there may be none.
        first: Regions at the first voxels along z, y and x: arrays ``(y, x)``, ``(z, x)`` and
            ``(z, y)``; −1 outside.
        last: The same at the last voxels.
    """

    graph: RegionGraph
    first: tuple[NDArray[np.int32], ...]
    last: tuple[NDArray[np.int32], ...]

    @classmethod
    def of(
        cls,
        regions: Int32[np.ndarray, "z y x"],
        evidence: Float32[np.ndarray, "z y x evidence"],
        spacing: tuple[float, float, float],
    ) -> "TileGraph":
        """The graph of regions of voxels.

        Args:
            regions: Region of every voxel of a tile, from 0, shape ``(z, y, x)``; −1 outside.
            evidence: Shape ``(z, y, x, evidence)``.
            spacing: Length of a voxel along (z, y, x).

        Returns:
            The graph and its faces.
        """
        first = tuple(np.take(regions, 0, axis) for axis in _AXES)
        last = tuple(np.take(regions, -1, axis) for axis in _AXES)
        return cls(region_graph(regions, evidence, spacing), first, last)

    def merged(self, owner: NDArray[np.intp]) -> "TileGraph":
        """The graph of unions of regions.

        Args:
            owner: Union of every region, from 0, shape ``(regions,)``.

        Returns:
            The graph of the unions.
        """
        table = np.append(owner, -1).astype(np.int32)
        first = tuple(table[face] for face in self.first)
        last = tuple(table[face] for face in self.last)
        return TileGraph(self.graph.merged(owner), first, last)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        faces = {
            f"{name}_{axis}": face
            for name, faces in (("first", self.first), ("last", self.last))
            for axis, face in enumerate(faces)
        }
        return {**vars(self.graph), **faces}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TileGraph":
        """What `arrays` gave; other arrays are not looked at."""
        graph = RegionGraph(
            sizes=arrays["sizes"],
            sums=arrays["sums"],
            squares=arrays["squares"],
            edges=arrays["edges"],
            lengths=arrays["lengths"],
        )
        first, last = (
            tuple(arrays[f"{name}_{axis}"] for axis in _AXES) for name in ("first", "last")
        )
        return cls(graph, first, last)


@final
@dataclass(frozen=True)
class Stitched:
    """The regions of all tiles as one graph.

    Args:
        graph: Regions, those of the first tile first.
        first: Number of the first region of every tile, and of all regions at the end, shape
            ``(tiles + 1,)``.
    """

    graph: RegionGraph
    first: NDArray[np.int64]


def stitched(
    tiles: Iterable[tuple[Region, TileGraph]], *, spacing: tuple[float, float, float]
) -> Stitched:
    """One graph of the graphs of tiles.

    Tiles are looked at one after the other; of each, only its graph and the faces whose other
    side has not come yet are kept.

    Args:
        tiles: The tiles of a lattice, each with its box in the volume, in order.
        spacing: Length of a voxel along (z, y, x).

    Returns:
        The graph.

    Raises:
        ValueError: If a tile comes before the one that it follows along an axis.
    """
    graphs: list[RegionGraph] = []
    edges: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.float64]] = []
    starts = [0]
    waiting: dict[tuple[int, _Spans], NDArray[np.int64]] = {}
    origin: tuple[int, ...] | None = None
    for box, tile in tiles:
        origin = box.start if origin is None else origin
        offset = starts[-1]
        graphs.append(tile.graph)
        starts.append(offset + len(tile.graph.sizes))
        edges.append(tile.graph.edges + offset)
        lengths.append(tile.graph.lengths)
        for axis in _AXES:
            if box.start[axis] > origin[axis]:
                before = waiting.pop((axis, _spans(box, axis, box.start[axis])), None)
                if before is None:
                    raise ValueError(
                        f"tiles must come in the order of their lattice, and that at {box.start} "
                        f"came before the one it follows along axis {axis}."
                    )
                pairs, counts = _facing(before, _numbered(tile.first[axis], offset))
                edges.append(pairs)
                lengths.append(counts * np.float64(face_area(spacing, axis)))
            after = _spans(box, axis, box.stop[axis])
            waiting[axis, after] = _numbered(tile.last[axis], offset)
    pairs, areas = joined(np.concatenate(edges), np.concatenate(lengths), starts[-1])
    graph = RegionGraph(
        sizes=np.concatenate([graph.sizes for graph in graphs]),
        sums=np.concatenate([graph.sums for graph in graphs]),
        squares=np.concatenate([graph.squares for graph in graphs]),
        edges=pairs,
        lengths=areas,
    )
    return Stitched(graph, np.array(starts, np.int64))


def grown(core: Region, by: int, shape: tuple[int, int, int]) -> Region:
    """A box with a margin, as far as the volume goes.

    Args:
        core: The box.
        by: Voxels to add on every side.
        shape: Voxels of the volume along (z, y, x).

    Returns:
        The larger box.
    """
    z, y, x = (
        (max(first - by, 0), min(last + by, length))
        for first, last, length in zip(core.start, core.stop, shape, strict=True)
    )
    return Region((z[0], y[0], x[0]), (z[1], y[1], x[1]))


def within(core: Region, box: Region) -> tuple[slice, slice, slice]:
    """Where a box is in a larger one.

    Args:
        core: The box.
        box: The larger one.

    Returns:
        Slices of an array over the larger one.
    """
    z, y, x = (
        slice(first - start, last - start)
        for first, last, start in zip(core.start, core.stop, box.start, strict=True)
    )
    return z, y, x


def _spans(box: Region, axis: int, place: int) -> _Spans:
    """Where a face across an axis lies."""
    spans = list(zip(box.start, box.stop, strict=True))
    spans[axis] = (place, place)
    return tuple(spans)


def _numbered(face: NDArray[np.int32], offset: int) -> NDArray[np.int64]:
    """Regions of a face by their number among those of all tiles; −1 outside."""
    return np.where(face < 0, -1, face.astype(np.int64) + offset)


def _facing(
    before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of regions on both sides of a face, and how many voxels' faces each shares."""
    both = (before >= 0) & (after >= 0)
    pairs = np.stack([before[both], after[both]], axis=1)
    return np.unique(pairs, axis=0, return_counts=True)
