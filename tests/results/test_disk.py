"""Where nodes lie in the disk."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
import tree_laws as laws

from gyrovox.results import disk_map, disk_positions


def with_codes(codes, *, curvature=-1.0):
    tree = laws.random_tree((len(codes) + 1) // 2, curvature=curvature)
    return replace(laws.trunk_of(tree), codes=codes.astype(np.float32))


def random_codes(nodes, dim, *, seed=0, size=0.7):
    return np.random.default_rng(seed).normal(size=(nodes, dim)) * size


def disk_distances(points):
    """Distances in the unit disk of curvature −1, by their definition with acosh."""
    square = (points**2).sum(axis=1)
    gaps = ((points[:, np.newaxis] - points) ** 2).sum(axis=2)
    return np.arccosh(1 + 2 * gaps / ((1 - square)[:, np.newaxis] * (1 - square)))


def ball_distances(codes, curvature):
    """Distances of codes, by the same definition on the scaled ball, in units of 1 / √−κ."""
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return disk_distances(codes / lengths * np.tanh(np.sqrt(-curvature) * lengths))


def in_a_plane(codes, dim, *, seed=1):
    """Codes of two dimensions in a plane through the origin of more."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, 2)))
    return codes @ axes.T


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
def test_two_dimensions_are_shown_as_they_are(curvature):
    codes = random_codes(9, 2)
    found = disk_positions(with_codes(codes, curvature=curvature))
    for point, code in zip(found.tolist(), codes.astype(np.float32).tolist(), strict=True):
        length = mpmath.sqrt(-curvature) * mpmath.hypot(*code)
        expected = [float(mpmath.tanh(length) * c / mpmath.hypot(*code)) for c in code]
        assert point == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("curvature", [-0.5, -1.0])
@pytest.mark.parametrize("dim", [3, 8])
def test_points_of_a_plane_through_the_origin_keep_all_their_distances(dim, curvature):
    codes = random_codes(41, 2, size=0.5)
    found = disk_positions(with_codes(in_a_plane(codes, dim), curvature=curvature))
    expected = ball_distances(codes.astype(np.float32).astype(float), curvature)
    np.testing.assert_allclose(disk_distances(found), expected, atol=2e-5)


def test_of_more_dimensions_the_two_that_spread_most_are_kept():
    """A plane that is not flat in the ball: what leaves it shrinks, and little of it does."""
    codes = np.concatenate([random_codes(61, 2), 0.02 * random_codes(61, 4, seed=2)], axis=1)
    found = disk_positions(with_codes(codes))
    kept = disk_distances(found)
    true = ball_distances(codes, -1.0)
    apart = ~np.eye(len(codes), dtype=bool)
    assert (kept[apart] < true[apart] + 0.25).all()
    assert np.corrcoef(kept[apart], true[apart])[0, 1] > 0.97


def test_the_mean_of_the_leaves_is_the_middle():
    """At a Fréchet mean, tangent vectors to the points have the sum 0."""
    trunk = with_codes(random_codes(41, 5) + 0.3)
    found = disk_positions(trunk)[: trunk.n_leaves]
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    vectors = found / lengths * np.arctanh(lengths)
    mean = np.average(vectors, axis=0, weights=trunk.sizes[: trunk.n_leaves])
    np.testing.assert_allclose(mean, 0, atol=1e-6)
    # The first axis is the one of the larger spread, and they are not correlated.
    spread = (vectors * trunk.sizes[: trunk.n_leaves, np.newaxis]).T @ vectors
    assert spread[0, 0] > spread[1, 1]
    assert abs(spread[0, 1]) < 1e-6 * spread[0, 0]


@pytest.mark.parametrize("dim", [2, 6])
def test_flat_codes_are_a_plane_that_fills_the_square(dim):
    codes = random_codes(21, 2) * 50
    wide = codes if dim == 2 else in_a_plane(codes, dim)
    found = disk_positions(with_codes(wide, curvature=0.0))
    assert np.linalg.norm(found, axis=1).max() == pytest.approx(1, abs=1e-6)

    def distances(points):
        return np.linalg.norm(points[:, np.newaxis] - points, axis=2)

    ratio = distances(found)[0, 1:] / distances(codes)[0, 1:]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


@pytest.mark.parametrize("curvature", [-1.0, 0.0])
@pytest.mark.parametrize("dim", [0, 1])
def test_codes_of_fewer_dimensions_lie_on_a_line(dim, curvature):
    found = disk_positions(with_codes(random_codes(5, dim), curvature=curvature))
    assert found.shape == (5, 2)
    assert (found[:, dim:] == 0).all()


@pytest.mark.parametrize("dim", [2, 4])
def test_codes_that_are_all_alike_lie_at_one_point(dim):
    found = disk_positions(with_codes(np.zeros((5, dim))))
    np.testing.assert_array_equal(found, 0)


def test_codes_far_out_stay_within_the_disk():
    found = disk_positions(with_codes(random_codes(5, 2, size=1e3)))
    lengths = np.linalg.norm(found, axis=1)
    assert (lengths < 1).all()
    assert lengths.max() > 0.999


def test_the_sign_of_an_axis_does_not_hang_on_the_order_of_the_dimensions():
    codes = random_codes(31, 6) * np.arange(6, 0, -1)
    first = disk_positions(with_codes(codes, curvature=-0.01))
    turned = disk_positions(with_codes(codes[:, ::-1], curvature=-0.01))
    np.testing.assert_allclose(first, turned, atol=1e-5)


def test_the_map_of_the_nodes_shows_other_codes_too():
    codes = random_codes(21, 4)
    trunk = with_codes(codes)
    shown = disk_map(trunk)
    assert not shown.is_exact
    np.testing.assert_allclose(
        shown.positions(trunk.codes[3:5]), disk_positions(trunk)[3:5], atol=1e-12
    )
    assert disk_map(with_codes(random_codes(21, 2))).is_exact
