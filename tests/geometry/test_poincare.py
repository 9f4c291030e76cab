import math

import ball_in_60_digits as exact
import hypothesis
import pytest
import slope_laws as laws
import torch
from compile_laws import check_compiles, plain_geometry
from hypothesis import strategies as st
from torch.testing import assert_close

from gyrovox.geometry import euclidean, poincare

CURVATURES = [-0.1, -1.0, -4.0]
# Of the size of the result, per unit of condition; the condition of a point is 1 / (1 − s‖x‖).
TOLERANCE = {torch.float32: 2e-6, torch.float64: 4e-15}
ROOMS = [0.5, 1e-2, 1e-3, 1e-4]


def points(n, room, curvature, dtype):
    """Points of the ball with 1 − s‖x‖ between room and 1 (their last one at the room)."""
    direction = torch.nn.functional.normalize(torch.randn(n, 3, dtype=torch.float64), dim=-1)
    radius = 1 - room ** torch.linspace(0.05, 1, n, dtype=torch.float64)
    return (direction * radius[:, None] * (-curvature) ** -0.5).to(dtype)


def room_of(x, curvature):
    return 1 - (-curvature) ** 0.5 * x.double().norm(dim=-1)


def assert_agrees(result, function, *arguments, curvature, condition=1.0):
    rows = zip(*[argument.tolist() for argument in arguments], strict=True)
    expected = [function(*row, curvature=curvature) for row in rows]
    expected = torch.tensor(
        [[float(e) for e in row] if isinstance(row, list) else float(row) for row in expected],
        dtype=torch.float64,
    )
    gap, size = (result.double() - expected).abs(), expected.abs()
    if gap.ndim == 2:
        gap, size = gap.norm(dim=-1), size.norm(dim=-1)
    assert bool((gap <= TOLERANCE[result.dtype] * condition * size).all()), (gap / size).max()


@pytest.fixture(params=TOLERANCE, ids=str)
def dtype(request):
    return request.param


@pytest.fixture(params=CURVATURES)
def curvature(request):
    return request.param


@pytest.fixture(params=ROOMS, ids=lambda room: f"room={room:g}")
def room(request):
    return request.param


@pytest.fixture
def x(room, curvature, dtype):
    return points(12, room, curvature, dtype)


@pytest.fixture
def y(room, curvature, dtype):
    return points(12, room, curvature, dtype)


def condition(*many, curvature):
    """The worst 1 / (1 − s‖x‖) of each row."""
    return torch.stack([1 / room_of(x, curvature) for x in many]).amax(0)


def test_conformal_factor_agrees_with_60_digits(x, curvature):
    result = poincare.conformal_factor(x, curvature=curvature)
    worst = condition(x, curvature=curvature)
    assert_agrees(result, exact.conformal_factor, x, curvature=curvature, condition=worst)


def test_mobius_add_agrees_with_60_digits(x, y, curvature):
    result = poincare.mobius_add(x, y, curvature=curvature)
    worst = condition(x, y, curvature=curvature)
    assert_agrees(result, exact.mobius_add, x, y, curvature=curvature, condition=worst)


def test_mobius_add_of_opposites_is_zero(x, curvature):
    assert bool((poincare.mobius_add(-x, x, curvature=curvature) == 0).all())


def test_mobius_multiply_agrees_with_60_digits(x, curvature):
    factor = torch.linspace(-1.5, 1.5, len(x), dtype=x.dtype)
    result = poincare.mobius_multiply(factor, x, curvature=curvature)
    assert_agrees(result, exact.mobius_multiply, factor, x, curvature=curvature, condition=4)


@pytest.mark.parametrize("size", [1e-12, 1e-3, 0.1, 1.0, 8.0])
def test_exp_origin_agrees_with_60_digits(size, curvature, dtype):
    u = points(12, 0.5, curvature, dtype) * size
    result = poincare.exp_origin(u, curvature=curvature)
    assert_agrees(result, exact.exp_origin, u, curvature=curvature)


def test_log_origin_agrees_with_60_digits(x, curvature):
    result = poincare.log_origin(x, curvature=curvature)
    worst = condition(x, curvature=curvature)
    assert_agrees(result, exact.log_origin, x, curvature=curvature, condition=worst)


def test_exp_agrees_with_60_digits(x, curvature, dtype):
    v = points(12, 0.5, curvature, dtype)
    v = v / poincare.conformal_factor(x, curvature=curvature).unsqueeze(-1)
    result = poincare.exp(x, v, curvature=curvature)
    worst = condition(x, curvature=curvature)
    assert_agrees(result, exact.exp, x, v, curvature=curvature, condition=worst)


def test_log_agrees_with_60_digits(x, y, curvature):
    result = poincare.log(x, y, curvature=curvature)
    worst = condition(x, y, curvature=curvature)
    assert_agrees(result, exact.log, x, y, curvature=curvature, condition=worst)


def test_distance_agrees_with_60_digits(x, y, curvature):
    result = poincare.distance(x, y, curvature=curvature)
    worst = condition(x, y, curvature=curvature)
    assert_agrees(result, exact.distance, x, y, curvature=curvature, condition=worst)


@pytest.mark.parametrize("gap", [1e-6, 1e-4, 1e-2])
def test_distance_of_near_points_agrees_with_60_digits(gap, curvature, dtype):
    x = points(12, 0.3, curvature, dtype)
    y = x + gap * points(12, 0.5, curvature, dtype)
    result = poincare.distance(x, y, curvature=curvature)
    assert_agrees(result, exact.distance, x, y, curvature=curvature)


def test_geodesic_agrees_with_60_digits(x, y, curvature):
    time = torch.linspace(0, 1, len(x), dtype=x.dtype)
    result = poincare.geodesic(x, y, time, curvature=curvature)
    worst = condition(x, y, curvature=curvature)
    assert_agrees(result, exact.geodesic, x, y, time, curvature=curvature, condition=worst)


def test_parallel_transport_agrees_with_60_digits(x, y, curvature, dtype):
    v = torch.randn(12, 3, dtype=dtype)
    result = poincare.parallel_transport(v, x, y, curvature=curvature)
    worst = 3 * condition(x, y, curvature=curvature) if dtype == torch.float64 else 1
    assert_agrees(result, exact.parallel_transport, v, x, y, curvature=curvature, condition=worst)


def test_parallel_transport_from_the_origin_is_scaling(curvature):
    y = points(12, 0.2, curvature, torch.float64)
    v = torch.randn_like(y)
    carried = poincare.parallel_transport(v, torch.zeros_like(y), y, curvature=curvature)
    factor = 2 / poincare.conformal_factor(y, curvature=curvature)
    assert_close(carried, v * factor.unsqueeze(-1))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # on importing geoopt
def test_agrees_with_geoopt(curvature):
    geoopt = pytest.importorskip("geoopt")
    # geoopt writes into the curvature that it is given.
    ball = geoopt.PoincareBall(c=torch.tensor(-curvature, dtype=torch.float64).clone())
    x, y = (points(20, 0.1, curvature, torch.float64) for _ in range(2))
    v = 0.1 * torch.randn_like(x)
    near = {"rtol": 1e-9, "atol": 1e-9}
    ours = poincare
    assert_close(ours.mobius_add(x, y, curvature=curvature), ball.mobius_add(x, y), **near)
    assert_close(ours.exp(x, v, curvature=curvature), ball.expmap(x, v), **near)
    assert_close(ours.log(x, y, curvature=curvature), ball.logmap(x, y), **near)
    assert_close(ours.distance(x, y, curvature=curvature), ball.dist(x, y), **near)
    assert_close(
        ours.parallel_transport(v, x, y, curvature=curvature), ball.transp(x, y, v), **near
    )
    time = torch.tensor(0.3, dtype=torch.float64)
    assert_close(ours.geodesic(x, y, 0.3, curvature=curvature), ball.geodesic(time, x, y), **near)
    assert_close(
        ours.mobius_multiply(0.7, x, curvature=curvature),
        ball.mobius_scalar_mul(torch.tensor(0.7, dtype=torch.float64), x),
        **near,
    )


@pytest.mark.parametrize(
    "name", ["mobius_add", "exp", "log", "distance", "conformal_factor", "exp_origin", "log_origin"]
)
def test_becomes_euclidean_as_curvature_vanishes(name):
    pair = torch.randn(2, 20, 3, dtype=torch.float64)
    pair = pair[:1] if name in {"conformal_factor", "exp_origin", "log_origin"} else pair
    curved, flat = (vars(module)[name] for module in (poincare, euclidean))
    assert_close(curved(*pair, curvature=-1e-10), flat(*pair), rtol=1e-8, atol=1e-8)


def test_paths_become_euclidean_as_curvature_vanishes():
    v, x, y = torch.randn(3, 20, 3, dtype=torch.float64)
    near = {"rtol": 1e-8, "atol": 1e-8}
    curved, flat = poincare, euclidean
    assert_close(curved.geodesic(x, y, 0.3, curvature=-1e-10), flat.geodesic(x, y, 0.3), **near)
    assert_close(
        curved.parallel_transport(v, x, y, curvature=-1e-10),
        flat.parallel_transport(v, x, y),
        **near,
    )
    assert_close(
        curved.mobius_multiply(0.3, x, curvature=-1e-10), flat.mobius_multiply(0.3, x), **near
    )


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature):
    zero = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    x, y = (points(2, 0.3, curvature, torch.float64).requires_grad_() for _ in range(2))
    for function in (poincare.exp_origin, poincare.log_origin):
        for u in (zero, x):
            assert torch.autograd.gradcheck(lambda u, f=function: f(u, curvature=curvature), (u,))
    for function in (poincare.mobius_add, poincare.exp, poincare.log):
        for pair in ((zero, x), (x, zero), (x, y)):
            assert torch.autograd.gradcheck(
                lambda a, b, f=function: f(a, b, curvature=curvature), pair
            )
    for pair in ((zero, x), (x, y)):
        assert torch.autograd.gradcheck(
            lambda a, b: poincare.distance(a, b, curvature=curvature), pair
        )


def test_project_says_what_it_moved(curvature, dtype):
    radius = (-curvature) ** -0.5
    x = torch.tensor([[0.5, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 1e20]], dtype=dtype) * radius
    inside, moved = poincare.project(x, curvature=curvature)
    assert moved.tolist() == [False, True, True, True]
    assert bool((inside[0] == x[0]).all())
    assert bool(poincare.distance(inside, 0 * inside, curvature=curvature).isfinite().all())
    assert_close(inside[2] / radius, torch.tensor([0, 1, 0], dtype=dtype))
    assert not poincare.project(inside, curvature=curvature)[1].any()


@pytest.mark.parametrize("wrong", [0.0, 1.0, float("nan"), float("-inf")])
def test_curvature_must_be_negative(wrong):
    with pytest.raises(ValueError, match="curvature must be negative and finite"):
        poincare.distance(torch.zeros(1, 2), torch.zeros(1, 2), curvature=wrong)


def test_curvature_is_one_number():
    with pytest.raises(ValueError, match=r"0-dim tensor, and has shape \(2,\).*index or reshape"):
        # What a checked signature refuses by type reaches a user's call.
        plain_geometry().poincare.distance(
            torch.zeros(1, 2), torch.zeros(1, 2), curvature=torch.tensor([-1.0, -1.0])
        )


# How many points each function takes (the first of three, or the second of exp, is a vector).
FUNCTIONS = {
    "conformal_factor": 1,
    "exp_origin": 1,
    "log_origin": 1,
    "distance": 2,
    "mobius_add": 2,
    "log": 2,
    "exp": 2,
    "parallel_transport": 3,
}
# Float32 has the room to the boundary from float64, so that nothing is lost there.
KEEPS_ALL = {"conformal_factor", "exp_origin", "log_origin", "distance"}
# Just above the bound of their series, slopes of ratios lose a factor 20 (see `radial`).
SLOPE = {torch.float32: 3e-5, torch.float64: 4e-14}


def at(exponent, angle, curvature, dtype):
    """The point of the disc with 1 − s‖x‖ = 10^−exponent, as near as its dtype has one."""
    radius = (1 - 10**-exponent) * (-curvature) ** -0.5
    x = torch.tensor([radius * math.cos(angle), radius * math.sin(angle)], dtype=torch.float64)
    return poincare.project(x.to(dtype), curvature=curvature)[0]


def check_slopes_at(name, places, curvature, dtype):
    given = [at(*place, curvature, dtype) for place in places]
    worst = 1 / min(float(room_of(x, curvature)) for x in given[name == "parallel_transport" :])
    if name == "exp":
        given[1] = given[1] * float(room_of(given[0], curvature))
    keeps = name in KEEPS_ALL
    laws.check_slopes(
        vars(poincare)[name],
        vars(exact)[name],
        given,
        curvature=curvature,
        tolerance=SLOPE[dtype] * (1.0 if keeps and dtype == torch.float32 else worst),
        # Carried along the boundary, a vector keeps its length where that of λ goes as 1 / room.
        floor=0.0 if keeps else worst if name == "parallel_transport" else 1.0,
    )


@pytest.mark.no_cover
@hypothesis.given(
    # From 1e-3 to 7 decades below the radius, and from the origin's neighbourhood.
    exponents=st.tuples(
        st.floats(1e-3, 7.0) | st.floats(-7.0, -3.0).map(lambda digits: 10**digits),
        st.floats(1e-3, 7.0),
    ),
    angles=st.tuples(
        st.floats(-3.2, 3.2), st.floats(-3.2, 3.2) | st.sampled_from([0.0, 1e-4, math.pi])
    ),
    curvature=st.sampled_from([-0.04, -1.0, -5.0]),
)
@hypothesis.settings(max_examples=40)
@pytest.mark.parametrize("precision", SLOPE, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_agree_with_60_digits(name, precision, exponents, angles, curvature):
    (room, other), (angle, turn) = exponents, angles
    places = ((other, angle + 1.0), (room, angle), (other, angle + turn))[-FUNCTIONS[name] :]
    # The distance of coincident points has no slope; see below.
    hypothesis.assume(name != "distance" or places[0] != places[1])
    check_slopes_at(name, places, curvature, precision)


@pytest.mark.parametrize("exponent", [1e-7, 0.3, 3.0, 6.0, 7.0])
@pytest.mark.parametrize("name", ["mobius_add", "log", "parallel_transport"])
def test_slopes_of_coincident_points_agree_with_60_digits(name, exponent, curvature, dtype):
    place = (exponent, 0.7)
    check_slopes_at(name, ((0.3, 2.0), place, place)[-FUNCTIONS[name] :], curvature, dtype)


@pytest.mark.parametrize("exponent", [0.0, 0.3, 7.0])
def test_the_distance_of_coincident_points_has_slope_zero(exponent, curvature, dtype):
    x = at(exponent, 0.7, curvature, dtype).requires_grad_()
    kappa = torch.tensor(curvature, dtype=dtype, requires_grad=True)
    length = poincare.distance(x, x.detach(), curvature=kappa)
    assert length.item() == 0
    assert [slope.abs().sum().item() for slope in torch.autograd.grad(length, [x, kappa])] == [0, 0]


def test_slopes_along_paths_agree_with_60_digits(curvature, dtype):
    x, y = (at(exponent, angle, curvature, dtype) for exponent, angle in ((1.0, 0.3), (2.0, 2.0)))
    for name, given in (
        ("geodesic", (x, y, torch.tensor(0.3, dtype=dtype))),
        ("mobius_multiply", (torch.tensor(0.7, dtype=dtype), x)),
    ):
        laws.check_slopes(
            vars(poincare)[name],
            vars(exact)[name],
            given,
            curvature=curvature,
            tolerance=100 * SLOPE[dtype],
            floor=1.0,
        )


def test_slopes_of_project(curvature):
    radius = (-curvature) ** -0.5
    inside, outside = (radius * torch.tensor([[0.0, r]], dtype=torch.float64) for r in (0.5, 2.0))
    for x in (0 * inside, inside, outside):
        kappa = torch.tensor(curvature, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(
            lambda x, kappa: poincare.project(x, curvature=kappa)[0], (x.requires_grad_(), kappa)
        )


@pytest.mark.parametrize("exponent", [1.0, 3.0, 5.0, 6.5])
def test_float32_keeps_the_distance_to_the_boundary(exponent, curvature):
    places = torch.linspace(-3, 3, 9).tolist()
    x, y = (
        torch.stack([at(exponent, turn * angle, curvature, torch.float32) for angle in places])
        for turn in (1, 2)
    )
    assert_agrees(
        poincare.distance(x, y, curvature=curvature), exact.distance, x, y, curvature=curvature
    )
    assert_agrees(
        poincare.log_origin(x, curvature=curvature), exact.log_origin, x, curvature=curvature
    )


def test_distance_from_outside_the_ball_is_nan():
    x, y = torch.tensor([[0.0, 1.5], [0.3, 0.0]]), torch.tensor([[0.0, -2.0], [3.0, 0.0]])
    assert bool(poincare.distance(x, y).isnan().all())


@pytest.mark.no_cover
@pytest.mark.parametrize("name", [*FUNCTIONS, "project"])
def test_compiles_without_graph_breaks(name):
    given = [torch.rand(4, 3, dtype=torch.float64) / 2 - 0.2 for _ in range(FUNCTIONS.get(name, 1))]
    check_compiles(lambda geometry: vars(geometry.poincare)[name], given, curvature=-1.3)


@pytest.mark.no_cover
def test_paths_compile_without_graph_breaks():
    x, y = torch.rand(2, 4, 3, dtype=torch.float64) / 2 - 0.2
    time = torch.rand(4, dtype=torch.float64)
    check_compiles(lambda geometry: geometry.poincare.geodesic, (x, y, time), curvature=-1.3)
    check_compiles(lambda geometry: geometry.poincare.mobius_multiply, (time, x), curvature=-1.3)
