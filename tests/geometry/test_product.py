import manifold_laws as laws
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall, product_distance

MANIFOLDS = [PoincareBall(-0.1), PoincareBall(-1.0), PoincareBall(-4.0), Euclidean()]
TOLERANCE = {torch.float32: 3e-5, torch.float64: 1e-12}


@pytest.fixture(params=MANIFOLDS, ids=repr)
def space(request):
    return request.param


@pytest.fixture(params=TOLERANCE, ids=str)
def dtype(request):
    return request.param


class Product:
    """What the laws of a metric ask for, of the product of a manifold with itself."""

    def __init__(self, space):
        self.space = space

    def code_distance(self, u, w):
        return product_distance(self.space, u, w)


def test_the_distance_of_a_product_is_a_metric(space, dtype):
    u, w, v = torch.randn(3, 15, 4, 3, dtype=torch.float64).to(dtype)
    laws.check_distance_is_a_metric(Product(space), u, w, v, TOLERANCE[dtype])
    assert bool((product_distance(space, u, w) > 0).all())


def test_points_that_differ_in_one_factor_alone_are_apart(space):
    u = torch.randn(4, 3)
    w = u.clone()
    w[2] += 0.1
    assert_close(product_distance(space, u, w), space.code_distance(u[2], w[2]))


def test_one_factor_is_the_manifold_itself(space, dtype):
    u, w = torch.randn(2, 200, 3, dtype=torch.float64).to(dtype)
    found = product_distance(space, u.unsqueeze(1), w.unsqueeze(1))
    assert torch.equal(found, space.code_distance(u, w))


@given(
    factors=st.integers(1, 6),
    spaces=st.sampled_from(MANIFOLDS),
    size=st.floats(1e-3, 10),
    seed=st.integers(0, 2**32),
)
def test_squared_distances_of_the_factors_add_up(factors, spaces, size, seed):
    generator = torch.Generator().manual_seed(seed)
    u, w = size * torch.randn(2, factors, 2, dtype=torch.float64, generator=generator)
    expected = sum(spaces.code_distance(a, b).item() ** 2 for a, b in zip(u, w, strict=True))
    assert product_distance(spaces, u, w).item() ** 2 == pytest.approx(expected, rel=1e-12)


def test_factors_may_change_places_and_be_moved_one_by_one(space):
    u, w, v = 0.5 * torch.randn(3, 10, 4, 3, dtype=torch.float64)
    order = torch.tensor([2, 0, 3, 1])
    distance = product_distance(space, u, w)
    assert_close(product_distance(space, u[:, order], w[:, order]), distance)
    moved = product_distance(space, space.code_add(v, u), space.code_add(v, w))
    assert_close(moved, distance, rtol=1e-10, atol=1e-10)


def test_shapes_are_broadcast(space, device):
    u, w = torch.randn(7, 1, 4, 2, device=device), torch.randn(5, 4, 2, device=device)
    found = product_distance(space, u, w)
    assert found.shape == (7, 5)
    assert found.device.type == device.type
    assert_close(found[3, 2], product_distance(space, u[3, 0], w[2]))


def test_gradients_are_finite_where_factors_or_all_of_the_point_coincide(space, dtype):
    u = torch.randn(3, 4, 2, dtype=dtype)
    w = u.clone()
    w[1, 2:] += 0.3  # the first point coincides, the second half, the third nowhere
    w[2] -= 0.2
    u.requires_grad_()
    w.requires_grad_()
    product_distance(space, u, w).sum().backward()
    for slope in (u.grad, w.grad):
        assert slope.isfinite().all()
        assert not slope[0].any()
        assert not slope[1, :2].any()
        assert slope[1, 2:].any(-1).all()
        assert slope[2].any(-1).all()


def test_gradients_are_those_of_finite_differences(space):
    u, w = torch.randn(2, 3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: product_distance(space, a, b), (u, w))


def test_becomes_euclidean_as_curvature_vanishes():
    u, w = torch.randn(2, 20, 5, 3, dtype=torch.float64)
    flat = product_distance(Euclidean(), u, w)
    assert_close(product_distance(PoincareBall(-1e-10), u, w), flat, rtol=1e-8, atol=1e-8)
    assert_close(flat, 2 * (u - w).flatten(1).norm(dim=-1))
