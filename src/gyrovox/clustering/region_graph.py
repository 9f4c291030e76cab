"""Regions of a volume, what is known of each, and which of them touch."""

from dataclasses import dataclass
from typing import final

import higra as hg
import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from gyrovox.clustering.cuts import children_of

_SHORT = 0.1  # share of the regions that a round of merges has to reach
_FAR_LARGER = 4.0  # times the size of what joins a region without being its nearest


@final
@dataclass(frozen=True, kw_only=True)
class RegionGraph:
    """Regions as the vertices of a graph, the faces they share as its edges.

    Args:
        sizes: Voxels of every region, shape ``(regions,)``.
        sums: Sums of the evidence of its voxels, shape ``(regions, evidence)``.
        squares: Sums of their squares, shape ``(regions, evidence)``.
        edges: Pairs of touching regions, smaller first, shape ``(edges, 2)``.
        lengths: Area of the faces that each pair shares, shape ``(edges,)``, in faces of the
            finest voxels.
    """

    sizes: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    edges: NDArray[np.int64]
    lengths: NDArray[np.float64]

    def merged(self, owner: NDArray[np.intp]) -> "RegionGraph":
        """The graph of unions of regions.

        Args:
            owner: Union of every region, from 0, shape ``(regions,)``.

        Returns:
            The graph of the unions.
        """
        count = int(owner.max()) + 1
        edges, lengths = joined(owner[self.edges], self.lengths, count)
        return RegionGraph(
            sizes=np.bincount(owner, self.sizes, count).astype(np.float64),
            sums=_summed(owner, self.sums, count),
            squares=_summed(owner, self.squares, count),
            edges=edges,
            lengths=lengths,
        )


def basins(
    evidence: Float32[np.ndarray, "z y x evidence"],
    inside: Bool[np.ndarray, "z y x"],
    spacing: tuple[float, float, float],
    *,
    within: tuple[slice, slice, slice] | None = None,
) -> Int32[np.ndarray, "Z Y X"]:
    """Supervoxels: the catchment basins of the gradient of the evidence.

    From every voxel one slides to the least steep of the six beside it, again and again; those
    who end in one place are a basin. Voxels that touch and have none below them end together.

    Args:
        evidence: Shape ``(z, y, x, evidence)``.
        inside: Voxels to cover, shape ``(z, y, x)``.
        spacing: Length of a voxel along (z, y, x).
        within: Part of the array whose basins are wanted, if not all. Voxels beside it tell how
            steep its own are; nobody slides out of it.

    Returns:
        Basin of every voxel, from 0, shape ``(Z, Y, X)``; −1 outside.

    Source:
        Bieniek & Moga (2000), An efficient watershed algorithm based on connected components.
        https://doi.org/10.1016/S0031-3203(99)00154-5
    """
    part = (slice(None),) * 3 if within is None else within
    height = np.where(inside, _steepness(evidence, spacing), np.float32(np.inf))[part]
    below = _lowest_beside(height)
    stays = (below == 0) & inside[part]
    places, _ = ndimage.label(stays)
    up = np.arange(height.size, dtype=np.int32) + below.reshape(-1)
    # Doubling: each round slides twice as far.
    while not np.array_equal(farther := up[up], up):
        up = farther
    found = places.reshape(-1)[up].reshape(height.shape) - 1
    return np.asarray(np.where(inside[part], found, -1), np.int32)


def _steepness(
    evidence: Float32[np.ndarray, "z y x evidence"], spacing: tuple[float, float, float]
) -> Float32[np.ndarray, "z y x"]:
    """Squared length of the gradient, by central differences; one-sided at the faces."""
    total = np.zeros(evidence.shape[:3], np.float32)
    for component in range(evidence.shape[-1]):
        values = np.ascontiguousarray(evidence[..., component])
        for axis, length in enumerate(spacing):
            if values.shape[axis] == 1:
                continue
            ahead, into = np.moveaxis(values, axis, 0), np.moveaxis(total, axis, 0)
            slope = ahead[2:] - ahead[:-2]
            slope *= np.float32(0.5 / length)
            slope *= slope
            into[1:-1] += slope
            for face, inner in ((0, 1), (-1, -2)):
                into[face] += np.square((ahead[inner] - ahead[face]) / np.float32(length))
    return total


def _lowest_beside(height: Float32[np.ndarray, "z y x"]) -> Int32[np.ndarray, "z y x"]:
    """Steps in memory to the lowest of the six voxels beside one; 0 where none is lower."""
    least = height.copy()
    steps = np.zeros(height.shape, np.int32)
    for axis, stride in enumerate((height[0].size, height.shape[2], 1)):
        rows, lowest, to = (np.moveaxis(array, axis, 0) for array in (height, least, steps))
        for mine, other, step in (
            (slice(1, None), slice(None, -1), -stride),
            (slice(None, -1), slice(1, None), stride),
        ):
            lower = rows[other] < lowest[mine]
            np.copyto(lowest[mine], rows[other], where=lower)
            np.copyto(to[mine], np.int32(step), where=lower)
    return steps


def region_graph(
    regions: Int32[np.ndarray, "z y x"],
    evidence: Float32[np.ndarray, "z y x evidence"],
    spacing: tuple[float, float, float],
) -> RegionGraph:
    """The graph of the regions of a volume.

    Args:
        regions: Region of every voxel, from 0, shape ``(z, y, x)``; −1 outside.
        evidence: Shape ``(z, y, x, evidence)``.
        spacing: Length of a voxel along (z, y, x).

    Returns:
        The graph.
    """
    owner = regions.reshape(-1) + 1  # outside is 0
    count = int(owner.max())
    values = evidence.reshape(-1, evidence.shape[-1]).T
    squares = (np.square(column, dtype=np.float64) for column in values)
    pairs, areas = [], []
    for axis in range(3):
        ahead = np.moveaxis(regions, axis, 0)
        one, other = ahead[:-1], ahead[1:]
        touch = (one != other) & (one >= 0) & (other >= 0)
        pairs.append(np.stack([one[touch], other[touch]], axis=1).astype(np.int64))
        areas.append(np.full(len(pairs[-1]), face_area(spacing, axis)))
    edges, lengths = joined(np.concatenate(pairs), np.concatenate(areas), count)
    return RegionGraph(
        sizes=np.bincount(owner, minlength=count + 1)[1:].astype(np.float64),
        sums=np.stack([np.bincount(owner, column, count + 1)[1:] for column in values], axis=1),
        squares=np.stack([np.bincount(owner, column, count + 1)[1:] for column in squares], axis=1),
        edges=edges,
        lengths=lengths,
    )


def face_area(spacing: tuple[float, float, float], axis: int) -> float:
    """Area of the faces of a voxel across an axis.

    Args:
        spacing: Length of a voxel along (z, y, x).
        axis: 0, 1 or 2 for z, y or x.

    Returns:
        The product of the other two lengths.
    """
    return spacing[axis - 1] * spacing[axis - 2]


def coarsened(graph: RegionGraph, most: int) -> NDArray[np.intp]:
    """Merge touching regions by rounds until about so many are left; for graphs too large else.

    In each round every region merges with its nearest if that is mutual, by the criterion of
    `scale_sets` for single regions. A large region is the nearest of many and has one nearest:
    where that makes rounds short, the cheaper half of the regions joins its nearest too if that
    is far larger, and so is hardly changed by it.

    Args:
        graph: Regions.
        most: Regions to leave, unless fewer touch.

    Returns:
        Union of every region, from 0, shape ``(regions,)``.
    """
    owner = np.arange(len(graph.sizes))
    while len(graph.sizes) > most and len(graph.edges):
        count = len(graph.sizes)
        one, other = graph.edges.T
        means = graph.sums / graph.sizes[:, None]
        harmonic = graph.sizes[one] * graph.sizes[other] / (graph.sizes[one] + graph.sizes[other])
        cost = harmonic * ((means[one] - means[other]) ** 2).sum(axis=1) / graph.lengths
        rank = _shuffled(len(cost))
        nearest = _nearest(graph.edges, cost, rank, count)
        of_one, of_other = nearest[one] == rank, nearest[other] == rank
        chosen = of_one & of_other
        if chosen.sum() < _SHORT * count:
            larger = graph.sizes[one] / graph.sizes[other]
            joins = (of_one & (larger < 1 / _FAR_LARGER)) | (of_other & (larger > _FAR_LARGER))
            chosen |= joins & (cost <= np.median(cost[of_one | of_other]))
        merges = np.flatnonzero(chosen)
        merges = merges[np.argsort(cost[merges], kind="stable")][: count - most]
        union = _components(graph.edges[merges], count)
        owner, graph = union[owner], graph.merged(union)
    return owner


def scale_sets(graph: RegionGraph) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Merge touching regions, those first that lose least per face of boundary that goes.

    The piecewise constant energy of Mumford and Shah: the altitude of a merge is the scale at
    which its region pays. Parts of a graph that do not touch are joined by next to no boundary,
    so unless they are alike they merge last, at scales of another order.

    Args:
        graph: Regions, at least one.

    Returns:
        Children of every merge, in order, shape ``(regions - 1, 2)``, where merge i makes node
        ``regions + i``; and the scales, never decreasing, shape ``(regions - 1,)``.

    Source:
        Guigues, Cocquerez & Le Men (2006). https://doi.org/10.1007/s11263-005-6299-0; by higra.
    """
    count = len(graph.sizes)
    if count == 1:
        return np.empty((0, 2), np.intp), np.empty(0)
    edges, lengths = _connected(graph)
    flat = hg.UndirectedGraph(count)
    flat.add_edges(edges[:, 0], edges[:, 1])
    perimeters = np.bincount(edges[:, 0], lengths, count) + np.bincount(edges[:, 1], lengths, count)
    tree, altitudes = hg.binary_partition_tree_MumfordShah_energy(
        flat, graph.sums, graph.sizes, perimeters, lengths, graph.squares
    )
    children = children_of(tree.parents().astype(np.int32))[count:]
    return children, np.maximum.accumulate(np.maximum(altitudes[count:], 0.0))


def _nearest(
    edges: NDArray[np.int64], costs: NDArray[np.float64], rank: NDArray[np.uint64], count: int
) -> NDArray[np.uint64]:
    """Rank of the edge of least cost of every region, of equals the least."""
    least = np.full(count, np.inf)
    found = np.full(count, 2**32, np.uint64)
    for side in edges.T:
        np.minimum.at(least, side, costs)
    for side in edges.T:
        best = costs == least[side]
        np.minimum.at(found, side[best], rank[best])
    return found


def _shuffled(count: int) -> NDArray[np.uint64]:
    """Different numbers below 2³² without order, the same every time.

    In their order, edges of equal cost would wait for each other: where a specimen has nothing
    around it, thousands of tiles would merge one after the other.
    """
    # Knuth's multiplicative hash: odd, so no two numbers below 2³² become one.
    return np.arange(count, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)


def _connected(graph: RegionGraph) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Edges and lengths, and as many very short ones more as it takes to reach every region."""
    count = len(graph.sizes)
    labels = _components(graph.edges, count)
    first = np.unique(labels, return_index=True)[1]
    bridges = np.stack([first[:-1], first[1:]], axis=1).astype(np.int64)
    lengths = np.concatenate([graph.lengths, np.full(len(bridges), 1e-9)])
    return np.concatenate([graph.edges, np.sort(bridges, axis=1)]), lengths


def _components(edges: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(max(count, 1),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], np.intp)


def joined(
    pairs: NDArray[np.int64], lengths: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every pair of different regions once, with all its lengths together.

    Args:
        pairs: Pairs of regions, in any order, shape ``(pairs, 2)``.
        lengths: What each shares, shape ``(pairs,)``.
        count: Regions that there are.

    Returns:
        Pairs, smaller first, ascending, and their lengths.
    """
    one, other = pairs.min(axis=1, initial=count), pairs.max(axis=1, initial=-1)
    apart = one != other
    # A sparse matrix adds up what is in one place, in time linear in the pairs.
    found = csr_array((lengths[apart], (one[apart], other[apart])), shape=(max(count, 1),) * 2)
    found.sum_duplicates()
    rows = np.repeat(np.arange(len(found.indptr) - 1), np.diff(found.indptr))
    return np.stack([rows, found.indices], axis=1).astype(np.int64), found.data


def _summed(
    owner: NDArray[np.intp], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    return np.stack([np.bincount(owner, column, count) for column in values.T], axis=1)
