import itertools

import numpy as np
import pytest
from scipy import stats

from gyrovox.clustering.evidence import (
    Turn,
    interior,
    neighbour_spread,
    pooled,
    region_spread,
)

SHAPE = (20, 21, 40)
EVERYWHERE = np.ones(SHAPE, bool)
HALVES = np.zeros(SHAPE, np.int32)
HALVES[:, :, 20:] = 1


def volume(features=3, *, jump=20.0, seed=0):
    """White noise of some covariance, and a jump between two halves in its last feature."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(*SHAPE, features))
    values[..., -1] += jump * HALVES
    return values.astype(np.float32)


def mixed(values, seed=1):
    """An invertible linear map of the features."""
    matrix = np.random.default_rng(seed).normal(size=(values.shape[-1],) * 2) + 2 * np.eye(
        values.shape[-1]
    )
    return (values @ matrix).astype(np.float32)


def within(evidence):
    """The values in one half, away from its boundary, as rows."""
    return evidence[:, :, 3:17].reshape(-1, evidence.shape[-1])


def trimmed(share):
    """Variance of the `share` of a standard normal distribution that is closest to 0."""
    edge = stats.norm.ppf((1 + share) / 2)
    return 1 - 2 * edge * stats.norm.pdf(edge) / share


def test_the_noise_of_neighbours_has_unit_variance():
    noise = volume(1, jump=0) * 7 + 3
    evidence = against_neighbours(noise, EVERYWHERE)
    # The calmest four fifths of the differences are those of a trimmed normal distribution.
    assert evidence.std() == pytest.approx(trimmed(0.8) ** -0.5, rel=0.03)
    assert evidence.mean() == pytest.approx(0, abs=1e-3)


def test_the_noise_of_regions_has_unit_variance():
    evidence = against_regions(volume(1, jump=50) * 7 + 3, HALVES)
    assert within(evidence).std() == pytest.approx(trimmed(0.95) ** -0.5, rel=0.03)
    assert np.median(evidence[HALVES == 1]) - np.median(evidence[HALVES == 0]) == pytest.approx(
        50 * trimmed(0.95) ** -0.5, rel=0.03
    )


def against_neighbours(features, inside, **rest):
    return Turn.of(neighbour_spread(features, inside), **rest)(features)


def against_regions(features, regions, **rest):
    return Turn.of(region_spread(features, regions), **rest)(features)


def transforms():
    """Both ways to the evidence, as functions of the features alone."""
    return {
        "neighbours": lambda values, **rest: against_neighbours(values, EVERYWHERE, **rest),
        "regions": lambda values, **rest: against_regions(values, HALVES, **rest),
    }


@pytest.fixture(params=transforms())
def transform(request):
    return transforms()[request.param]


def test_noise_is_alike_in_all_directions(transform):
    covariance = np.cov(within(transform(mixed(volume()))).T)
    scale = np.diag(covariance).mean()
    assert 0.9 < scale < 2
    np.testing.assert_allclose(covariance / scale, np.eye(3), atol=0.15)


def test_the_direction_with_most_signal_comes_first(transform):
    evidence = transform(mixed(volume()))
    jumps = np.abs(evidence[HALVES == 1].mean(0) - evidence[HALVES == 0].mean(0))
    assert jumps[0] > 10
    assert (jumps[1:] < 1.5).all()
    only = transform(mixed(volume()), dimensions=1)
    np.testing.assert_allclose(only, evidence[..., :1], rtol=1e-4, atol=1e-4)


def test_units_do_not_matter(transform):
    values = volume()
    scaled = values * np.float32([0.01, 30, 4]) + np.float32([1, -60, 0])
    one, other = transform(values), transform(scaled)
    for axis in range(3):
        assert np.corrcoef(one[..., axis].ravel(), other[..., axis].ravel())[0, 1] ** 2 > 0.9999
    np.testing.assert_allclose(one.std((0, 1, 2)), other.std((0, 1, 2)), rtol=1e-3)


def test_a_linear_map_of_the_features_hardly_matters(transform):
    # Hardly: which differences count as calm is decided feature by feature.
    values = volume(2)
    one, other = transform(values), transform(mixed(values))
    assert np.corrcoef(one[..., 0].ravel(), other[..., 0].ravel())[0, 1] ** 2 > 0.99
    np.testing.assert_allclose(one.std((0, 1, 2)), other.std((0, 1, 2)), rtol=0.15)


def test_signs_are_fixed_whatever_the_order_of_the_features(transform):
    values = volume()
    one, other = transform(values), transform(values[..., ::-1].copy())
    np.testing.assert_allclose(one, other, atol=0.01)


def test_only_what_is_inside_counts():
    inside = EVERYWHERE.copy()
    inside[:, 15:] = inside[:, :4] = False
    values = volume()
    wild = values.copy()
    wild[~inside] *= 1000
    one = against_neighbours(values, inside)[inside]
    np.testing.assert_allclose(against_neighbours(wild, inside)[inside], one)
    regions = np.where(inside, HALVES, -1).astype(np.int32)
    one = against_regions(values, regions)[inside]
    np.testing.assert_allclose(against_regions(wild, regions)[inside], one)


def test_a_few_wild_voxels_do_not_count_as_noise(transform):
    values = volume(1, jump=0)
    wild = values.copy()
    places = np.random.default_rng(3).choice(values.size, values.size // 100, replace=False)
    wild.ravel()[places] = np.resize([-100, 100], len(places))
    calm = np.ones(values.size, bool)
    calm[places] = False
    assert transform(wild).ravel()[calm].std() == pytest.approx(transform(values).std(), rel=0.15)


@pytest.mark.parametrize("features", [1, 4])
@pytest.mark.parametrize("value", [0.0, 7.0, 1e10])
def test_what_is_constant_is_no_evidence(transform, features, value):
    evidence = transform(np.full((*SHAPE, features), value, np.float32))
    assert evidence.shape == (*SHAPE, features)
    assert np.isfinite(evidence).all()
    assert np.ptp(evidence.reshape(-1, features), axis=0).max() == 0


def test_a_feature_that_is_there_twice_adds_nothing_infinite(transform):
    values = volume(2)
    evidence = transform(np.concatenate([values, values[..., :1]], axis=-1))
    assert np.isfinite(evidence).all()
    assert np.abs(evidence[..., :2]).max() < 100


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 9), (2, 1, 1)], ids=str)
def test_thin_volumes_have_evidence(shape):
    values = np.random.default_rng(0).normal(size=(*shape, 6)).astype(np.float32)
    evidence = against_neighbours(values, np.ones(shape, bool), dimensions=4)
    assert evidence.shape == (*shape, 4)
    assert np.isfinite(evidence).all()
    assert np.isfinite(against_regions(values, np.zeros(shape, np.int32))).all()


def test_the_interior_is_two_faces_from_all_others():
    generator = np.random.default_rng(5)
    coarse = generator.integers(-1, 3, (2, 2, 2))
    regions = np.kron(coarse, np.ones((5, 5, 5))).astype(np.int32)[:9, :, :7]
    regions[4, 4, 4] = 5
    offsets = [o for o in itertools.product(range(-2, 3), repeat=3) if np.abs(o).sum() <= 2]
    wanted = np.zeros(regions.shape, bool)
    for place in np.ndindex(regions.shape):
        near = np.array(place) + np.array(offsets)
        near = near[((near >= 0) & (near < regions.shape)).all(axis=1)]
        wanted[place] = regions[place] >= 0 and (regions[tuple(near.T)] == regions[place]).all()
    assert 0 < wanted.sum() < wanted.size
    np.testing.assert_array_equal(interior(regions), wanted)


def spreads():
    """Spreads of three parts of a volume, and that of all its voxels by NumPy."""
    values = mixed(volume())
    parts = [values[:4], values[4:15], values[15:]]
    return values, [neighbour_spread(part, np.ones(part.shape[:3], bool)) for part in parts]


def test_parts_of_a_volume_spread_together_as_the_whole():
    values, parts = spreads()
    rows = values.reshape(-1, 3).astype(np.float64)
    together = pooled(parts)
    assert together.voxels == len(rows)
    np.testing.assert_allclose(together.middle, rows.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(together.scatter, len(rows) * np.cov(rows.T, ddof=0), rtol=1e-10)
    assert together.residuals == sum(part.residuals for part in parts)
    np.testing.assert_allclose(together.noise, sum(part.noise for part in parts), rtol=1e-12)


def test_the_order_of_the_parts_does_not_matter():
    _, parts = spreads()
    one, other = pooled(parts), pooled(parts[::-1])
    for name, value in vars(one).items():
        np.testing.assert_allclose(vars(other)[name], value, rtol=1e-10, err_msg=name)


def test_a_part_alone_is_itself_and_one_of_nothing_adds_nothing():
    values, parts = spreads()
    assert pooled(parts[:1]) is parts[0]
    nothing = neighbour_spread(values, np.zeros(SHAPE, bool))
    assert nothing.voxels == nothing.residuals == 0
    for pair in ([nothing, parts[1]], [parts[1], nothing]):
        for name, value in vars(pooled(pair)).items():
            np.testing.assert_allclose(value, vars(parts[1])[name], rtol=1e-12, err_msg=name)
