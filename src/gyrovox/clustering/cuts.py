"""Which nodes of a binary tree make a cut: by height, by what the classes hold, by persistence.

A tree here is an array of parents: leaves first, children before their parents, the root last and
its own parent. A cut is a set of nodes of which every leaf has exactly one at or above it.
"""

import numpy as np
from numpy.typing import NDArray


def owners(parents: NDArray[np.int32], nodes: NDArray[np.integer]) -> NDArray[np.intp]:
    """The nearest of some nodes at or above every node of a tree.

    Args:
        parents: Parent of every node, shape ``(nodes,)``.
        nodes: Some of the nodes.

    Returns:
        For every node that one, or the root where none is; shape ``(nodes,)``.
    """
    up = parents.astype(np.intp)
    up[nodes] = nodes
    # Doubling: each round looks twice as far, so that a chain of N nodes takes log N rounds.
    while not np.array_equal(farther := up[up], up):
        up = farther
    return up


def by_size(nodes: NDArray[np.integer], sizes: NDArray[np.int64]) -> NDArray[np.intp]:
    """The nodes of a cut in the order of its classes: by size, the largest first, then by number.

    Args:
        nodes: Nodes.
        sizes: Voxels of every node of the tree, shape ``(nodes,)``.

    Returns:
        The same nodes.
    """
    return np.asarray(nodes[np.lexsort((nodes, -sizes[nodes]))], np.intp)


def classes_of(parents: NDArray[np.int32], nodes: NDArray[np.integer]) -> NDArray[np.intp]:
    """The class that every node of a tree lies in.

    Args:
        parents: Parent of every node, shape ``(nodes,)``.
        nodes: The nodes that are the classes, in their order.

    Returns:
        Class of every node, shape ``(nodes,)``; −1 above the cut.
    """
    class_of = np.full(len(parents), -1, np.intp)
    class_of[nodes] = np.arange(len(nodes))
    return class_of[owners(parents, nodes)]


def depths(parents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of merges above every node.

    Args:
        parents: Parent of every node, shape ``(nodes,)``.

    Returns:
        0 for the root, shape ``(nodes,)``.
    """
    up = parents.astype(np.intp)
    steps = np.ones(len(up), np.int32)
    steps[-1] = 0
    while (up != len(up) - 1).any():
        steps += steps[up]
        up = up[up]
    return steps


def merge_order(altitudes: NDArray[np.float64]) -> NDArray[np.intp]:
    """The merges of a tree from the finest to the coarsest: by altitude, then by index.

    Args:
        altitudes: Altitude of every node, never decreasing towards the root, shape ``(nodes,)``.

    Returns:
        The nodes that are no leaves, shape ``(leaves - 1,)``; children before their parents.
    """
    leaves = (len(altitudes) + 1) // 2
    return leaves + np.argsort(altitudes[leaves:], kind="stable")


def horizontal_cut(
    parents: NDArray[np.int32], altitudes: NDArray[np.float64], classes: int
) -> NDArray[np.intp]:
    """The cut that is left when the last merges are undone.

    Args:
        parents: Parent of every node, shape ``(nodes,)``.
        altitudes: Altitude of every node, shape ``(nodes,)``.
        classes: Number of nodes that the cut is to have, from 1 to the number of leaves.

    Returns:
        Nodes, ascending, shape ``(classes,)``. Each is at or below one of every smaller cut.
    """
    merges = merge_order(altitudes)
    undone = np.zeros(len(parents), bool)
    undone[merges[len(merges) - (classes - 1) :]] = True
    shown = ~undone & undone[parents]
    shown[-1] = classes == 1
    return np.flatnonzero(shown)


def best_cut(
    parents: NDArray[np.int32], costs: NDArray[np.float64], budget: int
) -> NDArray[np.intp]:
    r"""The cut of least cost, of all cuts with at most so many nodes.

    .. math::
        f(v, 1) = c_v, \qquad f(v, b) = \min_{0 < i < b} f(l, i) + f(r, b - i)
        \quad \text{for the children } l, r \text{ of } v

    Args:
        parents: Parent of every node, shape ``(nodes,)``.
        costs: Cost of every node as one class, shape ``(nodes,)``.
        budget: Largest number of nodes, at least 1.

    Returns:
        Nodes, ascending. Of cuts that cost the same, one with the fewest nodes.

    Source:
        Bohanec & Bratko (1994), Trading accuracy for simplicity in decision trees: the best
        pruned tree of every size, by dynamic programming. https://doi.org/10.1007/BF00993345
    """
    leaves = (len(parents) + 1) // 2
    pairs = children_of(parents)
    # least[v][b - 1]: the cost of the best cut of v's branch into exactly b nodes.
    least = [costs[node : node + 1] for node in range(leaves)]
    for node, (left, right) in enumerate(pairs[leaves:].tolist(), start=leaves):
        least.append(np.append(costs[node], _convolved(least[left], least[right])[: budget - 1]))
    chosen = []
    waiting = [(len(parents) - 1, int(np.argmin(least[-1])) + 1)]
    while waiting:
        node, classes = waiting.pop()
        if classes == 1:
            chosen.append(node)
            continue
        left, right = pairs[node].tolist()
        in_left = _split(least[left], least[right], classes)
        waiting += [(left, in_left), (right, classes - in_left)]
    return np.array(sorted(chosen), np.intp)


def children_of(parents: NDArray[np.int32]) -> NDArray[np.intp]:
    """The two children of every node.

    Args:
        parents: Parent of every node of a binary tree, shape ``(nodes,)``.

    Returns:
        Children, ascending; −1 for leaves; shape ``(nodes, 2)``.
    """
    leaves = (len(parents) + 1) // 2
    pairs = np.full((len(parents), 2), -1, np.intp)
    pairs[leaves:] = np.argsort(parents[:-1], kind="stable").reshape(-1, 2)
    return pairs


def persistent_counts(
    altitudes: NDArray[np.float64], *, most: int, largest: int
) -> tuple[int, ...]:
    r"""Numbers of classes at which the horizontal cut stays the same for longest over log-scale.

    .. math::
        p_n = \log \frac{a_{(n-1)}}{a_{(n)}}, \quad
        a_{(i)} \text{ the } i\text{-th altitude of a merge from the root down}

    Args:
        altitudes: Altitude of every node, shape ``(nodes,)``.
        most: Largest number of answers, at least 1.
        largest: Largest number of classes that is looked at, at least 2.

    Returns:
        Numbers of classes from 2 on, ascending; empty where no cut lasts.
    """
    leaves = (len(altitudes) + 1) // 2
    scales = np.sort(altitudes[leaves:])[::-1][:largest]
    # Merges at altitude 0 are undone at no scale, so no cut ends or begins there.
    logs = np.log(scales[scales > 0])
    # Rounded, so that equal ratios are a tie whatever their logarithms' last digits.
    lasting = np.round(logs[:-1] - logs[1:], 9)
    longest = np.argsort(-lasting, kind="stable")[:most]
    return tuple(sorted((longest[lasting[longest] > 0] + 2).tolist()))


def _convolved(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least sum of one entry of each, by the sum of their positions."""
    short, long = sorted((left, right), key=len)
    least = np.full(len(short) + len(long) - 1, np.inf)
    for offset, cost in enumerate(short.tolist()):
        part = least[offset : offset + len(long)]
        np.minimum(part, cost + long, out=part)
    return least


def _split(left: NDArray[np.float64], right: NDArray[np.float64], classes: int) -> int:
    """How many of so many nodes belong into the left branch; the fewest of equal answers."""
    fewest = max(1, classes - len(right))
    counts = np.arange(fewest, min(len(left), classes - 1) + 1)
    return int(counts[np.argmin(left[counts - 1] + right[classes - counts - 1])])
