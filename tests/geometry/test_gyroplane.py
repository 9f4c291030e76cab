import ball_in_60_digits as exact
import pytest
import slope_laws as laws
import torch
from compile_laws import check_compiles
from torch.testing import assert_close

from gyrovox.geometry import gyroplane, poincare

TOLERANCE = {torch.float32: 3e-6, torch.float64: 4e-15}


@pytest.fixture(params=TOLERANCE, ids=str)
def dtype(request):
    return request.param


@pytest.fixture(params=[-0.1, -1.0, -4.0])
def curvature(request):
    return request.param


def planes(n, curvature, dtype):
    """Points p of the ball and normals there."""
    p = torch.nn.functional.normalize(torch.randn(n, 3, dtype=torch.float64), dim=-1)
    p = p * 0.8 * torch.rand(n, 1, dtype=torch.float64) * (-curvature) ** -0.5
    return p.to(dtype), torch.randn(n, 3, dtype=dtype)


def reference(u, p, a, curvature):
    return torch.tensor(
        [
            [
                float(exact.gyroplane_distance(code, point, normal, curvature=curvature))
                for point, normal in zip(p.tolist(), a.tolist(), strict=True)
            ]
            for code in u.tolist()
        ],
        dtype=torch.float64,
    )


# Beyond sizes of 11 the lift is cut short in float32, beyond 88 in float64.
@pytest.mark.parametrize("size", [1e-6, 1e-2, 1.0, 5.0, 30.0, 200.0])
def test_signed_distance_agrees_with_the_mobius_definition_in_60_digits(size, curvature, dtype):
    scale = (-curvature) ** -0.5
    u = (size * scale * torch.randn(10, 3, dtype=torch.float64)).to(dtype)
    p, a = planes(7, curvature, dtype)
    normal, offset = gyroplane.through_point(p, a, curvature=curvature)
    result = gyroplane.signed_distance(u, normal, offset, curvature=curvature)
    expected = reference(u, p, a, curvature)
    # Rounding of a plane with distance D from the origin moves it by eps (1 + sinh D) or so.
    assert_close(
        result.double(), expected, rtol=10 * TOLERANCE[dtype], atol=20 * TOLERANCE[dtype] * scale
    )


def test_signed_distance_has_a_slope_at_any_distance(dtype):
    direction = torch.tensor([0.6, 0.8], dtype=dtype)
    plane = torch.tensor([[1.0, 0.0]], dtype=dtype), torch.tensor([0.3], dtype=dtype)
    for size in (9.0, 30.0, 400.0):
        radius = torch.tensor(size, dtype=dtype, requires_grad=True)
        gyroplane.signed_distance((radius * direction)[None], *plane, curvature=-1.0).backward()
        assert radius.grad.item() == pytest.approx(2.0, rel=1e-5)


def test_points_of_a_gyroplane_are_at_distance_zero(curvature):
    p, a = planes(5, curvature, torch.float64)
    normal, offset = gyroplane.through_point(p, a, curvature=curvature)
    codes = poincare.log_origin(p, curvature=curvature)
    distances = gyroplane.signed_distance(codes, normal, offset, curvature=curvature)
    assert_close(distances.diagonal(), torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-13)


def test_products_say_the_same_as_codes(curvature, dtype):
    u, normal, offset = (torch.randn(*shape, dtype=dtype) for shape in ((6, 3), (4, 3), (4,)))
    factor = torch.rand(4, dtype=dtype)
    direction = torch.nn.functional.normalize(normal, dim=-1)
    for size in (0.0, 1.0, 100.0):
        codes = size * u
        by_products = gyroplane.signed_distance_of_products(
            codes @ direction.mT,
            codes.norm(dim=-1, keepdim=True),
            offset,
            factor=factor,
            curvature=curvature,
        )
        by_codes = gyroplane.signed_distance(
            codes, normal, offset, factor=factor, curvature=curvature
        )
        assert_close(by_products, by_codes, rtol=50 * TOLERANCE[dtype], atol=50 * TOLERANCE[dtype])


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature):
    normal = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    offset = (torch.rand(4, dtype=torch.float64) - 0.5).requires_grad_()
    for size in (0.0, 1.0):
        u = (size * torch.randn(3, 3, dtype=torch.float64)).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda *given: gyroplane.signed_distance(*given, curvature=curvature),
            (u, normal, offset),
        )


def distance_to_plane(u, p, a, *, curvature):
    """What the 60-digit definition takes: one code, one plane through a point."""
    normal, offset = gyroplane.through_point(p[None], a[None], curvature=curvature)
    return gyroplane.signed_distance(u, normal, offset, curvature=curvature).squeeze(-1)


@pytest.mark.parametrize("size", [0.0, 1e-4, 0.3, 3.0, 30.0, 120.0])
def test_slopes_agree_with_60_digits(size, curvature, dtype):
    scale = (-curvature) ** -0.5
    p = torch.tensor([0.3, -0.2], dtype=dtype) * scale
    a, u = torch.tensor([1.0, 2.0], dtype=dtype), torch.tensor([0.6, -0.7], dtype=dtype)
    laws.check_slopes(
        distance_to_plane,
        exact.gyroplane_distance,
        [size * scale * u, p, a],
        curvature=curvature,
        tolerance=100 * TOLERANCE[dtype],
        floor=1.0,
    )


@pytest.mark.parametrize("room", [1e-3, 1e-5, 1e-7])
def test_planes_through_points_near_the_boundary(room, curvature):
    p = torch.tensor([[(1 - room) * (-curvature) ** -0.5, 0.0]])
    a = torch.tensor([[1.0, 2.0]])
    normal, offset = gyroplane.through_point(p, a, curvature=curvature)
    wide_normal, wide_offset = gyroplane.through_point(p.double(), a.double(), curvature=curvature)
    assert_close(offset.double(), wide_offset, rtol=2e-6, atol=0)
    assert_close(normal.double(), wide_normal, rtol=0, atol=1e-6)


@pytest.mark.no_cover
def test_compiles_without_graph_breaks():
    u, normal, offset = (
        torch.randn(*shape, dtype=torch.float64) for shape in ((5, 3), (4, 3), (4,))
    )
    sizes = (1.0, 40.0, 500.0)
    check_compiles(
        lambda geometry: geometry.gyroplane.signed_distance,
        *[(size * u, normal, offset) for size in sizes],
        curvature=-1.3,
    )
    check_compiles(
        lambda geometry: geometry.gyroplane.signed_distance_of_products,
        *[(size * u @ normal.mT, size * u.norm(dim=-1, keepdim=True), offset) for size in sizes],
        curvature=-1.3,
        factor=torch.ones(4, dtype=torch.float64),
    )


@pytest.mark.no_cover
def test_through_point_compiles_without_graph_breaks():
    p, a = torch.rand(2, 4, 3, dtype=torch.float64) / 2
    check_compiles(lambda geometry: geometry.gyroplane.through_point, (p, a), curvature=-1.3)
