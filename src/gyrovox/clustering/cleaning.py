"""Putting labels in order: specks, holes, and what lies apart from its class.

All of it happens on the graph of the connected components, made once: whole volumes are gone
through twice, to find the components and to write the result.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Int32, Integer
from numpy.typing import NDArray

from gyrovox.clustering.components import (
    ComponentGraph,
    linked,
    summed,
    tile_components,
    united,
)
from gyrovox.clustering.joined_components import joined_components
from gyrovox.errors import SettingsError
from gyrovox.volumes import Region


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
    2. of every class, all components but its largest go (of equals, that of the first voxel stays);
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
    check_voxels(smallest, fill_holes)
    if smallest <= 1 and fill_holes == 0 and not largest_component:
        return labels
    found = tile_components(labels, inside)
    joined = joined_components([(Region.whole(labels.shape), found.summary)])
    classes = cleaned_classes(
        joined.graph,
        smallest=smallest,
        fill_holes=fill_holes,
        largest_component=largest_component,
    )
    return relabelled(labels, found.labels, classes[joined.numbers[0]])


def check_voxels(smallest: int, fill_holes: int) -> None:
    """Refuse negative numbers of voxels.

    Args:
        smallest: As for `clean_labels`.
        fill_holes: As for `clean_labels`.

    Raises:
        SettingsError: If one is negative.
    """
    for name, voxels in (("smallest", smallest), ("fill_holes", fill_holes)):
        if voxels < 0:
            raise SettingsError(f"{name} must be a number of voxels ≥ 0, got {voxels}.")


def relabelled(
    labels: Integer[np.ndarray, "z y x"],
    components: Int32[np.ndarray, "z y x"],
    table: NDArray[Any],
) -> Integer[np.ndarray, "z y x"]:
    """Labels whose components have other classes.

    Args:
        labels: The class of every voxel, shape ``(z, y, x)``.
        components: Component of every voxel, from 0, shape ``(z, y, x)``; −1 where a voxel keeps
            its label.
        table: Class of every component, shape ``(components,)``.

    Returns:
        Labels of the same shape and type.
    """
    # Index −1, outside, finds the entry that is appended.
    if not len(table):
        return labels.copy()
    written = np.append(table, table[:1]).astype(labels.dtype)[components]
    return np.where(components < 0, labels, written)


def cleaned_classes(
    graph: ComponentGraph, *, smallest: int, fill_holes: int, largest_component: bool
) -> NDArray[Any]:
    """The class of every component after all steps of `clean_labels`.

    Args:
        graph: The components of a volume.
        smallest: As for `clean_labels`.
        fill_holes: As for `clean_labels`.
        largest_component: As for `clean_labels`.

    Returns:
        Shape ``(components,)``, of the type of the graph's classes.
    """
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
    graph: ComponentGraph, going: NDArray[np.bool_], part: NDArray[np.int64]
) -> tuple[ComponentGraph, NDArray[np.int64]]:
    """Let components take the class of their neighbours, and make one of those of one class."""
    graph = replace(graph, classes=_after_going(graph, going))
    first, second = graph.pairs
    same = graph.classes[first] == graph.classes[second]
    owner = linked(first[same], second[same], len(graph.classes))
    return united(graph, owner), owner[part]


def _after_going(graph: ComponentGraph, going: NDArray[np.bool_]) -> NDArray[Any]:
    """The class of every component after those that go have taken one, shape (components,)."""
    values, numbers = np.unique(graph.classes, return_inverse=True)
    first, second = graph.pairs
    waiting = going.copy()
    while True:
        asking = waiting[first] & ~waiting[second]
        if not asking.any():
            return values[numbers]
        (who, wish), shared = summed(
            first[asking],
            numbers[second[asking]],
            graph.faces[asking],
            (len(numbers), len(values)),
        )
        order = np.lexsort((wish, -shared, who))
        who, best = np.unique(who[order], return_index=True)
        numbers[who] = wish[order][best]
        waiting[who] = False


def _is_largest(graph: ComponentGraph) -> NDArray[np.bool_]:
    """Whether a component is the largest of its class, shape (components,)."""
    order = np.lexsort((-graph.sizes, graph.classes))
    _, starts = np.unique(graph.classes[order], return_index=True)
    largest = np.zeros(len(order), np.bool_)
    largest[order[starts]] = True
    return largest


def _holes(graph: ComponentGraph, most: int) -> NDArray[np.bool_]:
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
