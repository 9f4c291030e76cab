import math

import ball_in_60_digits as exact
import hypothesis
import pytest
import slope_laws as laws
import torch
from compile_laws import check_compiles
from hypothesis import strategies as st

from gyrovox.geometry import codes

EPSILON = {torch.float32: 6e-8, torch.float64: 1.2e-16}
CURVATURES = [-0.1, -1.0, -4.0]


@pytest.fixture(params=EPSILON, ids=str)
def dtype(request):
    return request.param


@pytest.fixture(params=CURVATURES)
def curvature(request):
    return request.param


def direction(n, dim=3):
    return torch.nn.functional.normalize(torch.randn(n, dim, dtype=torch.float64), dim=-1)


def reference(function, u, w, curvature):
    rows = [
        function(a, b, curvature=curvature) for a, b in zip(u.tolist(), w.tolist(), strict=True)
    ]
    rows = [[float(e) for e in row] if isinstance(row, list) else float(row) for row in rows]
    return torch.tensor(rows, dtype=torch.float64)


def radii(u, curvature):
    """2s‖u‖: distances from the origin in units of 1/s."""
    return 2 * (-curvature) ** 0.5 * u.double().norm(dim=-1)


def rounding_bound(u, w, curvature, dtype):
    """What relative rounding of one code by eps does to a distance, in first order.

    Sideways, a code of radius R moves by sinh(R) / R times its own change; a code's difference from
    another has the rounding of that difference only. The lesser radius governs: seen from the
    nearer code, the farther one's side step reaches it over the same angle.
    """
    near = torch.minimum(radii(u, curvature), radii(w, curvature)).clamp_min(1.0)
    gap = (u.double() - w.double()).norm(dim=-1) * 2 * (-curvature) ** 0.5
    return EPSILON[dtype] * gap * (near.sinh() / near)


@pytest.mark.parametrize("size", [1e-8, 1e-3, 0.3, 1.0, 3.0])
def test_distance_agrees_with_60_digits(size, curvature, dtype):
    scale = size * (-curvature) ** -0.5
    u, w = (scale * direction(20) * torch.rand(20, 1) for _ in range(2))
    u, w = u.to(dtype), w.to(dtype)
    result = codes.distance(u, w, curvature=curvature).double()
    expected = reference(exact.code_distance, u, w, curvature)
    assert bool(((result - expected).abs() <= 30 * EPSILON[dtype] * expected).all())


@pytest.mark.parametrize("gap", [1e-6, 1e-3])
@pytest.mark.parametrize("size", [0.1, 1.0, 4.0, 8.0])
def test_distance_of_near_codes_agrees_with_60_digits(size, gap, curvature, dtype):
    scale = (-curvature) ** -0.5
    u = (scale * size * direction(20)).to(dtype)
    w = u + (scale * gap * direction(20)).to(dtype)
    result = codes.distance(u, w, curvature=curvature).double()
    expected = reference(exact.code_distance, u, w, curvature)
    allowed = 30 * EPSILON[dtype] * expected
    allowed += 10 * rounding_bound(u, w, curvature, dtype) * (-curvature) ** -0.5
    assert bool(((result - expected).abs() <= allowed).all())


@pytest.mark.parametrize("size", [20.0, 50.0, 500.0])
def test_distance_of_far_codes_agrees_with_60_digits(size, curvature, dtype):
    scale = size * (-curvature) ** -0.5
    u, w = (scale * direction(10) * (0.5 + torch.rand(10, 1)) for _ in range(2))
    u, w = u.to(dtype), w.to(dtype)
    result = codes.distance(u, w, curvature=curvature).double()
    expected = reference(exact.code_distance, u, w, curvature)
    assert bool(((result - expected).abs() <= 30 * EPSILON[dtype] * expected).all())


def test_distance_on_one_ray_is_the_difference_of_the_radii(dtype):
    far = torch.tensor([[100.0, 0.0], [3000.0, 0.0], [12.0, 0.0]], dtype=dtype)
    near = torch.tensor([[50.0, 0.0], [2900.0, 0.0], [11.75, 0.0]], dtype=dtype)
    result = codes.distance(far, near, curvature=-1.0)
    assert result.tolist() == pytest.approx([100, 200, 0.5], rel=20 * EPSILON[dtype])


def test_distance_of_equal_codes_is_zero_with_gradient_zero(curvature, dtype):
    u = (direction(5) * torch.tensor([[0.0], [1e-9], [1.0], [9.0], [99.0]])).to(dtype)
    u.requires_grad_()
    result = codes.distance(u, u.detach(), curvature=curvature)
    assert bool((result == 0).all())
    (slope,) = torch.autograd.grad(result.sum(), u)
    assert bool((slope == 0).all())


@pytest.mark.parametrize("size", [0.1, 1.0, 30.0, 300.0])
def test_distance_has_a_slope_at_any_distance(size, dtype):
    # One of the two slopes of a distance function has length λ/2 = 1 along the code's own ray.
    u = torch.tensor([[size, 0.0]], dtype=dtype, requires_grad=True)
    w = torch.tensor([[0.0, size]], dtype=dtype)
    (slope,) = torch.autograd.grad(codes.distance(u, w, curvature=-1.0).sum(), u)
    step = 2.0**-7 * size
    higher, lower = (
        exact.code_distance([size + sign * step, 0.0], [0.0, size], curvature=-1.0)
        for sign in (1, -1)
    )
    assert slope[0, 0].item() == pytest.approx(float(higher - lower) / (2 * step), rel=1e-3)


@pytest.mark.parametrize("size", [1e-8, 1e-3, 0.3, 1.0, 3.0])
def test_add_agrees_with_60_digits(size, curvature, dtype):
    scale = size * (-curvature) ** -0.5
    u, w = (scale * direction(20) * torch.rand(20, 1) for _ in range(2))
    u, w = u.to(dtype), w.to(dtype)
    result = codes.add(u, w, curvature=curvature).double()
    gap = (result - reference(exact.code_add, u, w, curvature)).norm(dim=-1)
    near = torch.minimum(radii(u, curvature), radii(w, curvature)).clamp_min(1.0)
    size = u.double().norm(dim=-1) + w.double().norm(dim=-1)
    assert bool((gap <= 10 * EPSILON[dtype] * size * near.sinh() / near).all())


@pytest.mark.parametrize("far", [30.0, 500.0])
def test_add_carries_a_code_to_a_far_place(far, dtype):
    # What a far mean does to the noise of a sample.
    u, w = (far * direction(10)).to(dtype), direction(10).to(dtype)
    result = codes.add(u, w, curvature=-1.0).double()
    gap = (result - reference(exact.code_add, u, w, -1.0)).norm(dim=-1)
    assert bool((gap <= 60 * EPSILON[dtype] * far).all())


def test_add_on_one_line_is_addition(dtype):
    u = torch.tensor([[100.0, 0.0], [-3000.0, 0.0], [-100.0, 0.0]], dtype=dtype)
    w = torch.tensor([[50.0, 0.0], [2900.0, 0.0], [100.0, 0.0]], dtype=dtype)
    result = codes.add(u, w, curvature=-1.0)
    torch.testing.assert_close(result, u + w, rtol=20 * EPSILON[dtype], atol=1e-6)


def test_add_with_the_origin_changes_nothing(curvature, dtype):
    u = direction(10).to(dtype)
    zero = torch.zeros_like(u)
    for result in (
        codes.add(zero, u, curvature=curvature),
        codes.add(u, zero, curvature=curvature),
    ):
        torch.testing.assert_close(result, u, rtol=20 * EPSILON[dtype], atol=0)


@pytest.mark.parametrize("function", [codes.distance, codes.add])
def test_gradients_are_right_at_the_origin_and_elsewhere(function, curvature):
    zero = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    scale = (-curvature) ** -0.5
    near, far = ((size * scale * direction(2)).requires_grad_() for size in (0.4, 2.0))
    for pair in ((zero, near), (near, zero), (near, far), (far, zero), (far, -far.detach())):
        assert torch.autograd.gradcheck(lambda a, b: function(a, b, curvature=curvature), pair)


def test_add_of_two_origins_has_gradients():
    u, w = (torch.zeros(1, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: codes.add(a, b, curvature=-1.0), (u, w))


SLOPE = {torch.float32: 3e-5, torch.float64: 3e-13}


@pytest.mark.no_cover
@hypothesis.given(
    sizes=st.tuples(st.floats(1e-6, 4.0), st.floats(1e-6, 4.0) | st.floats(0.0, 1e-6)),
    angles=st.tuples(st.floats(-3.2, 3.2), st.sampled_from([0.3, 1e-3, math.pi, 2.0])),
    curvature=st.sampled_from([-0.04, -1.0, -5.0]),
)
@hypothesis.settings(max_examples=60)
@pytest.mark.parametrize("precision", SLOPE, ids=str)
@pytest.mark.parametrize("name", ["distance", "add"])
def test_slopes_agree_with_60_digits(name, precision, sizes, angles, curvature):
    (one, other), (angle, turn) = sizes, angles
    scale = (-curvature) ** -0.5
    u, w = (
        torch.tensor([size * scale * math.cos(place), size * scale * math.sin(place)])
        for size, place in ((one, angle), (other, angle + turn))
    )
    # A side step is worth sinh(R) / R; float64 sees its own rounding as float32 does its own.
    near = max(1.0, 2 * min(one, other))
    laws.check_slopes(
        vars(codes)[name],
        vars(exact)[f"code_{name}"],
        [u.to(precision), w.to(precision)],
        curvature=curvature,
        tolerance=SLOPE[precision] * math.sinh(near) / near,
        floor=1.0,
    )


def test_slopes_of_coincident_codes_are_right(curvature):
    kappa = torch.tensor(curvature, dtype=torch.float64, requires_grad=True)
    for size in (0.0, 1e-6, 1.0, 3.0):
        u = (size * direction(2) * (-curvature) ** -0.5).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda u, w, kappa: codes.add(-u, w, curvature=kappa),
            (u, u.detach().clone().requires_grad_(), kappa),
            rtol=1e-4,
        )
        length = codes.distance(u, u.detach(), curvature=kappa).sum()
        assert torch.autograd.grad(length, kappa)[0].item() == 0


@pytest.mark.parametrize("size", [10.0, 30.0, 90.0, 900.0])
def test_slopes_of_far_codes_are_finite(size, curvature, dtype):
    scale = size * (-curvature) ** -0.5
    u, w = (scale * direction(6)).to(dtype).requires_grad_(), (scale * direction(6)).to(dtype)
    kappa = torch.tensor(curvature, dtype=dtype, requires_grad=True)
    for other in (w, -u.detach(), u.detach(), u.detach() / 2):
        for function in (codes.distance, codes.add):
            total = function(u, other, curvature=kappa).sum()
            slopes = torch.autograd.grad(total, (u, kappa))
            assert all(bool(slope.isfinite().all()) for slope in slopes)


def test_the_slope_in_the_curvature_of_far_codes_tends_to_zero(dtype):
    # Far out d → 2‖u‖ + 2‖w‖ − (2/s) log(1 / sin(θ/2)), so ∂d/∂κ → −log(1 / sin(θ/2)) / s³.
    u, w = torch.tensor([[400.0, 0.0]], dtype=dtype), torch.tensor([[0.0, 400.0]], dtype=dtype)
    kappa = torch.tensor(-1.0, dtype=dtype, requires_grad=True)
    (slope,) = torch.autograd.grad(codes.distance(u, w, curvature=kappa).sum(), kappa)
    assert slope.item() == pytest.approx(math.log(math.sin(math.pi / 4)), rel=1e-3)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["distance", "add"])
def test_compiles_without_graph_breaks(name):
    given = [torch.randn(4, 3, dtype=torch.float64) for _ in range(2)]
    check_compiles(lambda geometry: vars(geometry.codes)[name], given, curvature=-1.3)
