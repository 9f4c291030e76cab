import mpmath
import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry.asinh import asinh_of_products, fast_asinh

TOLERANCE = {torch.float32: 3e-7, torch.float64: 6e-16}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_agrees_with_60_digits(dtype):
    size = torch.logspace(-12, 12, 97, dtype=dtype)
    x = torch.cat((-size, torch.zeros(1, dtype=dtype), size))
    with mpmath.workdps(60):
        expected = [float(mpmath.asinh(value)) for value in x.tolist()]
    expected = torch.tensor(expected, dtype=torch.float64)
    assert_close(fast_asinh(x).double(), expected, rtol=TOLERANCE[dtype], atol=0)


def test_gradients():
    x = torch.tensor([-30.0, -1.0, -1e-3, 0.0, 1e-3, 2.0, 1e3], dtype=torch.float64)
    x.requires_grad_()
    assert torch.autograd.gradcheck(fast_asinh, (x,))
    assert torch.autograd.gradgradcheck(fast_asinh, (x,))


def test_leaves_its_input_alone():
    x = torch.randn(100)
    before = x.clone()
    fast_asinh(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("n", [0, 1, 7, 9000])
def test_asinh_of_products_is_what_it_says(n):
    rows, planes, factor = (
        torch.randn(*shape, dtype=torch.float64, requires_grad=True)
        for shape in ((n, 3), (64, 3), (64,))
    )
    ours, plain = asinh_of_products(rows, planes, factor), torch.asinh(rows @ planes.mT) * factor
    assert_close(ours, plain)
    weight = torch.randn_like(plain)
    given = (rows, planes, factor)
    slopes = (torch.autograd.grad(result, given, weight) for result in (ours, plain))
    for our_slope, plain_slope in zip(*slopes, strict=True):
        assert_close(our_slope, plain_slope)


def test_asinh_of_products_has_its_second_derivative():
    given = [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True)
        for shape in ((2, 3), (4, 3), (4,))
    ]
    assert torch.autograd.gradgradcheck(asinh_of_products, given)


def test_asinh_maps_over_batches():
    x = torch.randn(5, 3)
    assert torch.equal(torch.func.vmap(fast_asinh)(x), fast_asinh(x))
