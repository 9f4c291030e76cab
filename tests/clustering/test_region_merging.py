import itertools

import numpy as np
import pytest

from gyrovox.clustering.region_graph import RegionGraph
from gyrovox.clustering.region_merging import (
    APART,
    FACE_EXPONENT,
    SIZE_EXPONENT,
    ClassCost,
    RegionMerger,
    object_cost,
)


def graph_of(sizes, means, edges, lengths=None):
    sizes = np.array(sizes, np.float64)
    means = np.array(means, np.float64).reshape(len(sizes), -1)
    edges = np.array(edges, np.int64).reshape(-1, 2)
    return RegionGraph(
        sizes=sizes,
        sums=means * sizes[:, None],
        squares=means**2 * sizes[:, None],
        edges=edges,
        lengths=np.ones(len(edges)) if lengths is None else np.array(lengths, np.float64),
    )


def random_graph(count, seed, density=0.3):
    generator = np.random.default_rng(seed)
    pairs = [p for p in itertools.combinations(range(count), 2) if generator.random() < density]
    return graph_of(
        generator.integers(1, 300, count),
        generator.normal(size=(count, 3)),
        pairs,
        generator.random(len(pairs)),
    )


def class_cost(graph):
    """Harmonic size to the power of 0.8, times a logarithm; more where they do not touch."""
    means = graph.sums / graph.sizes[:, None]
    squares = [((means[i] - means[j]) ** 2).sum() for i, j in graph.edges.tolist()]
    typical = np.average(squares, weights=graph.lengths) if squares else 1.0

    def cost(harmonic, square, area):
        return harmonic**SIZE_EXPONENT * np.log(1 + square / typical) * (1 if area else APART)

    return cost


def slow_object_cost(_):
    """What `object_cost` says, one pair at a time."""

    def cost(harmonic, square, area):
        evidence = harmonic**SIZE_EXPONENT * square
        return evidence / area**FACE_EXPONENT if area else 1e6 * evidence / 1e-3**FACE_EXPONENT

    return cost


def merged_slowly(graph, cost_of):
    """All pairs, looked at anew for every merge."""
    means = {i: graph.sums[i] / graph.sizes[i] for i in range(len(graph.sizes))}
    sizes = dict(enumerate(graph.sizes))
    areas = {frozenset(e): a for e, a in zip(graph.edges.tolist(), graph.lengths, strict=True)}
    pair_cost = cost_of(graph)

    def cost(i, j):
        square = ((means[i] - means[j]) ** 2).sum()
        return pair_cost(1 / (1 / sizes[i] + 1 / sizes[j]), square, areas.get(frozenset((i, j)), 0))

    children, costs = [], []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        pair = min(itertools.combinations(sorted(sizes), 2), key=lambda pair: cost(*pair))
        children.append(pair)
        costs.append(cost(*pair))
        i, j = pair
        sizes[new] = sizes[i] + sizes[j]
        means[new] = (sizes[i] * means[i] + sizes[j] * means[j]) / sizes[new]
        for edge, area in list(areas.items()):
            if len(edge & {i, j}) == 1:
                (other,) = edge - {i, j}
                both = frozenset((new, other))
                areas[both] = areas.get(both, 0) + area
        for gone in pair:
            del sizes[gone], means[gone]
    return np.array(children), np.maximum.accumulate(costs)


COSTS = {
    "objects": (lambda graph: object_cost, slow_object_cost),
    "classes": (ClassCost.of, class_cost),
}


@pytest.mark.parametrize("kind", COSTS)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("count", "density"), [(2, 1.0), (7, 0.4), (25, 0.2), (25, 0.0)])
def test_merges_are_those_of_a_slow_search(count, density, seed, kind):
    graph = random_graph(count, seed, density)
    made, slow = COSTS[kind]
    children, costs = RegionMerger(graph, made(graph)).merge()
    wanted, wanted_costs = merged_slowly(graph, slow)
    np.testing.assert_array_equal(children, wanted)
    np.testing.assert_allclose(costs, wanted_costs, rtol=1e-9)
    assert (np.diff(costs) >= 0).all()


def test_the_graph_is_left_as_it_was():
    graph = random_graph(6, 0)
    before = [array.copy() for array in vars(graph).values()]
    RegionMerger(graph, object_cost).merge()
    for array, copy in zip(vars(graph).values(), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_compact_object_outlasts_a_ragged_one_of_the_same_evidence():
    graph = graph_of([1000, 30, 30], [0.0, 1.0, -1.0], [(0, 1), (0, 2)], [60, 180])
    np.testing.assert_array_equal(RegionMerger(graph, object_cost).merge()[0][0], [0, 2])


def test_objects_that_do_not_touch_merge_last():
    graph = graph_of([10] * 4, [0.0, 9.0, 0.1, 9.1], [(0, 1), (2, 3)])
    children = RegionMerger(graph, object_cost).merge()[0]
    np.testing.assert_array_equal(children[:2], [[0, 1], [2, 3]])


def by_class(graph):
    return RegionMerger(graph, ClassCost.of(graph)).merge()


def test_far_regions_of_one_kind_merge_before_touching_ones_of_two():
    # A row of regions of two kinds, none beside its like.
    means = [0.0, 5.0, 0.01, 5.01, 0.02, 5.02]
    edges = [(i, i + 1) for i in range(5)]
    children, costs = by_class(graph_of([100] * 6, means, edges))
    below = {node: {node} for node in range(6)}
    for step, (one, other) in enumerate(children.tolist()):
        below[6 + step] = below[one] | below[other]
    assert [below[node] for node in sorted(children[-1].tolist(), key=lambda n: min(below[n]))] == [
        {0, 2, 4},
        {1, 3, 5},
    ]
    assert costs[-1] > 10 * costs[-2]


def test_of_regions_that_differ_the_smallest_goes_into_what_touches_it():
    graph = graph_of([1000, 1000, 5], [0.0, 50.0, 100.0], [(0, 1), (0, 2)])
    children, _ = by_class(graph)
    np.testing.assert_array_equal(children, [[0, 2], [1, 3]])


def test_touching_regions_merge_before_others_that_are_as_alike():
    graph = graph_of([10] * 4, [0.0, 1.0, 2.0, 3.0], [(2, 3)])
    np.testing.assert_array_equal(by_class(graph)[0][0], [2, 3])


@pytest.mark.parametrize("edges", [[], [(0, 1), (1, 2)]], ids=["apart", "touching"])
def test_equal_regions_merge_for_nothing(edges):
    children, costs = by_class(graph_of([3, 4, 5], [2.0, 2.0, 2.0], edges))
    assert sorted(children.ravel()) == [0, 1, 2, 3]
    np.testing.assert_array_equal(costs, [0, 0])


def test_one_region_has_nothing_to_merge_with():
    children, costs = by_class(graph_of([3], [2.0], []))
    assert children.shape == (0, 2)
    assert costs.shape == (0,)
