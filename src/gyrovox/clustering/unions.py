"""Unions of regions: which of them a region is in after some merges."""

import numpy as np
from jaxtyping import Int32
from numpy.typing import NDArray

from gyrovox.clustering.region_graph import RegionGraph, coarsened, scale_sets

_MOST_BASINS = 2048  # that scale sets are built of, or twice what is asked for; others go before


def fewest(graph: RegionGraph, most: int) -> NDArray[np.intp]:
    """Unions of touching regions once at most so many are left, by scale sets.

    Args:
        graph: Regions, at least one.
        most: Unions to leave, at most.

    Returns:
        Union of every region, from 0, shape ``(regions,)``.
    """
    near = coarsened(graph, max(_MOST_BASINS, 2 * most))
    graph = graph.merged(near)
    return unions(scale_sets(graph)[0], len(graph.sizes), most)[near]


def unions(children: NDArray[np.intp], count: int, most: int) -> NDArray[np.intp]:
    """Unions of regions once merges have left at most so many.

    Args:
        children: Children of every merge, in order, shape ``(merges, 2)``; merge i makes node
            ``count + i``.
        count: Regions.
        most: Unions to leave, at most.

    Returns:
        Union of every region, from 0, shape ``(regions,)``.
    """
    done = max(count - most, 0)
    return np.unique(tops(children[:done], count), return_inverse=True)[1]


def tops(children: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The last node that every region is in, after some merges.

    Args:
        children: As for `unions`.
        count: Regions.

    Returns:
        Nodes, shape ``(regions,)``.
    """
    top = np.arange(count + len(children))
    for step in range(len(children) - 1, -1, -1):
        top[children[step]] = top[count + step]
    return top[:count]


def looked_up(
    regions: Int32[np.ndarray, "z y x"], owner: NDArray[np.integer]
) -> Int32[np.ndarray, "z y x"]:
    """The union that every voxel is in.

    Args:
        regions: Region of every voxel, from 0, shape ``(z, y, x)``; −1 outside.
        owner: Union of every region, shape ``(regions,)``.

    Returns:
        Shape ``(z, y, x)``; −1 outside.
    """
    # Index −1, outside, finds the entry that is appended.
    table = np.append(owner, -1).astype(np.int32)
    return np.asarray(table[regions])
