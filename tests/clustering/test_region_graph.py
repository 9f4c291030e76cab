import itertools

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.clustering.region_graph import (
    RegionGraph,
    basins,
    coarsened,
    region_graph,
    scale_sets,
)

UNIT = (1.0, 1.0, 1.0)


def evidence_of(shape, channels=2, seed=0):
    return np.random.default_rng(seed).normal(size=(*shape, channels)).astype(np.float32)


def regions_of(shape, count, *, masked, seed=0):
    """Random regions, each of at least one voxel."""
    generator = np.random.default_rng(seed)
    regions = generator.integers(-1 if masked else 0, count, shape).astype(np.int32)
    regions.ravel()[:count] = np.arange(count)
    return regions


def graph_slowly(regions, evidence, spacing):
    """Sizes, sums, sums of squares, and areas by pair, one voxel after the other."""
    count = regions.max() + 1
    sizes, sums = np.zeros(count), np.zeros((count, evidence.shape[-1]))
    squares, areas = np.zeros_like(sums), {}
    for place in np.ndindex(regions.shape):
        here = regions[place]
        if here < 0:
            continue
        value = evidence[place].astype(np.float64)
        sizes[here] += 1
        sums[here] += value
        squares[here] += value * value
        for axis in range(3):
            ahead = tuple(p + (axis == i) for i, p in enumerate(place))
            if ahead[axis] < regions.shape[axis] and regions[ahead] not in (here, -1):
                pair = (min(here, regions[ahead]), max(here, regions[ahead]))
                face = spacing[axis - 1] * spacing[axis - 2]
                areas[pair] = areas.get(pair, 0) + face
    return sizes, sums, squares, areas


@pytest.mark.parametrize("spacing", [UNIT, (3.0, 1.5, 1.0)], ids=str)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 6, 7), (3, 1, 8)], ids=str)
def test_a_graph_says_what_counting_says(shape, masked, spacing):
    regions, evidence = regions_of(shape, 6, masked=masked), evidence_of(shape)
    graph = region_graph(regions, evidence, spacing)
    sizes, sums, squares, areas = graph_slowly(regions, evidence, spacing)
    np.testing.assert_array_equal(graph.sizes, sizes)
    np.testing.assert_allclose(graph.sums, sums, atol=1e-12)
    np.testing.assert_allclose(graph.squares, squares, atol=1e-12)
    assert [tuple(edge) for edge in graph.edges.tolist()] == sorted(areas)
    np.testing.assert_allclose(graph.lengths, [areas[pair] for pair in sorted(areas)])


@pytest.mark.parametrize("seed", range(4))
def test_merging_a_graph_is_building_it_of_unions(seed):
    shape = (5, 6, 4)
    regions, evidence = regions_of(shape, 9, masked=True, seed=seed), evidence_of(shape)
    owner = np.append(np.arange(4), np.random.default_rng(seed).integers(0, 4, 5))
    unions = np.where(regions >= 0, owner[regions], -1).astype(np.int32)
    merged = region_graph(regions, evidence, (2.0, 1.0, 1.0)).merged(owner)
    wanted = region_graph(unions, evidence, (2.0, 1.0, 1.0))
    for name, array in vars(wanted).items():
        np.testing.assert_allclose(vars(merged)[name], array, atol=1e-12, err_msg=name)


def test_a_single_region_touches_nothing():
    graph = region_graph(np.zeros((2, 3, 4), np.int32), evidence_of((2, 3, 4)), UNIT)
    assert graph.edges.shape == (0, 2)
    assert graph.merged(np.array([0])).lengths.shape == (0,)


class TestBasins:
    @pytest.mark.parametrize("shape", [(9, 10, 11), (1, 12, 12), (8, 1, 8), (1, 1, 1)], ids=str)
    @pytest.mark.parametrize("share", [1.0, 0.6, 0.05])
    @pytest.mark.parametrize("flat", [False, True])
    def test_they_cover_the_mask_and_nothing_else(self, shape, share, flat):
        inside = np.random.default_rng(1).random(shape) < share
        inside.ravel()[0] = True
        evidence = evidence_of(shape) * (0 if flat else 1)
        found = basins(evidence.astype(np.float32), inside, UNIT)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found >= 0, inside)
        np.testing.assert_array_equal(np.unique(found[inside]), np.arange(found.max() + 1))

    @pytest.mark.parametrize("flat", [False, True])
    def test_each_is_connected(self, flat):
        shape = (9, 10, 11)
        inside = np.random.default_rng(1).random(shape) < 0.3
        evidence = evidence_of(shape) * (0 if flat else 1)
        found = basins(evidence.astype(np.float32), inside, UNIT)
        parts = [ndimage.label(found == basin)[1] for basin in range(found.max() + 1)]
        assert set(parts) == {1}

    def test_flat_parts_are_basins_with_their_edges_between_them(self):
        truth = np.zeros((12, 12, 12), int)
        truth[:, 6:], truth[6:, 6:] = 1, 2
        evidence = np.stack([truth == 1, truth == 2], axis=-1).astype(np.float32) * 9
        found = basins(evidence, np.ones(truth.shape, bool), UNIT)
        assert found.max() == 2
        for basin in range(3):
            assert len(np.unique(truth[found == basin])) == 1

    def test_slopes_are_per_length(self):
        # Along z, voxels are so long that nothing is steep: a jump there changes hardly a basin.
        noise, everywhere = evidence_of((16, 16, 16), 1), np.ones((16,) * 3, bool)
        jump = noise.copy()
        jump[8:] += 30
        agree = {
            side: np.mean(
                basins(noise, everywhere, (side, 1.0, 1.0))
                == basins(jump, everywhere, (side, 1.0, 1.0))
            )
            for side in (1.0, 1000.0)
        }
        assert agree[1000.0] > 0.99
        assert agree[1.0] < 0.9


def graph_of(sizes, means, edges, lengths, *, within=0.0):
    """A graph of regions of given means, all of one variance within."""
    sizes, means = np.array(sizes, np.float64), np.array(means, np.float64)
    means = means.reshape(len(sizes), -1)
    return RegionGraph(
        sizes=sizes,
        sums=means * sizes[:, None],
        squares=(means**2 + within) * sizes[:, None],
        edges=np.array(edges, np.int64).reshape(-1, 2),
        lengths=np.array(lengths, np.float64),
    )


def random_graph(seed, count=8):
    """A connected graph."""
    generator = np.random.default_rng(seed)
    edges = {(int(generator.integers(0, i)), i) for i in range(1, count)}
    edges |= {p for p in itertools.combinations(range(count), 2) if generator.random() < 0.3}
    return graph_of(
        generator.integers(1, 50, count),
        generator.normal(size=(count, 2)),
        sorted(edges),
        generator.uniform(0.5, 5, len(edges)),
        within=0.3,
    )


def merged_slowly(graph):
    """Mumford-Shah scale sets: what a region costs is the best of all cuts of the tree below it."""

    def cost(members):
        members = sorted(members)
        size, total = graph.sizes[members].sum(), graph.sums[members].sum(axis=0)
        return (graph.squares[members].sum(axis=0) - total**2 / size).sum()

    def boundary(members):
        across = [(i in members) != (j in members) for i, j in graph.edges.tolist()]
        return graph.lengths[across].sum()

    def scale(one, other):
        """Where keeping the union whole is as good as the best cut of its parts."""
        union = one[0] | other[0]
        error, length = cost(union), boundary(union)
        pays = [
            (error - e1 - e2) / (l1 + l2 - length)
            for (e1, l1), (e2, l2) in itertools.product(one[1], other[1])
        ]
        return max(pays)

    alive = {i: ({i}, [(cost({i}), boundary({i}))]) for i in range(len(graph.sizes))}
    children, scales = [], []
    for new in range(len(graph.sizes), 2 * len(graph.sizes) - 1):
        touching = [
            (i, j)
            for i, j in itertools.combinations(sorted(alive), 2)
            if any(
                {(a in alive[i][0], b in alive[j][0]), (b in alive[i][0], a in alive[j][0])}
                & {(True, True)}
                for a, b in graph.edges.tolist()
            )
        ]
        pair = min(touching, key=lambda pair: scale(alive[pair[0]], alive[pair[1]]))
        one, other = alive.pop(pair[0]), alive.pop(pair[1])
        children.append(pair)
        scales.append(scale(one, other))
        union = one[0] | other[0]
        cuts = [(a + c, b + d) for (a, b), (c, d) in itertools.product(one[1], other[1])]
        alive[new] = (union, [(cost(union), boundary(union)), *cuts])
    return np.array(children), np.array(scales)


class TestScaleSets:
    @pytest.mark.parametrize("seed", range(12))
    def test_merges_are_those_of_a_slow_search(self, seed):
        graph = random_graph(seed)
        children, scales = scale_sets(graph)
        wanted, wanted_scales = merged_slowly(graph)
        np.testing.assert_array_equal(children, wanted)
        np.testing.assert_allclose(scales, np.maximum.accumulate(wanted_scales), rtol=1e-6)
        assert (np.diff(scales) >= 0).all()

    def test_two_regions_merge_at_what_the_union_loses_per_face(self):
        # 2 and 6 voxels at a distance of 4: 2 * 6 / 8 * 16 = 24, over 2 * 3 faces.
        _, scales = scale_sets(graph_of([2, 6], [0.0, 4.0], [(0, 1)], [3.0]))
        np.testing.assert_allclose(scales, [4.0])

    def test_parts_that_do_not_touch_come_last(self):
        graph = graph_of(
            [5, 5, 5, 5, 7], [0.0, 3.0, 1.0, 9.0, 4.0], [(0, 1), (2, 3)], [1.0, 1.0], within=0.1
        )
        children, scales = scale_sets(graph)
        np.testing.assert_array_equal(children[:2], [[0, 1], [2, 3]])
        assert scales[2] > 1e6 * scales[1]
        assert sorted(children.ravel()) == list(range(8))

    def test_without_any_edge_there_is_a_tree(self):
        children, scales = scale_sets(graph_of([1, 2, 3], [0.0, 1.0, 5.0], [], []))
        assert sorted(children.ravel()) == [0, 1, 2, 3]
        assert np.isfinite(scales).all()

    def test_equal_regions_merge_at_scale_0(self):
        graph = graph_of([1, 2, 3], [7.0, 7.0, 7.0], [(0, 1), (1, 2)], [1.0, 1.0])
        np.testing.assert_array_equal(scale_sets(graph)[1], [0, 0])

    def test_one_region_is_a_tree(self):
        children, scales = scale_sets(graph_of([4], [1.0], [], []))
        assert children.shape == (0, 2)
        assert scales.shape == (0,)


class TestCoarsened:
    @pytest.mark.parametrize("most", [1, 5, 20, 40])
    @pytest.mark.parametrize("seed", range(3))
    def test_it_leaves_as_many_as_asked_for(self, seed, most):
        owner = coarsened(grid_graph(seed), most)
        assert len(np.unique(owner)) == owner.max() + 1 == min(most, 27)

    def test_unions_hang_together(self):
        graph = grid_graph(1)
        owner = coarsened(graph, 6)
        inner = graph.edges[owner[graph.edges[:, 0]] == owner[graph.edges[:, 1]]]
        for union in range(6):
            members = set(np.flatnonzero(owner == union).tolist())
            reached = {min(members)}
            for _ in members:
                reached |= {b for e in inner.tolist() for a, b in (e, e[::-1]) if a in reached}
            assert reached == members

    def test_the_nearest_merge_first(self):
        edges = [(i, i + 1) for i in range(5)]
        graph = graph_of([10] * 6, [0.0, 0.1, 5.0, 5.2, 9.0, 9.4], edges, [1.0] * 5)
        np.testing.assert_array_equal(coarsened(graph, 3), [0, 0, 1, 1, 2, 2])
        np.testing.assert_array_equal(coarsened(graph, 5), [0, 0, 1, 2, 3, 4])

    def test_parts_that_do_not_touch_stay_apart(self):
        graph = graph_of([1] * 4, [0.0, 0.0, 0.0, 0.0], [(0, 1), (2, 3)], [1.0, 1.0])
        np.testing.assert_array_equal(coarsened(graph, 1), [0, 0, 1, 1])

    def test_regions_that_are_all_alike_do_not_wait_for_each_other(self, monkeypatch):
        edges = [(i, i + 1) for i in range(999)]
        graph = graph_of([3] * 1000, [1.0] * 1000, edges, [1.0] * 999)
        rounds = []
        merged = RegionGraph.merged
        monkeypatch.setattr(
            RegionGraph, "merged", lambda self, owner: rounds.append(1) or merged(self, owner)
        )
        owner = coarsened(graph, 10)
        assert len(np.unique(owner)) == 10
        assert len(rounds) < 25
        # Each union is a stretch of the row.
        assert (np.diff(owner) != 0).sum() == 9

    def test_a_region_that_is_the_nearest_of_all_does_not_take_one_a_round(self, monkeypatch):
        generator = np.random.default_rng(0)
        sizes = [10**6, *generator.integers(5, 50, 999).tolist()]
        means = [0.0, *generator.normal(size=997).tolist(), 60.0, -60.0]
        graph = graph_of(sizes, means, [(0, i) for i in range(1, 1000)], [4.0] * 999)
        rounds = []
        merged = RegionGraph.merged
        monkeypatch.setattr(
            RegionGraph, "merged", lambda self, owner: rounds.append(1) or merged(self, owner)
        )
        owner = coarsened(graph, 3)
        assert len(rounds) < 25
        # What differs from it most stays longest.
        assert len(np.unique(owner[-3:])) == owner.max() + 1 == 3

    def test_where_there_are_few_nothing_merges(self):
        graph = grid_graph(2)
        np.testing.assert_array_equal(coarsened(graph, 27), np.arange(27))


def grid_graph(seed):
    """27 regions in a grid."""
    regions = np.repeat(np.arange(27, dtype=np.int32), 8).reshape(3, 3, 3, 2, 2, 2)
    regions = regions.transpose(0, 3, 1, 4, 2, 5).reshape(6, 6, 6)
    return region_graph(regions, evidence_of((6, 6, 6), seed=seed), UNIT)
