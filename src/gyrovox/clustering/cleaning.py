"""Putting labels in order: specks, holes, and what lies apart from its class.

All of it happens on the graph of the connected components, made once: whole volumes are gone
through twice, to find the components and to write the result.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Integer
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label as connected

from gyrovox.errors import SettingsError


def clean_labels(
    labels: Integer[np.ndarray, "z y x"],
    *,
    smallest: int = 0,
    fill_holes: int = 0,
    largest_component: bool = False,
    inside: Bool[np.ndarray, "z y x"] | None = None,
) -> Integer[np.ndarray, "z y x"]:
    """Labels without specks, without holes, with one piece per class: as far as it is asked for.

    A component is a largest set of voxels of one class that hang together by their faces. In this
    order, each step working on the components that the one before left:

    1. components of fewer than `smallest` voxels go;
    2. of every class, all components but its largest go;
    3. a hole of at most `fill_holes` voxels goes: a component that is wholly enclosed by one other
       class, so that it touches nothing else, neither the edge of the volume nor that of `inside`.
       A hole within a hole goes with it.

    What goes takes the class with which it shares the most faces of voxels, those of components
    that stay; on a tie, the lowest. What touches only components that go as well, follows them
    one by one, from the outside inwards; what touches nothing that stays, is left as it is. So no
    speck and no second piece is left that had a neighbour to join. Classes are never renumbered,
    and one may vanish.

    The result does not depend on the orientation of the volume, but where two components of a class
    are its largest.

    Args:
        labels: The class of every voxel, whole numbers, shape ``(z, y, x)``.
        smallest: Voxels that a component must have to stay; 0 or 1 lets every one stay.
        fill_holes: Voxels that a hole may have to be filled; 0 fills none.
        largest_component: Whether only the largest component of every class stays.
        inside: Voxels to work on, shape ``(z, y, x)``; others keep their label and are nobody's
            neighbours. All of them by default.

    Returns:
        Labels of the same shape and type; those that came, where nothing is asked for.

    Raises:
        SettingsError: If a number of voxels is negative.
    """
    for name, voxels in (("smallest", smallest), ("fill_holes", fill_holes)):
        if voxels < 0:
            raise SettingsError(f"{name} must be a number of voxels ≥ 0, got {voxels}.")
    if smallest <= 1 and fill_holes == 0 and not largest_component:
        return labels
    if inside is not None and not inside.any():
        return labels.copy()
    components = _components(labels, inside)
    graph = _component_graph(components, labels)
    cleaned = _cleaned(graph, smallest, fill_holes, largest_component=largest_component)
    # Component 0 is what lies outside.
    written = np.concatenate([cleaned[:1], cleaned])[components]
    return written if inside is None else np.where(inside, written, labels)


@final
@dataclass(frozen=True, kw_only=True)
class _Graph:
    """Components and the faces of voxels that they share."""

    classes: NDArray[Any]
    """Class of each component, shape (components,)."""

    sizes: NDArray[np.int64]
    """Voxels of each component, shape (components,)."""

    at_edge: NDArray[np.bool_]
    """Whether it touches the edge of the volume, or what lies outside, shape (components,)."""

    pairs: NDArray[np.int64]
    """Components that touch, each pair in both orders, shape (2, pairs)."""

    faces: NDArray[np.int64]
    """Faces that a pair shares, shape (pairs,)."""


def _components(labels: NDArray[Any], inside: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """The component of every voxel, from 1; 0 outside. Shape (z, y, x)."""
    shifted = labels.astype(np.int64)
    shifted -= shifted.min() - 1
    if inside is not None:
        shifted[~inside] = 0
    found = connected(shifted, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    return np.asarray(found, dtype=np.int64)


def _component_graph(components: NDArray[np.int64], labels: NDArray[Any]) -> _Graph:
    count = int(components.max()) + 1
    classes = np.zeros(count, labels.dtype)
    classes[components.ravel()] = labels.ravel()
    at_edge = np.zeros(count, np.bool_)
    lower, upper = [], []
    for axis in range(3):
        along = np.moveaxis(components, axis, 0)
        before, behind = along[:-1], along[1:]
        differ = before != behind
        lower.append(before[differ])
        upper.append(behind[differ])
        if len(along) > 1:  # a single slice has no edge across itself
            at_edge[along[0]] = at_edge[along[-1]] = True
    first, second = np.concatenate(lower), np.concatenate(upper)
    at_edge[second[first == 0]] = at_edge[first[second == 0]] = True
    kept = (first > 0) & (second > 0)
    pairs, faces = _summed(
        np.concatenate([first[kept], second[kept]]) - 1,
        np.concatenate([second[kept], first[kept]]) - 1,
        np.ones(2 * int(kept.sum()), np.int64),
        (count - 1, count - 1),
    )
    return _Graph(
        classes=classes[1:],
        sizes=np.bincount(components.ravel(), minlength=count)[1:],
        at_edge=at_edge[1:],
        pairs=pairs,
        faces=faces,
    )


def _summed(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[np.int64],
    shape: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of row and column once, in order, shape (2, pairs), with the sum of its values."""
    table = coo_array((values, (rows, columns)), shape=shape).tocsr()
    table.sum_duplicates()
    once = table.tocoo()
    return np.stack([once.row, once.col]).astype(np.int64), once.data


def _cleaned(
    graph: _Graph, smallest: int, fill_holes: int, *, largest_component: bool
) -> NDArray[Any]:
    """The class of every component after all steps, shape (components,)."""
    # The component of the new graph that each of the first has become a part of.
    part = np.arange(len(graph.classes))
    if smallest > 1:
        graph, part = _joined(graph, graph.sizes < smallest, part)
    if largest_component:
        graph, part = _joined(graph, ~_is_largest(graph), part)
    while fill_holes and (holes := _holes(graph, fill_holes)).any():
        graph, part = _joined(graph, holes, part)
    return graph.classes[part]


def _joined(
    graph: _Graph, going: NDArray[np.bool_], part: NDArray[np.int64]
) -> tuple[_Graph, NDArray[np.int64]]:
    """Let components take the class of their neighbours, and make one of those of one class."""
    classes = _after_going(graph, going)
    first, second = graph.pairs
    count = len(classes)
    same = classes[first] == classes[second]
    ones = np.ones(int(same.sum()), np.int8)
    links = coo_array((ones, (first[same], second[same])), shape=(count, count))
    new_count, new = connected_components(links, directed=False)
    new = new.astype(np.int64)
    pairs, faces = _summed(
        new[first[~same]], new[second[~same]], graph.faces[~same], (new_count, new_count)
    )
    new_classes = np.zeros(new_count, classes.dtype)
    new_classes[new] = classes
    sizes = np.zeros(new_count, np.int64)
    np.add.at(sizes, new, graph.sizes)
    at_edge = np.zeros(new_count, np.bool_)
    at_edge[new[graph.at_edge]] = True
    joined = _Graph(classes=new_classes, sizes=sizes, at_edge=at_edge, pairs=pairs, faces=faces)
    return joined, new[part]


def _after_going(graph: _Graph, going: NDArray[np.bool_]) -> NDArray[Any]:
    """The class of every component after those that go have taken one, shape (components,)."""
    values, numbers = np.unique(graph.classes, return_inverse=True)
    first, second = graph.pairs
    waiting = going.copy()
    while True:
        asking = waiting[first] & ~waiting[second]
        if not asking.any():
            return values[numbers]
        (who, wish), shared = _summed(
            first[asking],
            numbers[second[asking]],
            graph.faces[asking],
            (len(numbers), len(values)),
        )
        order = np.lexsort((wish, -shared, who))
        who, best = np.unique(who[order], return_index=True)
        numbers[who] = wish[order][best]
        waiting[who] = False


def _is_largest(graph: _Graph) -> NDArray[np.bool_]:
    """Whether a component is the largest of its class, shape (components,)."""
    order = np.lexsort((-graph.sizes, graph.classes))
    _, starts = np.unique(graph.classes[order], return_index=True)
    largest = np.zeros(len(order), np.bool_)
    largest[order[starts]] = True
    return largest


def _holes(graph: _Graph, most: int) -> NDArray[np.bool_]:
    """Which components are holes of at most so many voxels, shape (components,)."""
    count = len(graph.classes)
    first, second = graph.pairs
    neighbours = graph.classes[second]
    one = np.zeros(count, neighbours.dtype)
    one[first] = neighbours
    hole = np.zeros(count, np.bool_)
    hole[first] = True
    hole[first[neighbours != one[first]]] = False
    return hole & ~graph.at_edge & (graph.sizes <= most)
