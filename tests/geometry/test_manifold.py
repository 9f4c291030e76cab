import manifold_laws as laws
import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall, manifold

MANIFOLDS = [PoincareBall(-0.1), PoincareBall(-1.0), PoincareBall(-4.0), Euclidean()]
TOLERANCE = {torch.float32: 3e-5, torch.float64: 1e-12}


@pytest.fixture(params=MANIFOLDS, ids=repr)
def space(request):
    return request.param


@pytest.fixture(params=TOLERANCE, ids=str)
def dtype(request):
    return request.param


@pytest.fixture
def tolerance(dtype):
    return TOLERANCE[dtype]


def codes(space, dtype):
    scale = 0.7 * (-space.curvature) ** -0.5 if space.curvature else 0.7
    return (scale * torch.randn(15, 3, dtype=torch.float64)).to(dtype)


@pytest.fixture
def u(space, dtype):
    return codes(space, dtype)


@pytest.fixture
def w(space, dtype):
    return codes(space, dtype)


@pytest.fixture
def v(space, dtype):
    return codes(space, dtype)


def test_log_origin_inverts_exp_origin(space, u, tolerance):
    laws.check_log_origin_inverts_exp_origin(space, u, tolerance)


def test_a_code_is_half_the_distance_from_the_origin(space, u, tolerance):
    laws.check_a_code_is_half_the_distance_from_the_origin(space, u, tolerance)


def test_code_distance_is_the_distance_of_points(space, u, w, tolerance):
    laws.check_code_distance_is_the_distance_of_points(space, u, w, tolerance)


def test_distance_is_a_metric(space, u, w, v, tolerance):
    laws.check_distance_is_a_metric(space, u, w, v, tolerance)


def test_pairs_agree_with_rows(space, u, w, tolerance):
    laws.check_pairs_agree_with_rows(space, u, w, tolerance)
    assert space.pairwise_code_distance(u, w[:0]).shape == (15, 0)


def test_translation_is_an_isometry(space, u, w, v, tolerance):
    laws.check_translation_is_an_isometry(space, u, w, v, tolerance)
    laws.check_translation_back_is_the_inverse(space, u, v, tolerance)


def test_rotation_is_an_isometry(space, u, w, tolerance):
    laws.check_rotation_is_an_isometry(space, u, w, tolerance)


def test_frechet_mean(space, u, v, tolerance):
    weights = torch.rand(15, dtype=u.dtype)
    # The iteration stops at steps of 1e-10.
    tolerance = max(tolerance, 1e-8)
    laws.check_frechet_mean_is_where_the_squared_distances_balance(space, u, weights, tolerance)
    laws.check_frechet_mean_moves_with_isometries(space, u, v, weights, tolerance)


def test_becomes_euclidean_as_curvature_vanishes():
    curved, flat = PoincareBall(-1e-10), Euclidean()
    u, w = torch.randn(2, 20, 3, dtype=torch.float64)
    near = {"rtol": 1e-8, "atol": 1e-8}
    assert_close(curved.exp_origin(u), flat.exp_origin(u), **near)
    assert_close(curved.log_origin(u), flat.log_origin(u), **near)
    assert_close(curved.distance(u, w), flat.distance(u, w), **near)
    assert_close(curved.code_distance(u, w), flat.code_distance(u, w), **near)
    assert_close(curved.code_add(u, w), flat.code_add(u, w), **near)
    assert_close(curved.frechet_mean(u), flat.frechet_mean(u), **near)
    radius = torch.rand(5, dtype=torch.float64)
    assert_close(curved.log_volume_ratio(radius), flat.log_volume_ratio(radius), **near)


def test_manifold_by_name():
    assert manifold("poincare", curvature=-2.0).curvature == -2.0
    assert repr(manifold("euclidean")) == "Euclidean()"
    with pytest.raises(ValueError, match="curvature must be negative and finite"):
        manifold("poincare", curvature=0.0)


def test_a_learned_curvature_gets_its_slope_from_every_method():
    kappa = torch.tensor(-1.3, dtype=torch.float64, requires_grad=True)
    ball, fixed = manifold("poincare", curvature=kappa), PoincareBall(-1.3)
    assert ball.curvature == -1.3
    assert ball.learned_curvature is kappa
    assert repr(ball) == repr(fixed)
    u, w = 0.3 * torch.randn(2, 5, 3, dtype=torch.float64)
    for run in (
        lambda space: space.exp_origin(u),
        lambda space: space.log_origin(u),
        lambda space: space.distance(u, w),
        lambda space: space.code_distance(u, w),
        lambda space: space.code_add(u, w),
        lambda space: space.frechet_mean(u),
        lambda space: space.log_volume_ratio(u[..., 0].abs()),
        lambda space: space.pairwise_code_distance(u, w),
    ):
        result = run(ball)
        assert_close(result, run(fixed))
        (slope,) = torch.autograd.grad(result.sum(), kappa)
        near = [run(PoincareBall(-1.3 + step)).sum() for step in (1e-6, -1e-6)]
        assert_close(slope, (near[0] - near[1]) / 2e-6, rtol=1e-6, atol=1e-8)
