"""The Poincaré ball by its textbook definitions (spec/method.md §1), in 60 digits.

Shares no code and no formula with the package: Möbius forms, artanh and acosh, where the package
uses half angles and asinh.
"""

import functools

import mpmath
from mpmath import mp, mpf


def in_60_digits(function):
    """Run a function at 60 digits, on the exact values of the floats that it is given."""

    @functools.wraps(function)
    def exact(*arguments, curvature):
        with mp.workdps(60):
            numbers = [
                [mpf(entry) for entry in argument] if isinstance(argument, list) else mpf(argument)
                for argument in arguments
            ]
            return function(*numbers, c=-mpf(curvature))

    return exact


def dot(x, y):
    return mpmath.fsum(a * b for a, b in zip(x, y, strict=True))


def times(factor, x):
    return [factor * a for a in x]


def plus(x, y):
    return [a + b for a, b in zip(x, y, strict=True)]


def norm(x):
    return mpmath.sqrt(dot(x, x))


def _conformal(x, c):
    return 2 / (1 - c * dot(x, x))


def _mobius_add(x, y, c):
    xy, xx, yy = dot(x, y), dot(x, x), dot(y, y)
    top = plus(times(1 + 2 * c * xy + c * yy, x), times(1 - c * xx, y))
    return times(1 / (1 + 2 * c * xy + c * c * xx * yy), top)


def _exp_origin(u, c):
    size = mpmath.sqrt(c) * norm(u)
    return times(mpmath.tanh(size) / size, u) if size else u


def _log_origin(x, c):
    size = mpmath.sqrt(c) * norm(x)
    return times(mpmath.atanh(size) / size, x) if size else x


def _exp(x, v, c):
    return _mobius_add(x, _exp_origin(times(_conformal(x, c) / 2, v), c), c)


def _log(x, y, c):
    return times(2 / _conformal(x, c), _log_origin(_mobius_add(times(-1, x), y, c), c))


def _distance(x, y, c):
    gap = plus(x, times(-1, y))
    room = (1 - c * dot(x, x)) * (1 - c * dot(y, y))
    return mpmath.acosh(1 + 2 * c * dot(gap, gap) / room) / mpmath.sqrt(c)


def _gyration(a, b, v, c):
    # gyr[a, b] v = −(a ⊕ b) ⊕ (a ⊕ (b ⊕ v)), linear in v: scaled down, so that v is in the ball.
    small = mpf(10) ** -3 / (1 + mpmath.sqrt(c) * norm(v))
    inner = _mobius_add(a, _mobius_add(b, times(small, v), c), c)
    return times(1 / small, _mobius_add(times(-1, _mobius_add(a, b, c)), inner, c))


def _einstein_midpoint(weights, points, c):
    # Klein's model: weights times gamma factors, a flat average, and back to the ball.
    squares = [c * dot(x, x) for x in points]
    heavy = [w * (1 + xx) / (1 - xx) for w, xx in zip(weights, squares, strict=True)]
    klein = [times(2 / (1 + xx), x) for xx, x in zip(squares, points, strict=True)]
    total = mpmath.fsum(heavy)
    k = [dot(heavy, axis) / total for axis in zip(*klein, strict=True)]
    return times(1 / (1 + mpmath.sqrt(1 - c * dot(k, k))), k)


def _frechet_mean(weights, points, c):
    # Down the slope Σ w log_m(x), by steps that the largest curvature of the squares allows.
    total, mean = mpmath.fsum(weights), _einstein_midpoint(weights, points, c)
    while True:
        pulls = [_log(mean, x, c) for x in points]
        lengths = [mpmath.sqrt(c) * _conformal(mean, c) * norm(pull) for pull in pulls]
        bends = [length / mpmath.tanh(length) if length else mpf(1) for length in lengths]
        pull = [dot(weights, axis) / total for axis in zip(*pulls, strict=True)]
        step = times(total / dot(weights, bends), pull)
        mean = _exp(mean, step, c)
        if mpmath.sqrt(c) * _conformal(mean, c) * norm(step) < mpf(10) ** -25:
            return mean


@in_60_digits
def conformal_factor(x, c):
    return _conformal(x, c)


@in_60_digits
def mobius_add(x, y, c):
    return _mobius_add(x, y, c)


@in_60_digits
def mobius_multiply(factor, x, c):
    root = mpmath.sqrt(c)
    size = root * norm(x)
    return times(mpmath.tanh(factor * mpmath.atanh(size)) / size, x)


@in_60_digits
def exp_origin(u, c):
    return _exp_origin(u, c)


@in_60_digits
def log_origin(x, c):
    return _log_origin(x, c)


@in_60_digits
def exp(x, v, c):
    return _exp(x, v, c)


@in_60_digits
def log(x, y, c):
    return _log(x, y, c)


@in_60_digits
def distance(x, y, c):
    return _distance(x, y, c)


@in_60_digits
def geodesic(x, y, time, c):
    return _exp(x, times(time, _log(x, y, c)), c)


@in_60_digits
def parallel_transport(v, x, y, c):
    turned = _gyration(y, times(-1, x), v, c)
    return times(_conformal(x, c) / _conformal(y, c), turned)


@in_60_digits
def code_distance(u, w, c):
    # As many more digits as 1 − ‖z‖ takes away.
    with mp.workdps(60 + int(4 * mpmath.sqrt(c) * (norm(u) + norm(w)))):
        return _distance(_exp_origin(u, c), _exp_origin(w, c), c)


@in_60_digits
def code_add(u, w, c):
    with mp.workdps(60 + int(4 * mpmath.sqrt(c) * (norm(u) + norm(w)))):
        return _log_origin(_mobius_add(_exp_origin(u, c), _exp_origin(w, c), c), c)


@in_60_digits
def lift(u, c):
    size = mpmath.sqrt(c) * norm(u)
    space = times(mpmath.sinh(2 * size) * mpmath.sqrt(c) / size, u) if size else u
    return [*space, mpmath.cosh(2 * size)]


@in_60_digits
def gyroplane_distance(u, p, a, c):
    """Signed distance of exp_0(u) to {z : ⟨log_p(z), a⟩ = 0}, by the Möbius definition."""
    with mp.workdps(60 + int(4 * mpmath.sqrt(c) * norm(u))):
        seen = _mobius_add(times(-1, p), _exp_origin(u, c), c)
        root = mpmath.sqrt(c)
        height = 2 * root * dot(seen, a) / ((1 - c * dot(seen, seen)) * norm(a))
        return mpmath.asinh(height) / root


@in_60_digits
def einstein_midpoint(weights, *points, c):
    return _einstein_midpoint(weights, points, c)


@in_60_digits
def frechet_mean(weights, *points, c):
    return _frechet_mean(weights, points, c)


@in_60_digits
def code_einstein_midpoint(weights, *codes, c):
    with mp.workdps(60 + int(4 * mpmath.sqrt(c) * max(map(norm, codes)))):
        points = [_exp_origin(u, c) for u in codes]
        return _log_origin(_einstein_midpoint(weights, points, c), c)


@in_60_digits
def code_frechet_mean(weights, *codes, c):
    with mp.workdps(60 + int(4 * mpmath.sqrt(c) * max(map(norm, codes)))):
        points = [_exp_origin(u, c) for u in codes]
        return _log_origin(_frechet_mean(weights, points, c), c)


@in_60_digits
def point_gyroplane_distance(x, p, a, c):
    """Signed distance of x to {z : ⟨log_p(z), a⟩ = 0}, by the Möbius definition."""
    seen = _mobius_add(times(-1, p), x, c)
    root = mpmath.sqrt(c)
    return mpmath.asinh(2 * root * dot(seen, a) / ((1 - c * dot(seen, seen)) * norm(a))) / root
