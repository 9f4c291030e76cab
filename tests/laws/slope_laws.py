"""Slopes against differences in 60 digits: of every argument, and of the curvature."""

import mpmath
import torch
from mpmath import mp, mpf

# Central differences are off by the square of this over the room to the boundary; what is left of
# 60 digits, here and at the boundary, is more than float64 has.
STEP = mpf(10) ** -17

# What the differences of a function that does not change may still come to.
NOTHING = 1e-30


def check_slopes(function, exact, arguments, *, curvature, tolerance, floor=0.0):
    """Autograd's slopes of one row's result agree with those of its definition in 60 digits.

    Each argument's error is measured by the length of its slope; that of the curvature by its slope
    plus `floor` times value / κ, the change that one would expect of it.
    """
    dtype = arguments[0].dtype
    given = [argument.clone().requires_grad_() for argument in arguments]
    kappa = torch.tensor(curvature, dtype=dtype, requires_grad=True)
    result = function(*given, curvature=kappa)
    weight = torch.linspace(1, 1.5, result.numel(), dtype=dtype).view_as(result)
    total = (result * weight).sum()
    slopes = torch.autograd.grad(total, [*given, kappa])
    numbers = [argument.tolist() for argument in [*arguments, kappa.detach()]]

    def value(numbers):
        entries = exact(*numbers[:-1], curvature=numbers[-1])
        entries = entries if isinstance(entries, list) else [entries]
        return mpmath.fdot(entries, weight.flatten().tolist())

    with mp.workdps(60):
        expected = [_slope(value, numbers, place) for place in range(len(numbers))]
    size = floor * float((result.detach() * weight).abs().sum()) / -curvature
    for place, (slope, numbers_wanted) in enumerate(zip(slopes, expected, strict=True)):
        wanted = torch.tensor(numbers_wanted, dtype=torch.float64)
        gap = torch.linalg.vector_norm(slope.double() - wanted)
        expectable = size if place == len(given) else 0.0
        allowed = tolerance * (torch.linalg.vector_norm(wanted) + expectable)
        assert bool(gap <= allowed + NOTHING), (
            slope.tolist(),
            wanted.tolist(),
            float(gap / allowed),
        )


def _slope(value, numbers, place):
    """Central differences of the value in one of the numbers, or lists of numbers."""
    if not isinstance(numbers[place], list):
        return float(_difference(value, numbers, place, lambda number, step: number + step))
    return [
        float(
            _difference(
                value,
                numbers,
                place,
                lambda many, step, i=i: [*many[:i], many[i] + step, *many[i + 1 :]],
            )
        )
        for i in range(len(numbers[place]))
    ]


def _difference(value, numbers, place, moved):
    ends = [
        value([*numbers[:place], moved(_exact(numbers[place]), step), *numbers[place + 1 :]])
        for step in (STEP, -STEP)
    ]
    return (ends[0] - ends[1]) / (2 * STEP)


def _exact(number):
    return [mpf(entry) for entry in number] if isinstance(number, list) else mpf(number)
