import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from gyrovox.clustering import HyperbolicKMeans
from gyrovox.clustering.coreset import (
    MOST_POINTS,
    Coreset,
    coreset_of,
    most_points,
    some_distinct,
)

SPACES = [0.0, -1.0]


def mixture(seed, points, dim):
    """Eight blobs, the last in the tail of one another."""
    generator = np.random.default_rng(seed)
    middles = np.random.default_rng(100).standard_normal((8, dim))
    codes = middles[generator.integers(0, 8, points)] + 0.2 * generator.standard_normal((
        points,
        dim,
    ))
    return codes.astype(np.float32)


def uniform(seed, points, dim):
    return np.random.default_rng(seed).uniform(-1, 1, (points, dim)).astype(np.float32)


def heavy(seed, points, dim):
    """A few of the points are a hundred times as far out as most."""
    generator = np.random.default_rng(seed)
    codes = generator.standard_normal((points, dim)) * generator.standard_t(3, (points, 1))
    return (0.15 * codes).astype(np.float32)


def by_tiles(codes, tiles, *, most, curvature, order=1):
    parts = [
        coreset_of(part, most=most, curvature=curvature, seed=0)
        for part in np.array_split(codes, tiles)
    ]
    return Coreset.merged(parts[::order], most=MOST_POINTS, curvature=curvature, seed=0)


def clustered(coreset, clusters, curvature):
    kmeans = HyperbolicKMeans(clusters, curvature=curvature, n_threads=1, n_init=4)
    return kmeans.fit(coreset.codes, sample_weight=coreset.weights)


def agreement(one, other):
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    return table[linear_sum_assignment(table, maximize=True)].sum() / len(one)


def inertia(codes, clusters, curvature):
    """That of the best of many runs on all the codes."""
    return min(
        HyperbolicKMeans(clusters, curvature=curvature, n_threads=1, n_init=4, random_state=seed)
        .fit(codes)
        .inertia_
        for seed in range(2)
    )


@pytest.mark.parametrize("curvature", SPACES)
@pytest.mark.parametrize("dim", [2, 6])
@pytest.mark.parametrize("draw", [mixture, uniform, heavy])
def test_centres_that_suit_the_coreset_suit_all_codes(draw, dim, curvature):
    codes = draw(0, 8_000, dim)
    least = inertia(codes, 5, curvature)
    # With 1024 codes for 8000 at most 1 % more; with 128, 6 %.
    for tiles, most, bound in ((4, 256, 0.01), (4, 32, 0.06)):
        coreset = by_tiles(codes, tiles, most=most, curvature=curvature)
        found = -clustered(coreset, 5, curvature).score(codes)
        assert found < (1 + bound) * least, (tiles, most)


@pytest.mark.parametrize("curvature", SPACES)
def test_labels_do_not_depend_on_the_tiles_where_there_are_clusters(curvature):
    codes = mixture(1, 12_000, 4)
    # Tiles differ from each other: each is of some of the clusters only.
    codes = codes[np.argsort(codes[:, 0])]
    labels = [
        clustered(by_tiles(codes, tiles, most=128, curvature=curvature), 8, curvature).predict(
            codes
        )
        for tiles in (1, 5, 16)
    ]
    direct = HyperbolicKMeans(8, curvature=curvature, n_threads=1).fit_predict(codes)
    assert min(agreement(direct, found) for found in labels) > 0.995


@settings(max_examples=25)
@given(
    st.builds(heavy, st.integers(0, 2**32 - 1), points=st.integers(1, 600), dim=st.integers(1, 5)),
    st.integers(1, 70),
    st.sampled_from([*SPACES, -0.3]),
    st.booleans(),
)
def test_the_weight_is_the_number_of_codes(codes, most, curvature, coarse):
    if coarse:
        codes = np.round(codes, 1)
    coreset = coreset_of(codes, most=most, curvature=curvature, seed=3)
    assert coreset.weights.sum() == len(codes)
    assert (coreset.weights > 0).all()
    assert (coreset.weights == np.round(coreset.weights)).all()
    assert len(coreset.codes) == len(coreset.weights) <= most
    assert coreset.codes.dtype == np.float32
    assert np.isfinite(coreset.codes).all()
    assert len(np.unique(coreset.codes, axis=0)) == len(coreset.codes)
    again = coreset_of(codes, most=most, curvature=curvature, seed=3)
    np.testing.assert_array_equal(coreset.codes, again.codes)
    np.testing.assert_array_equal(coreset.weights, again.weights)


def test_few_different_codes_are_kept_as_they_are():
    few = uniform(0, 5, 3)
    codes = few[np.random.default_rng(0).integers(0, 5, 400)]
    coreset = coreset_of(codes, most=5, curvature=-1.0, seed=0)
    expected, counts = np.unique(codes, axis=0, return_counts=True)
    np.testing.assert_array_equal(coreset.codes, expected)
    np.testing.assert_array_equal(coreset.weights, counts)


@pytest.mark.parametrize("curvature", SPACES)
def test_the_order_of_a_merge_changes_nothing(curvature):
    parts = [
        coreset_of(mixture(seed, 500, 3), most=60, curvature=curvature, seed=0) for seed in range(6)
    ]
    for most in (40, 10_000):
        one = Coreset.merged(parts, most=most, curvature=curvature, seed=0)
        other = Coreset.merged(parts[::-1], most=most, curvature=curvature, seed=0)
        np.testing.assert_array_equal(one.codes, other.codes)
        np.testing.assert_array_equal(one.weights, other.weights)
        assert one.weights.sum() == 3000
        assert len(one.codes) <= most


@pytest.mark.parametrize("curvature", SPACES)
def test_merges_may_be_nested(curvature):
    codes = mixture(2, 6000, 3)
    parts = [
        coreset_of(part, most=100, curvature=curvature, seed=0) for part in np.array_split(codes, 6)
    ]

    def merged(some, most):
        return Coreset.merged(some, most=most, curvature=curvature, seed=0)

    kept = merged(parts, 1000)
    nested = merged([merged(parts[:2], 1000), merged(parts[2:], 1000)], 1000)
    np.testing.assert_array_equal(kept.codes, nested.codes)
    np.testing.assert_array_equal(kept.weights, nested.weights)
    least = inertia(codes, 8, curvature)
    for some in (
        merged(parts, 200),
        merged([merged(parts[:3], 200), merged(parts[3:], 200)], 200),
        merged([merged([merged(parts[:2], 200), *parts[2:4]], 200), *parts[4:]], 200),
    ):
        assert some.weights.sum() == 6000
        assert len(some.codes) <= 200
        assert -clustered(some, 8, curvature).score(codes) < 1.05 * least


def test_what_stands_for_codes_of_a_curved_space_are_their_means():
    # Two tight bunches, far out: each becomes its mean, in units of its own curvature.
    bunches = np.float32([[3.0, 0.0], [0.0, -2.5]])
    codes = np.repeat(bunches, 300, axis=0) + 0.01 * uniform(0, 600, 2)
    coreset = coreset_of(codes, most=2, curvature=-0.25, seed=0)
    np.testing.assert_array_equal(coreset.weights, [300, 300])
    np.testing.assert_allclose(coreset.codes, bunches[::-1], atol=0.002)


def test_codes_however_far_out_have_a_coreset():
    codes = mixture(0, 400, 2) * np.float32(400)
    coreset = coreset_of(codes, most=20, curvature=-1.0, seed=0)
    assert coreset.weights.sum() == 400
    assert np.isfinite(coreset.codes).all()


def test_a_tile_without_codes_adds_nothing():
    nothing = coreset_of(np.empty((0, 3), np.float32), most=10, curvature=-1.0, seed=0)
    some = coreset_of(uniform(0, 50, 3), most=10, curvature=-1.0, seed=0)
    merged = Coreset.merged([nothing, some], most=10, curvature=-1.0, seed=0)
    np.testing.assert_array_equal(merged.codes, some.codes)
    both = Coreset.merged([nothing, nothing], most=10, curvature=-1.0, seed=0)
    assert both.codes.shape == (0, 3)


def test_a_coreset_survives_being_written():
    coreset = coreset_of(uniform(0, 50, 3), most=10, curvature=0.0, seed=0)
    written = io.BytesIO()
    np.savez(written, **coreset.arrays())
    written.seek(0)
    again = Coreset.from_arrays(np.load(written))
    np.testing.assert_array_equal(again.codes, coreset.codes)
    np.testing.assert_array_equal(again.weights, coreset.weights)


@pytest.mark.parametrize("most", [1, 3, 4, 9])
def test_some_distinct_codes_are_as_many_as_there_are(most):
    codes = np.zeros((500, 2), np.float32)
    codes[[100, 200, 499]] = [[1, 2], [0, 2], [3, 0]]
    found = some_distinct(codes, most)
    assert len(np.unique(found, axis=0)) == len(found) == min(most, 4)
    assert (found[:, None] == codes).all(axis=2).any(axis=1).all()
    assert some_distinct(codes[:0], most).shape == (0, 2)


def test_the_codes_of_a_tile_are_a_share_of_those_of_the_volume():
    assert most_points(128**3, 256**3) == 1024
    assert most_points(2**18, 2**26) == 256
    assert most_points(128**3, 4096**3) == 128
