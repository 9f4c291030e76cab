import numpy as np
import pytest
import torch

from gyrovox.clustering import node_codes as nodes
from gyrovox.clustering.evidence import interior
from gyrovox.clustering.leaf_summaries import leaf_codes
from gyrovox.geometry import manifold

SHAPE = (10, 11, 12)
# 0 and 1 make 4, 2 and 3 make 5, both make 6.
MERGES = np.array([[0, 1], [2, 3], [4, 5]])
BELOW = [{0}, {1}, {2}, {3}, {0, 1}, {2, 3}, {0, 1, 2, 3}]


def space_of(curvature):
    return manifold("poincare", curvature=curvature) if curvature else manifold("euclidean")


def node_codes(codes, leaves, merges, *, curvature):
    """What is known of the nodes of a tree, from its voxels."""
    known = leaf_codes(codes, leaves, interior(leaves), curvature=curvature)
    return nodes.node_codes(known, merges, curvature=curvature)


def slabs():
    """Four leaves with interiors, and some voxels of none."""
    leaves = np.zeros(SHAPE, np.int32)
    leaves[:, :, 6:] = 1
    leaves[5:] += 2
    leaves[:, 10:] = -1
    return leaves


def crumbs():
    """Four leaves of scattered voxels: none has an interior."""
    leaves = np.random.default_rng(3).integers(-1, 4, SHAPE).astype(np.int32)
    assert not interior(leaves).any()
    return leaves


def codes_of(leaves, curvature, *, spread=0.15, apart=1.0, dim=3):
    """Codes around one middle per leaf, as widely in every place of the space."""
    generator = np.random.default_rng(0)
    middles = torch.from_numpy(apart * generator.normal(size=(5, dim)))[leaves.astype(np.intp)]
    around = torch.from_numpy(spread * generator.normal(size=(*SHAPE, dim)))
    return space_of(curvature).code_add(middles, around).numpy().astype(np.float32)


def distances(space, codes, mean):
    return space.code_distance(
        torch.from_numpy(codes).double(), torch.from_numpy(mean).double()
    ).numpy()


def test_in_flat_space_means_and_spreads_are_those_of_numpy():
    leaves = crumbs()
    codes = codes_of(leaves, 0.0)
    means, spreads, contrasts = node_codes(codes, leaves, MERGES, curvature=0.0)
    for node, members in enumerate(BELOW):
        held = codes[np.isin(leaves, list(members))].astype(np.float64)
        np.testing.assert_allclose(means[node], held.mean(axis=0), atol=1e-6)
        # 2 |u|: the metric is 4 I, whatever the curvature.
        wanted = 2 * np.sqrt(((held - held.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert spreads[node] == pytest.approx(wanted, rel=1e-5)
    for one, other in MERGES:
        wanted = 2 * np.linalg.norm(means[one] - means[other])
        assert contrasts[one] == pytest.approx(wanted, rel=1e-5)
        assert contrasts[other] == contrasts[one]
    assert contrasts[6] == 0


@pytest.mark.parametrize("curvature", [0.0, -0.5, -1.0, -4.0])
@pytest.mark.parametrize("leaves", [slabs(), crumbs()], ids=["interiors", "none"])
def test_the_mean_of_a_leaf_is_the_frechet_mean_of_its_interior(leaves, curvature):
    codes = codes_of(leaves, curvature)
    means, spreads, _ = node_codes(codes, leaves, MERGES, curvature=curvature)
    space = space_of(curvature)
    core = interior(leaves) if interior(leaves).any() else leaves >= 0
    for leaf in range(4):
        seen = torch.from_numpy(codes[core & (leaves == leaf)]).double()
        wanted = space.frechet_mean(seen).numpy()
        off = distances(space, wanted[None], means[leaf].astype(np.float64))[0]
        assert off < 0.01 * spreads[leaf]
        far = distances(space, codes[leaves == leaf], means[leaf])
        assert spreads[leaf] == pytest.approx(np.sqrt((far**2).mean()), rel=1e-4)


@pytest.mark.parametrize("curvature", [-0.5, -1.0, -4.0])
def test_the_mean_of_a_merge_lies_between_those_of_its_children(curvature):
    leaves = slabs()
    codes = codes_of(leaves, curvature)
    means, _, contrasts = node_codes(codes, leaves, MERGES, curvature=curvature)
    sizes = [np.isin(leaves, list(members)).sum() for members in BELOW]
    space = space_of(curvature)
    for node, (one, other) in enumerate(MERGES, start=4):
        whole = distances(space, means[[one]], means[other])[0]
        near, far = (distances(space, means[[child]], means[node])[0] for child in (one, other))
        assert near + far == pytest.approx(whole, rel=1e-4)
        assert near * sizes[one] == pytest.approx(far * sizes[other], rel=1e-3)
        assert contrasts[one] == contrasts[other] == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("curvature", [-0.5, -1.0, -4.0])
@pytest.mark.parametrize("apart", [0.3, 1.0, 3.0])
def test_spreads_of_merges_are_lower_bounds_in_the_ball(apart, curvature):
    leaves = crumbs()
    codes = codes_of(leaves, curvature, apart=apart)
    means, spreads, _ = node_codes(codes, leaves, MERGES, curvature=curvature)
    space = space_of(curvature)
    for node in range(4, 7):
        held = codes[np.isin(leaves, list(BELOW[node]))]
        best = space.frechet_mean(torch.from_numpy(held).double()).numpy()
        for point in (means[node].astype(np.float64), best):
            true = np.sqrt((distances(space, held, point) ** 2).mean())
            assert spreads[node] <= 1.0001 * true
            assert spreads[node] > 0.3 * true


def test_the_less_the_curvature_the_closer_to_flat_space():
    leaves = slabs()
    codes = codes_of(leaves, -1.0)
    flat = node_codes(codes, leaves, MERGES, curvature=0.0)
    for curved, wanted in zip(
        node_codes(codes, leaves, MERGES, curvature=-1e-5), flat, strict=True
    ):
        np.testing.assert_allclose(curved, wanted, atol=1e-3)


def test_voxels_outside_count_for_nothing():
    leaves = slabs()
    codes = codes_of(leaves, -1.0)
    wild = codes.copy()
    wild[leaves < 0] = 50
    for one, other in zip(
        node_codes(codes, leaves, MERGES, curvature=-1.0),
        node_codes(wild, leaves, MERGES, curvature=-1.0),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("curvature", [0.0, -1.0])
def test_equal_codes_have_no_spread(curvature):
    codes = np.full((*SHAPE, 2), 0.7, np.float32)
    means, spreads, contrasts = node_codes(codes, slabs(), MERGES, curvature=curvature)
    np.testing.assert_allclose(means, 0.7, rtol=1e-6)
    np.testing.assert_allclose(spreads, 0, atol=1e-6)
    np.testing.assert_allclose(contrasts, 0, atol=1e-6)


def test_a_tree_of_one_leaf_has_one_code():
    leaves = np.zeros(SHAPE, np.int32)
    codes = codes_of(leaves, -1.0)
    merges = np.empty((0, 2), np.intp)
    means, spreads, contrasts = node_codes(codes, leaves, merges, curvature=-1.0)
    assert means.shape == (1, 3)
    assert spreads.shape == contrasts.shape == (1,)
    assert contrasts[0] == 0


def test_merges_that_wait_for_each_other_are_made_in_turn():
    # A chain: every merge but the first waits for the one before it.
    leaves = np.repeat(np.arange(6, dtype=np.int32), 8).reshape(6, 2, 4)
    codes = np.random.default_rng(2).normal(size=(*leaves.shape, 2)).astype(np.float32)
    chain = np.array([[0, 1], [2, 6], [3, 7], [4, 8], [5, 9]])
    means, spreads, _ = node_codes(codes, leaves, chain, curvature=0.0)
    for node, last in enumerate(range(1, 6), start=6):
        held = codes[leaves <= last]
        np.testing.assert_allclose(means[node], held.mean(axis=0), atol=1e-6)
        wanted = 2 * np.sqrt(((held - held.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert spreads[node] == pytest.approx(wanted, rel=1e-5)
