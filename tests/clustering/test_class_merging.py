import itertools

import numpy as np
import pytest

from gyrovox.clustering.class_merging import APART, EXPONENT, ClassMerger
from gyrovox.clustering.region_graph import RegionGraph


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


def merged_slowly(graph):
    """All pairs, looked at anew for every merge."""
    means = {i: graph.sums[i] / graph.sizes[i] for i in range(len(graph.sizes))}
    sizes = dict(enumerate(graph.sizes))
    touching = {frozenset(edge) for edge in graph.edges.tolist()}
    squares = [((means[i] - means[j]) ** 2).sum() for i, j in graph.edges.tolist()]
    typical = np.average(squares, weights=graph.lengths) if squares else 1.0

    def cost(i, j):
        harmonic = 1 / (1 / sizes[i] + 1 / sizes[j])
        sure = 1 - np.exp(-((means[i] - means[j]) ** 2).sum() / typical)
        return harmonic**EXPONENT * sure * (1 if frozenset((i, j)) in touching else APART)

    children, costs = [], []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        pair = min(itertools.combinations(sorted(sizes), 2), key=lambda pair: cost(*pair))
        children.append(pair)
        costs.append(cost(*pair))
        i, j = pair
        sizes[new] = sizes[i] + sizes[j]
        means[new] = (sizes[i] * means[i] + sizes[j] * means[j]) / sizes[new]
        touching |= {
            frozenset((new, other))
            for edge in touching
            if len(edge & {i, j}) == 1
            for other in edge - {i, j}
        }
        for gone in pair:
            del sizes[gone], means[gone]
    return np.array(children), np.maximum.accumulate(costs)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("count", "density"), [(2, 1.0), (7, 0.4), (25, 0.2), (25, 0.0)])
def test_merges_are_those_of_a_slow_search(count, density, seed):
    graph = random_graph(count, seed, density)
    children, costs = ClassMerger(graph).merge()
    wanted, wanted_costs = merged_slowly(graph)
    np.testing.assert_array_equal(children, wanted)
    np.testing.assert_allclose(costs, wanted_costs, rtol=1e-9)
    assert (np.diff(costs) >= 0).all()


def test_the_graph_is_left_as_it_was():
    graph = random_graph(6, 0)
    before = [array.copy() for array in vars(graph).values()]
    ClassMerger(graph).merge()
    for array, copy in zip(vars(graph).values(), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_far_regions_of_one_kind_merge_before_touching_ones_of_two():
    # A row of regions of two kinds, none beside its like.
    means = [0.0, 5.0, 0.01, 5.01, 0.02, 5.02]
    edges = [(i, i + 1) for i in range(5)]
    children, costs = ClassMerger(graph_of([100] * 6, means, edges)).merge()
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
    children, _ = ClassMerger(graph).merge()
    np.testing.assert_array_equal(children, [[0, 2], [1, 3]])


def test_touching_regions_merge_before_others_that_are_as_alike():
    graph = graph_of([10] * 4, [0.0, 1.0, 2.0, 3.0], [(2, 3)])
    np.testing.assert_array_equal(ClassMerger(graph).merge()[0][0], [2, 3])


@pytest.mark.parametrize("edges", [[], [(0, 1), (1, 2)]], ids=["apart", "touching"])
def test_equal_regions_merge_for_nothing(edges):
    children, costs = ClassMerger(graph_of([3, 4, 5], [2.0, 2.0, 2.0], edges)).merge()
    assert sorted(children.ravel()) == [0, 1, 2, 3]
    np.testing.assert_array_equal(costs, [0, 0])


def test_one_region_has_nothing_to_merge_with():
    children, costs = ClassMerger(graph_of([3], [2.0], [])).merge()
    assert children.shape == (0, 2)
    assert costs.shape == (0,)
