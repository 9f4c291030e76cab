"""The connected components of a volume, put together from those of its tiles."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.components import (
    ComponentGraph,
    ComponentSummary,
    both_ways,
    linked,
    united,
)
from gyrovox.volumes import Region

_AXES = (0, 1, 2)

_Spans = tuple[tuple[int, int], ...]


@final
@dataclass(frozen=True)
class JoinedComponents:
    """The components of a volume, put together from those of its tiles.

    Args:
        graph: Components in the order of their first voxels.
        numbers: Component of the volume that every component of a tile is a part of, one array
            ``(components,)`` a tile.
    """

    graph: ComponentGraph
    numbers: list[NDArray[np.int64]]


def joined_components(tiles: Iterable[tuple[Region, ComponentSummary]]) -> JoinedComponents:
    """The components of a volume from those of its tiles.

    Tiles are looked at one after the other; of each, only its graph and the faces whose other
    side has not come yet are kept.

    Args:
        tiles: The tiles of a lattice that covers the volume, each with its box, in order.

    Returns:
        The components: those that the whole volume has as one tile, whatever the tiles.

    Raises:
        ValueError: If a tile comes before the one that it follows along an axis.
    """
    frontier = _Frontier()
    regions: list[Region] = []
    graphs: list[ComponentGraph] = []
    seeds: list[NDArray[np.int64]] = []
    starts = [0]
    for region, tile in tiles:
        frontier.add(region, tile, starts[-1])
        regions.append(region)
        graphs.append(tile.graph)
        seeds.append(tile.seeds)
        starts.append(starts[-1] + len(tile.seeds))
    graph = _side_by_side(graphs, starts)
    one, other, faces = frontier.facing()
    graph.at_edge[frontier.at_edge()] = True
    same = graph.classes[one] == graph.classes[other]
    places = np.concatenate([
        _places(*tile, frontier.shape) for tile in zip(seeds, regions, strict=True)
    ])
    owner = _owners(one[same], other[same], places)
    across, shared = both_ways(one[~same], other[~same], faces[~same], starts[-1])
    whole = united(
        ComponentGraph(
            classes=graph.classes,
            sizes=graph.sizes,
            at_edge=graph.at_edge,
            pairs=np.concatenate([graph.pairs, across], axis=1),
            faces=np.concatenate([graph.faces, shared]),
        ),
        owner,
    )
    return JoinedComponents(whole, [owner[start:stop] for start, stop in pairwise(starts)])


@final
class _Frontier:
    """What lies on both sides of the faces between tiles, and at those of the volume."""

    def __init__(self) -> None:
        self._origin: tuple[int, int, int] | None = None
        self.shape = (0, 0, 0)
        self._waiting: dict[tuple[int, _Spans], NDArray[np.int64]] = {}
        self._begin: list[tuple[int, NDArray[np.int64]]] = []
        self._edge = [np.empty(0, np.int64)]
        self._pairs = [np.empty((2, 0), np.int64)]
        self._faces = [np.empty(0, np.int64)]

    def add(self, box: Region, tile: ComponentSummary, offset: int) -> None:
        """Look at the faces of a tile, whose components have numbers from `offset`.

        Raises:
            ValueError: If the tile before it has not come.
        """
        origin = self._origin = box.start if self._origin is None else self._origin
        z, y, x = (max(ends) for ends in zip(self.shape, box.stop, strict=True))
        self.shape = z, y, x
        for axis in _AXES:
            here = _numbered(tile.first[axis], offset)
            if box.start[axis] == origin[axis]:
                self._begin.append((axis, here))
            else:
                before = self._waiting.pop((axis, _spans(box, axis, box.start[axis])), None)
                if before is None:
                    raise ValueError(
                        f"tiles must come in the order of their lattice, and that at {box.start} "
                        f"came before the one it follows along axis {axis}."
                    )
                self._meet(before, here)
            after = _spans(box, axis, box.stop[axis])
            self._waiting[axis, after] = _numbered(tile.last[axis], offset)

    def facing(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Components on both sides of faces, and how many faces of voxels they share there."""
        one, other = np.concatenate(self._pairs, axis=1)
        return one, other, np.concatenate(self._faces)

    def at_edge(self) -> NDArray[np.int64]:
        """Components at the edge of the volume or beside what lies outside, once all tiles came."""
        origin = self._origin or (0, 0, 0)
        # What still waits lies at the far end. A single slice has no edge across itself.
        ends = [*self._begin, *((axis, face) for (axis, _), face in self._waiting.items())]
        found = [face[face >= 0] for axis, face in ends if self.shape[axis] - origin[axis] > 1]
        return np.concatenate([*self._edge, *found])

    def _meet(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
        """Compare the components on both sides of a face."""
        both = (before >= 0) & (after >= 0)
        self._edge += [before[(before >= 0) & (after < 0)], after[(after >= 0) & (before < 0)]]
        one, other = before[both], after[both]
        if not len(one):
            return
        # As one number each, which sorts many times as fast as pairs do.
        low, span = int(other.min()), int(other.max()) - int(other.min()) + 1
        pairs, faces = np.unique(one * span + (other - low), return_counts=True)
        self._pairs.append(np.stack([pairs // span, pairs % span + low]))
        self._faces.append(faces.astype(np.int64))


def _side_by_side(graphs: list[ComponentGraph], starts: list[int]) -> ComponentGraph:
    """The graphs of tiles as one, in which nothing touches across tiles."""
    offset = [graph.pairs + start for graph, start in zip(graphs, starts, strict=False)]
    return ComponentGraph(
        classes=np.concatenate([graph.classes for graph in graphs]),
        sizes=np.concatenate([graph.sizes for graph in graphs]),
        at_edge=np.concatenate([graph.at_edge for graph in graphs]),
        pairs=np.concatenate(offset, axis=1),
        faces=np.concatenate([graph.faces for graph in graphs]),
    )


def _owners(
    one: NDArray[np.int64], other: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of the union of every component, in the order of their first voxels."""
    owner = linked(one, other, len(places))
    first = np.full(int(owner.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, owner, places)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[owner]


def _places(
    seeds: NDArray[np.int64], region: Region, shape: tuple[int, int, int]
) -> NDArray[np.int64]:
    """Voxels of a tile as indices into the flat volume."""
    z, y, x = (
        place + start
        for place, start in zip(np.unravel_index(seeds, region.shape), region.start, strict=True)
    )
    return np.asarray((z * shape[1] + y) * shape[2] + x, np.int64)


def _spans(box: Region, axis: int, place: int) -> _Spans:
    """Where a face across an axis lies."""
    spans = list(zip(box.start, box.stop, strict=True))
    spans[axis] = (place, place)
    return tuple(spans)


def _numbered(face: NDArray[np.int32], offset: int) -> NDArray[np.int64]:
    """Components of a face by their number among those of all tiles; −1 outside."""
    return np.where(face < 0, -1, face.astype(np.int64) + offset)
