import mpmath
import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry import radial

TOLERANCE = {torch.float32: 5e-7, torch.float64: 1e-15}
DEFINITIONS = {
    "sinh_ratio": lambda x: mpmath.sinh(x) / x,
    "tanh_ratio": lambda x: mpmath.tanh(x) / x,
    "asinh_ratio": lambda x: mpmath.asinh(x) / x,
    "log_sinh_ratio": lambda x: mpmath.log(mpmath.sinh(x) / x),
    "exp_half_ratio": lambda x: (1 - mpmath.exp(-x)) / (2 * x),
}
AT_ZERO = dict.fromkeys(DEFINITIONS, 1.0) | {"log_sinh_ratio": 0.0, "exp_half_ratio": 0.5}
# Both sides of every bound between series and formula, and the extremes.
RADII = [1e-15, 1e-6, 1e-3, 0.0499, 0.0501, 0.299, 0.301, 0.7, 0.99, 1.5, 5.0, 40.0]


def exact(name, x, order=0):
    with mpmath.workdps(60):
        value = mpmath.mpf(x)
        return float(
            mpmath.diff(DEFINITIONS[name], value, order) if order else DEFINITIONS[name](value)
        )


def radii(dtype):
    return torch.tensor(RADII, dtype=dtype)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_agrees_with_60_digits(name, dtype):
    x = radii(dtype)
    result = vars(radial)[name](x)
    expected = torch.tensor([exact(name, value) for value in x.tolist()], dtype=torch.float64)
    # The logarithm is small near 0 and is added to numbers of size 1: its absolute error counts.
    floor = TOLERANCE[dtype] if name == "log_sinh_ratio" else 0
    assert_close(result.double(), expected, rtol=TOLERANCE[dtype], atol=floor)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_slope_agrees_with_60_digits(name, dtype):
    x = radii(dtype)[1:].requires_grad_()
    vars(radial)[name](x).sum().backward()
    expected = torch.tensor([exact(name, value, 1) for value in x.tolist()], dtype=torch.float64)
    # The slope meets the radius itself (f(|u|) u): an error e counts as e · x, hence the 20 = 1/x
    # at the bound of the series.
    error = (x.grad.double() - expected).abs() * x.detach().double()
    assert bool((error <= 4 * TOLERANCE[dtype] * (1 + expected.abs() * x.detach())).all())


@pytest.mark.parametrize("name", DEFINITIONS)
def test_value_at_zero_is_the_limit(name):
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    result = vars(radial)[name](x)
    assert result.item() == AT_ZERO[name]
    (slope,) = torch.autograd.grad(result, x)
    assert bool((slope == 0).all())


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_vector_field_has_its_gradient_at_the_origin(name):
    u = torch.zeros(3, dtype=torch.float64, requires_grad=True)

    def field(u):
        return vars(radial)[name](torch.linalg.vector_norm(u, dim=-1, keepdim=True)) * u

    jacobian = torch.autograd.functional.jacobian(field, u)
    assert_close(jacobian, AT_ZERO[name] * torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_log_sinh_ratio_does_not_overflow(dtype):
    x = torch.tensor([1e4], dtype=dtype)
    assert radial.log_sinh_ratio(x).item() == pytest.approx(exact("log_sinh_ratio", 1e4), rel=1e-6)
