"""Regions of a volume, what is known of each, and which of them touch."""

from dataclasses import dataclass
from typing import final

import higra as hg
import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.segmentation import watershed

from gyrovox.clustering.cuts import children_of


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
        edges, lengths = _joined(np.sort(owner[self.edges], axis=1), self.lengths, count)
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
) -> Int32[np.ndarray, "z y x"]:
    """Supervoxels: the catchment basins of the gradient of the evidence.

    Args:
        evidence: Shape ``(z, y, x, evidence)``.
        inside: Voxels to cover, shape ``(z, y, x)``.
        spacing: Length of a voxel along (z, y, x).

    Returns:
        Basin of every voxel, from 0, shape ``(z, y, x)``; −1 outside.

    Source:
        Vincent & Soille (1991), by scikit-image. https://doi.org/10.1109/34.87344
    """
    steepness = np.zeros(evidence.shape[:3], dtype=np.float32)
    for component in range(evidence.shape[-1]):
        for axis, length in enumerate(spacing):
            if evidence.shape[axis] > 1:
                slope = np.gradient(evidence[..., component], length, axis=axis)
                steepness += np.asarray(slope * slope, dtype=np.float32)
    mask = None if inside.all() else inside
    found = watershed(steepness, mask=mask)  # type: ignore[no-untyped-call]
    labels = np.asarray(found, dtype=np.int32) - 1
    # A part of the mask without a minimum of its own, such as a plateau, is not flooded.
    parts = np.asarray(ndimage.label(inside & (labels < 0))[0], dtype=np.int32)
    return np.where(parts > 0, labels.max() + parts, labels)


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
    inside = regions >= 0
    owner = regions[inside].astype(np.intp)
    count = int(owner.max()) + 1
    values = evidence[inside].astype(np.float64)
    pairs, areas = [], []
    for axis in range(3):
        ahead = np.moveaxis(regions, axis, 0)
        one, other = ahead[:-1], ahead[1:]
        touch = (one != other) & (one >= 0) & (other >= 0)
        pairs.append(np.stack([one[touch], other[touch]], axis=1).astype(np.int64))
        area = float(np.prod(np.delete(np.array(spacing), axis)))
        areas.append(np.full(len(pairs[-1]), area))
    edges, lengths = _joined(np.sort(np.concatenate(pairs), axis=1), np.concatenate(areas), count)
    return RegionGraph(
        sizes=np.bincount(owner, minlength=count).astype(np.float64),
        sums=_summed(owner, values, count),
        squares=_summed(owner, values**2, count),
        edges=edges,
        lengths=lengths,
    )


def coarsened(graph: RegionGraph, most: int) -> NDArray[np.intp]:
    """Merge touching regions by rounds until about so many are left; for graphs too large else.

    In each round every region merges with its nearest if that is mutual, by the criterion of
    `scale_sets` for single regions.

    Args:
        graph: Regions.
        most: Regions to leave, unless fewer touch.

    Returns:
        Union of every region, from 0, shape ``(regions,)``.
    """
    owner = np.arange(len(graph.sizes))
    while len(graph.sizes) > most and len(graph.edges):
        one, other = graph.edges.T
        means = graph.sums / graph.sizes[:, None]
        harmonic = graph.sizes[one] * graph.sizes[other] / (graph.sizes[one] + graph.sizes[other])
        cost = harmonic * ((means[one] - means[other]) ** 2).sum(axis=1) / graph.lengths
        # Edges by cost; the first edge of a region is that to its nearest.
        order = np.argsort(cost, kind="stable")
        first = np.full(len(graph.sizes), len(order))
        rank = np.arange(len(order))
        np.minimum.at(first, one[order], rank)
        np.minimum.at(first, other[order], rank)
        mutual = order[(first[one[order]] == rank) & (first[other[order]] == rank)]
        mutual = mutual[: len(graph.sizes) - most]
        union = np.arange(len(graph.sizes))
        union[other[mutual]] = one[mutual]
        union = np.unique(union, return_inverse=True)[1]
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


def _connected(graph: RegionGraph) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Edges and lengths, and as many very short ones more as it takes to reach every region."""
    count = len(graph.sizes)
    labels = _components(graph.edges, count)
    first = np.unique(labels, return_index=True)[1]
    bridges = np.stack([first[:-1], first[1:]], axis=1).astype(np.int64)
    lengths = np.concatenate([graph.lengths, np.full(len(bridges), 1e-9)])
    return np.concatenate([graph.edges, np.sort(bridges, axis=1)]), lengths


def _components(edges: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _joined(
    pairs: NDArray[np.int64], lengths: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every pair of different regions once, with all its lengths together."""
    apart = pairs[:, 0] != pairs[:, 1]
    keys, where = np.unique(pairs[apart, 0] * count + pairs[apart, 1], return_inverse=True)
    # bincount of nothing is of integers.
    total = np.bincount(where, lengths[apart], len(keys)).astype(np.float64)
    return np.stack([keys // count, keys % count], axis=1), total


def _summed(
    owner: NDArray[np.intp], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    return np.stack([np.bincount(owner, column, count) for column in values.T], axis=1)
