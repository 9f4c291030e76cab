"""Directions in space: evenly spread, their distances, and smooth functions of them."""

import math

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial.transform import Rotation


def even_directions(count: int) -> Float64[np.ndarray, "count 3"]:
    """Unit vectors (z, y, x) that are spread evenly, along a spiral of the golden angle.

    Args:
        count: How many, at least 1.

    Returns:
        Unit vectors, shape (count, 3), from +z to -z; each stands for 4π / count of the sphere.

    Source:
        Vogel's spiral on the sphere; González (2010), Measurement of areas on a sphere using
        Fibonacci and latitude-longitude lattices, eq. 1. https://arxiv.org/abs/0912.4540
    """
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    angle = math.pi * (3 - math.sqrt(5)) * index
    ring = np.sqrt(1 - z**2)
    return np.stack([z, ring * np.sin(angle), ring * np.cos(angle)], axis=1)


def harmonic_degrees(degree: int) -> Int64[np.ndarray, " harmonics"]:
    """The degree of every harmonic of `real_harmonics`, shape ((degree + 1)²,)."""
    return np.concatenate([np.full(2 * one + 1, one, np.int64) for one in range(degree + 1)])


def real_harmonics(
    directions: Float64[np.ndarray, "n 3"], degree: int
) -> Float64[np.ndarray, "n harmonics"]:
    r"""Real spherical harmonics, orthonormal over the sphere.

    .. math::
        Y_{lm} = \sqrt{\frac{(2 - δ_{m0})(2l + 1)(l - |m|)!}{4π (l + |m|)!}} P_l^{|m|}(\cos θ)
            \{\cos mφ, \sin |m|φ\}

    Args:
        directions: Unit vectors (z, y, x).
        degree: Highest degree.

    Returns:
        Values, shape (n, (degree + 1)²), degrees ascending, orders from -l to l.

    Source:
        Varshalovich, Moskalev & Khersonskii (1988), Quantum theory of angular momentum, 5.2.
    """
    cosine = np.clip(directions[:, 0], -1, 1)
    angle = np.arctan2(directions[:, 1], directions[:, 2])
    values = np.empty((len(directions), (degree + 1) ** 2))
    diagonal = np.ones(len(directions))
    for order in range(degree + 1):
        # Upwards in the degree at a fixed order, from P_m^m; scipy's functions take far longer.
        before, legendre = np.zeros(len(directions)), diagonal
        for one in range(order, degree + 1):
            norm = (2 * one + 1) / (4 * math.pi) * (2 if order else 1)
            norm *= math.factorial(one - order) / math.factorial(one + order)
            scaled = math.sqrt(norm) * legendre
            middle = one**2 + one
            values[:, middle + order] = scaled * np.cos(order * angle)
            if order:
                values[:, middle - order] = scaled * np.sin(order * angle)
            after = (2 * one + 1) * cosine * legendre - (one + order) * before
            before, legendre = legendre, after / (one + 1 - order)
        diagonal = -(2 * order + 1) * np.sqrt(1 - cosine**2) * diagonal
    return values


def rotations_to(normals: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """Rotations, on (z, y, x) columns, that take +z to given directions by the shortest way.

    Args:
        normals: Unit vectors (z, y, x).

    Returns:
        Rotation matrices, shape (n, 3, 3). Of the turns about the normal, which a direction alone
        leaves open, it is the one without a twist.
    """
    angles = np.arccos(np.clip(normals[:, 0], -1, 1))
    # The axis +z × normal lies in the plane of y and x; (z, y, x) is left-handed as (x, y, z) is
    # right-handed, so the product is written out.
    axes = np.stack([np.zeros(len(normals)), -normals[:, 2], normals[:, 1]], axis=1)
    length = np.linalg.norm(axes, axis=1, keepdims=True)
    flat = np.broadcast_to(np.array([0.0, 1.0, 0.0]), axes.shape)
    axes = np.where(length > 1e-12, axes / np.maximum(length, 1e-12), flat)
    return np.asarray(Rotation.from_rotvec(axes * angles[:, np.newaxis]).as_matrix())
