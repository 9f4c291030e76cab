"""The law of the radius of a Riemannian normal, from its density alone: an independent oracle."""

import itertools
import math

import mpmath
import numpy as np
from scipy import integrate, optimize


def log_kernel(r, scale, curvature, dim):
    """Logarithm of exp(−r² / 2σ²) (sinh(s r) / s)^(d − 1), or its flat limit."""
    root = (-curvature) ** 0.5
    if not root:
        return -((r / scale) ** 2) / 2 + (dim - 1) * np.log(r)
    size = root * r
    log_sinh = size + np.log(-np.expm1(-2 * size)) - math.log(2)
    return -((r / scale) ** 2) / 2 + (dim - 1) * (log_sinh - math.log(root))


def bulk(scale, curvature, dim):
    """Mode of the law, and the interval around it that holds all but 1e-20 of it."""
    root = (-curvature) ** 0.5
    high = (dim - 1) * root * scale**2 + math.sqrt(dim) * scale + 12 * scale
    grid = np.linspace(0, high, 20001)[1:]
    mode = float(grid[np.argmax(log_kernel(grid, scale, curvature, dim))])
    return mode, max(1e-9 * scale, mode - 11 * scale), mode + 11 * scale


def cdf_on_a_grid(scale, curvature, dim):
    """The distribution function, for tests of many samples: right to about 1e-7."""
    mode, low, high = bulk(scale, curvature, dim)
    grid = np.linspace(low, high, 20001)
    peak = log_kernel(mode, scale, curvature, dim)
    density = np.exp(log_kernel(grid, scale, curvature, dim) - peak)
    below = integrate.cumulative_trapezoid(density, grid, initial=0)
    return lambda r: np.interp(r, grid, below / below[-1])


def cdf(r, scale, curvature, dim):
    """The distribution function at one radius: right to about 1e-13."""
    mode, low, high = bulk(scale, curvature, dim)
    peak = log_kernel(mode, scale, curvature, dim)

    def mass(start, end):
        places = [place for place in (mode - scale, mode, mode + scale) if start < place < end]
        ends = [start, *places, end]
        nodes, weights = np.polynomial.legendre.leggauss(60)
        total = 0.0
        for one, other in itertools.pairwise(ends):
            place = one + (nodes + 1) * (other - one) / 2
            density = np.exp(log_kernel(place, scale, curvature, dim) - peak)
            total += weights @ density * (other - one) / 2
        return total

    return mass(low, r) / mass(low, high)


def inverse_cdf(share, scale, curvature, dim):
    """The radius below which a share of the mass lies."""
    _, low, high = bulk(scale, curvature, dim)
    return optimize.brentq(lambda r: cdf(r, scale, curvature, dim) - share, low, high, xtol=1e-14)


def log_normaliser(scale, curvature, dim):
    """Logarithm of A_d ∫ kernel, A_d = 2 π^(d/2) / Γ(d/2), in 30 digits."""
    mode, _, _ = bulk(scale, curvature, dim)
    with mpmath.workdps(30):
        sigma, root = mpmath.mpf(scale), mpmath.sqrt(-mpmath.mpf(curvature))

        def kernel(r):
            size = mpmath.sinh(root * r) / root if root else r
            return mpmath.exp(-((r / sigma) ** 2) / 2) * size ** (dim - 1)

        places = [max(0.0, mode + step * scale) for step in (-30, -8, -3, 0, 3, 8, 30)]
        integral = mpmath.quad(kernel, sorted(set(places)))
        half = mpmath.mpf(dim) / 2
        return mpmath.log(2 * mpmath.pi**half / mpmath.gamma(half) * integral)


def log_normaliser_in_closed_form(scale, curvature, dim):
    """The binomial sum of error functions, in 80 digits: in 16 it loses them all at dim 20.

    sinh^n is a sum of exponentials, and each gives half a Gaussian integral.
    """
    with mpmath.workdps(80):
        sigma, root = mpmath.mpf(scale), mpmath.sqrt(-mpmath.mpf(curvature))
        n = dim - 1
        total = mpmath.mpf(0)
        for k in range(n + 1):
            rate = (n - 2 * k) * root * sigma
            term = mpmath.exp(rate**2 / 2) * (1 + mpmath.erf(rate / mpmath.sqrt(2)))
            total += (-1) ** k * mpmath.binomial(n, k) * term
        integral = sigma * mpmath.sqrt(mpmath.pi / 2) / (2 * root) ** n * total
        half = mpmath.mpf(dim) / 2
        return mpmath.log(2 * mpmath.pi**half / mpmath.gamma(half) * integral)
