import numpy as np
import pytest
import torch

from gyrovox.clustering import leaf_summaries
from gyrovox.clustering.evidence import interior
from gyrovox.clustering.leaf_summaries import LeafCodes, leaf_codes, together
from gyrovox.geometry import manifold

SHAPE = (12, 9, 10)
CURVATURES = [0.0, -0.5, -1.0, -4.0]
PARTS = [slice(0, 4), slice(4, 9), slice(9, 12)]


def space_of(curvature):
    return manifold("poincare", curvature=curvature) if curvature else manifold("euclidean")


def blocks():
    """Three leaves with interiors, cut across by the parts, and some voxels of none."""
    leaves = np.zeros(SHAPE, np.int32)
    leaves[:, 4:] = 1
    leaves[7:, 2:] = 2
    leaves[:, :, 9] = -1
    return leaves


def codes_of(*, spread=0.3, apart=1.0, dim=3, curvature=-1.0):
    """Codes around one middle per leaf."""
    generator = np.random.default_rng(0)
    middles = torch.from_numpy(apart * generator.normal(size=(4, dim)))[blocks().astype(np.intp)]
    around = torch.from_numpy(spread * generator.normal(size=(*SHAPE, dim)))
    return space_of(curvature).code_add(middles, around).numpy().astype(np.float32)


def distances(curvature, codes, mean):
    codes, mean = (torch.from_numpy(np.asarray(one, np.float64)) for one in (codes, mean))
    return space_of(curvature).code_distance(codes, mean).numpy()


def summed_up(codes, curvature, *, calm=None):
    """The summary of the whole, and those of its parts with the leaves in each."""
    leaves, calm = blocks(), interior(blocks()) if calm is None else calm
    whole = leaf_codes(codes, leaves, calm, curvature=curvature)
    parts, names = [], []
    for part in PARTS:
        present = np.unique(leaves[part][leaves[part] >= 0]).astype(np.int32)
        local = np.append(np.searchsorted(present, np.arange(3)), -1).astype(np.int32)
        own = local[leaves[part]]
        parts.append(leaf_codes(codes[part], own, calm[part], curvature=curvature))
        names.append(present)
    return whole, parts, names


@pytest.mark.parametrize("curvature", CURVATURES)
def test_the_mean_of_a_leaf_is_the_frechet_mean_of_its_interior(curvature):
    codes, leaves = codes_of(curvature=curvature), blocks()
    known, _, _ = summed_up(codes, curvature)
    calm = interior(leaves)
    for leaf in range(3):
        inner, every = codes[calm & (leaves == leaf)], codes[leaves == leaf]
        wanted = space_of(curvature).frechet_mean(torch.from_numpy(inner).double()).numpy()
        far = distances(curvature, every, known.means[leaf])
        assert distances(curvature, wanted, known.means[leaf]) < 0.01 * np.sqrt((far**2).mean())
        assert known.squares[leaf] == pytest.approx((far**2).mean(), rel=1e-5)
        assert known.counts[leaf] == len(every)
        assert known.interiors[leaf] == len(inner) > 0


@pytest.mark.parametrize("curvature", CURVATURES)
def test_parts_together_are_the_whole(curvature):
    whole, parts, names = summed_up(codes_of(curvature=curvature), curvature)
    found = together(parts, names, curvature=curvature)
    np.testing.assert_array_equal(found.counts, whole.counts)
    np.testing.assert_array_equal(found.interiors, whole.interiors)
    off = distances(curvature, found.means, whole.means)
    # Exact in flat space. In the ball a mean of means is not the mean, but near it.
    assert (off < (1e-6 if curvature == 0 else 0.02 * np.sqrt(whole.squares))).all()
    np.testing.assert_allclose(found.squares, whole.squares, rtol=1e-6 if curvature == 0 else 0.02)
    np.testing.assert_allclose(found.shifts, whole.shifts, atol=1e-6 if curvature == 0 else 0.02)


@pytest.mark.parametrize("curvature", CURVATURES)
def test_a_single_part_together_is_itself(curvature):
    whole, _, _ = summed_up(codes_of(curvature=curvature), curvature)
    alone = together([whole], [np.arange(3)], curvature=curvature)
    for name, value in vars(whole).items():
        np.testing.assert_allclose(vars(alone)[name], value, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("curvature", CURVATURES)
def test_without_interiors_all_voxels_count(curvature):
    codes = codes_of(curvature=curvature)
    whole, parts, names = summed_up(codes, curvature, calm=np.zeros(SHAPE, bool))
    found = together(parts, names, curvature=curvature)
    for leaf in range(3):
        held = torch.from_numpy(codes[blocks() == leaf]).double()
        wanted = space_of(curvature).frechet_mean(held).numpy()
        spread = np.sqrt(whole.squares[leaf])
        assert distances(curvature, wanted, whole.means[leaf]) < 0.01 * spread
        assert distances(curvature, wanted, found.means[leaf]) < 0.05 * spread


def test_a_part_without_interior_does_not_move_the_mean():
    codes = codes_of()
    calm = interior(blocks())
    calm[PARTS[1]] = False
    wild = codes.copy()
    wild[PARTS[1]] += 1
    one, other = (
        together(parts, names, curvature=-1.0)
        for _, parts, names in (summed_up(array, -1.0, calm=calm) for array in (codes, wild))
    )
    np.testing.assert_allclose(one.means[:2], other.means[:2], atol=1e-12)
    assert (one.squares[:2] < other.squares[:2]).all()


@pytest.mark.parametrize("apart", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("curvature", [-0.5, -1.0, -4.0])
def test_the_fast_way_is_that_of_the_geometry(monkeypatch, curvature, apart):
    codes = codes_of(apart=apart, curvature=curvature)
    fast, _, _ = summed_up(codes, curvature)
    monkeypatch.setattr(leaf_summaries, "_EXACT", 0.0)
    slow, _, _ = summed_up(codes, curvature)
    for name, value in vars(slow).items():
        np.testing.assert_allclose(vars(fast)[name], value, rtol=1e-6, atol=1e-8, err_msg=name)


def test_codes_far_out_have_finite_means():
    codes = np.full((*SHAPE, 2), 40, np.float32)
    codes[..., 0] += np.random.default_rng(0).normal(size=SHAPE)
    known, _, _ = summed_up(codes, -1.0)
    # They lie all around, seen from where they are: their mean is nearer to the origin.
    assert (np.linalg.norm(known.means, axis=1) < 40 * 2**0.5 + 1).all()
    assert np.isfinite(known.squares).all()


def test_equal_codes_have_no_spread():
    codes = np.full((*SHAPE, 2), 0.7, np.float32)
    whole, parts, names = summed_up(codes, -1.0)
    for known in (whole, together(parts, names, curvature=-1.0)):
        np.testing.assert_allclose(known.means, 0.7, rtol=1e-6)
        np.testing.assert_allclose(known.squares, 0, atol=1e-12)


def test_a_summary_goes_through_arrays():
    whole, _, _ = summed_up(codes_of(), -1.0)
    again = LeafCodes.from_arrays({**whole.arrays(), "more": np.zeros(3)})
    for name, value in vars(whole).items():
        np.testing.assert_array_equal(vars(again)[name], value)


def test_where_nothing_is_inside_there_are_no_leaves():
    outside = np.full(SHAPE, -1, np.int32)
    known = leaf_codes(codes_of(), outside, outside >= 0, curvature=-1.0)
    assert known.means.shape == (0, 3)
    assert known.counts.shape == (0,)
