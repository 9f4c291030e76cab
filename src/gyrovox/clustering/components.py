"""Connected components of the labels of a tile, and the graph that they make.

A component is a largest set of voxels of one class that hang together by their faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Integer
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label as connected

_AXES = (0, 1, 2)


@final
@dataclass(frozen=True, kw_only=True)
class ComponentGraph:
    """Components and the faces of voxels that they share.

    Args:
        classes: Class of each component, shape ``(components,)``.
        sizes: Voxels of each, shape ``(components,)``.
        at_edge: Whether it touches the edge of the volume, or what lies outside, shape
            ``(components,)``.
        pairs: Components that touch, each pair in both orders and once, in order, shape
            ``(2, pairs)``.
        faces: Faces of voxels that a pair shares, shape ``(pairs,)``.
    """

    classes: NDArray[Any]
    sizes: NDArray[np.int64]
    at_edge: NDArray[np.bool_]
    pairs: NDArray[np.int64]
    faces: NDArray[np.int64]


@final
@dataclass(frozen=True, kw_only=True)
class ComponentSummary:
    """What the rest of a volume must know of the components of a tile.

    Args:
        graph: The components, numbered from 0 within the tile; there may be none. At the edge are
            those that touch what lies outside within the tile.
        seeds: First voxel of every component, as an index into the flat tile, shape
            ``(components,)``.
        first: Components at the first voxels along z, y and x: arrays ``(y, x)``, ``(z, x)`` and
            ``(z, y)``; −1 outside.
        last: The same at the last voxels.
    """

    graph: ComponentGraph
    seeds: NDArray[np.int64]
    first: tuple[NDArray[np.int32], ...]
    last: tuple[NDArray[np.int32], ...]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        faces = {
            f"{name}_{axis}": face
            for name, faces in (("first", self.first), ("last", self.last))
            for axis, face in enumerate(faces)
        }
        return {**vars(self.graph), "seeds": self.seeds, **faces}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ComponentSummary":
        """What `arrays` gave; other arrays are not looked at."""
        first, last = (
            tuple(arrays[f"{name}_{axis}"] for axis in _AXES) for name in ("first", "last")
        )
        graph = ComponentGraph(
            classes=arrays["classes"],
            sizes=arrays["sizes"],
            at_edge=arrays["at_edge"],
            pairs=arrays["pairs"],
            faces=arrays["faces"],
        )
        return cls(graph=graph, seeds=arrays["seeds"], first=first, last=last)


@final
@dataclass(frozen=True)
class TileComponents:
    """The components of a tile.

    Args:
        labels: Component of every voxel, from 0, shape ``(z, y, x)``; −1 outside.
        summary: What the rest of the volume must know of them.
    """

    labels: NDArray[np.int32]
    summary: ComponentSummary

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`; those of the summary are among them."""
        return {**self.summary.arrays(), "labels": self.labels}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TileComponents":
        """What `arrays` gave; other arrays are not looked at."""
        return cls(arrays["labels"], ComponentSummary.from_arrays(arrays))


def tile_components(
    labels: Integer[np.ndarray, "z y x"], inside: Bool[np.ndarray, "z y x"] | None
) -> TileComponents:
    """The components of a tile by itself.

    Args:
        labels: The class of every voxel, whole numbers, shape ``(z, y, x)``.
        inside: Voxels that belong to components, shape ``(z, y, x)``; all of them by default.

    Returns:
        The components.
    """
    found = _components(labels, inside)
    count = int(found.max())
    flat = found.reshape(-1)
    seeds = np.zeros(count + 1, np.int64)
    # Backwards: of voxels that share a component, the one that is written last counts.
    seeds[flat[::-1]] = np.arange(flat.size - 1, -1, -1)
    one, other = _touching(found)
    at_edge = np.zeros(count + 1, np.bool_)
    at_edge[other[one == 0]] = at_edge[one[other == 0]] = True
    kept = (one > 0) & (other > 0)
    pairs, faces = both_ways(
        one[kept] - 1, other[kept] - 1, np.ones(int(kept.sum()), np.int64), count
    )
    graph = ComponentGraph(
        classes=labels.reshape(-1)[seeds[1:]],
        sizes=np.bincount(flat, minlength=count + 1)[1:].astype(np.int64),
        at_edge=at_edge[1:],
        pairs=pairs,
        faces=faces,
    )
    numbered = (found - 1).astype(np.int32)
    first, last = (tuple(np.take(numbered, end, axis) for axis in _AXES) for end in (0, -1))
    return TileComponents(
        numbered, ComponentSummary(graph=graph, seeds=seeds[1:], first=first, last=last)
    )


def linked(one: NDArray[np.int64], other: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Unions of what is linked.

    Args:
        one: A side of every link, shape ``(links,)``.
        other: The other side, shape ``(links,)``.
        count: How many there are to be linked.

    Returns:
        Union of each, from 0 in the order of their first, shape ``(count,)``.
    """
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def united(graph: ComponentGraph, owner: NDArray[np.int64]) -> ComponentGraph:
    """The graph of unions of components.

    Args:
        graph: Components.
        owner: Union of every component, from 0, shape ``(components,)``; all of a union are of
            one class.

    Returns:
        The graph of the unions; those that touch are of different unions.
    """
    count = int(owner.max(initial=-1)) + 1
    classes = np.zeros(count, graph.classes.dtype)
    classes[owner] = graph.classes
    sizes = np.zeros(count, np.int64)
    np.add.at(sizes, owner, graph.sizes)
    at_edge = np.zeros(count, np.bool_)
    at_edge[owner[graph.at_edge]] = True
    first, second = owner[graph.pairs]
    apart = first != second
    pairs, faces = summed(first[apart], second[apart], graph.faces[apart], (count, count))
    return ComponentGraph(classes=classes, sizes=sizes, at_edge=at_edge, pairs=pairs, faces=faces)


def both_ways(
    one: NDArray[np.int64], other: NDArray[np.int64], faces: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Components that touch, in both orders.

    Args:
        one: A side of some faces, shape ``(faces,)``.
        other: The other side, shape ``(faces,)``.
        faces: How many faces of voxels each stands for, shape ``(faces,)``.
        count: Components.

    Returns:
        `ComponentGraph.pairs` and `ComponentGraph.faces`.
    """
    return summed(
        np.concatenate([one, other]),
        np.concatenate([other, one]),
        np.concatenate([faces, faces]),
        (count, count),
    )


def summed(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[np.int64],
    shape: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a row and a column, each once.

    Args:
        rows: Shape ``(values,)``.
        columns: Shape ``(values,)``.
        values: What to add up, shape ``(values,)``.
        shape: Numbers of rows and columns.

    Returns:
        The pairs in order, shape ``(2, pairs)``, and the sum of the values of each.
    """
    table = coo_array((values, (rows, columns)), shape=shape).tocsr()
    table.sum_duplicates()
    once = table.tocoo()
    return np.stack([once.row, once.col]).astype(np.int64), once.data


def _components(labels: NDArray[Any], inside: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """The component of every voxel, from 1; 0 outside. Shape (z, y, x)."""
    shifted = labels.astype(np.int64)
    shifted -= shifted.min() - 1
    if inside is not None:
        shifted[~inside] = 0
    found = connected(shifted, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    return np.asarray(found, dtype=np.int64)


def _touching(components: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What lies on both sides of every face of a voxel between two components."""
    lower, upper = [], []
    for axis in _AXES:
        along = np.moveaxis(components, axis, 0)
        before, behind = along[:-1], along[1:]
        differ = before != behind
        lower.append(before[differ])
        upper.append(behind[differ])
    return np.concatenate(lower), np.concatenate(upper)
