"""Directions: even, with orthonormal harmonics, and rotations that lead to them."""

from math import factorial

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.spatial import cKDTree
from scipy.special import lpmv

from gyrovox.particles.spikes.directions import (
    even_directions,
    harmonic_degrees,
    real_harmonics,
    rotations_to,
)


def test_directions_are_unit_vectors_as_far_apart_everywhere():
    directions = even_directions(2000)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-12)
    nearest = cKDTree(directions).query(directions, k=2)[0][:, 1]
    # A square lattice of 2000 points would have neighbours at this distance.
    assert nearest.min() / np.sqrt(4 * np.pi / 2000) > 0.85
    assert nearest.max() / nearest.min() < 1.35


def _vector(z_cosine, angle):
    ring = np.sqrt(1 - z_cosine**2)
    return np.array([[z_cosine, ring * np.sin(angle), ring * np.cos(angle)]])


@pytest.mark.parametrize(("one", "other"), [(0, 0), (2, 2), (6, 6), (8, 8), (2, 6), (5, 7)])
def test_harmonics_are_orthonormal_by_quadrature(one, other):
    def product(z_cosine, angle):
        values = real_harmonics(_vector(z_cosine, angle), 2)[0]
        return values[one] * values[other]

    found, _ = dblquad(product, 0, 2 * np.pi, -1, 1, epsabs=1e-6, epsrel=1e-6)
    assert found == pytest.approx(float(one == other), abs=1e-5)


def test_harmonics_are_scipys_legendre_functions_about_the_beam():
    directions = even_directions(60)
    angle = np.arctan2(directions[:, 1], directions[:, 2])
    values = real_harmonics(directions, 5)
    for degree, order in ((0, 0), (3, 2), (4, 0), (5, 5), (5, 1)):
        ratio = (2 if order else 1) * (2 * degree + 1) * factorial(degree - order)
        norm = np.sqrt(ratio / (4 * np.pi * factorial(degree + order)))
        turned = norm * lpmv(order, degree, directions[:, 0])
        middle = degree**2 + degree
        np.testing.assert_allclose(
            values[:, middle + order], turned * np.cos(order * angle), atol=1e-12
        )
        if order:
            np.testing.assert_allclose(
                values[:, middle - order], turned * np.sin(order * angle), atol=1e-12
            )


def test_harmonics_of_degree_one_are_the_coordinates():
    directions = even_directions(20)
    y, z, x = (real_harmonics(directions, 1)[:, 1:] / np.sqrt(3 / (4 * np.pi))).T
    np.testing.assert_allclose(z, directions[:, 0], atol=1e-12)
    # scipy's associated polynomials carry the phase of Condon and Shortley.
    np.testing.assert_allclose(-y, directions[:, 1], atol=1e-12)
    np.testing.assert_allclose(-x, directions[:, 2], atol=1e-12)


def test_there_are_two_degrees_and_one_harmonics_of_a_degree():
    np.testing.assert_array_equal(np.bincount(harmonic_degrees(3)), [1, 3, 5, 7])


def test_rotations_take_z_to_the_directions_without_a_mirror():
    directions = np.concatenate([even_directions(50), [[1.0, 0, 0], [-1.0, 0, 0]]])
    rotations = rotations_to(directions)
    np.testing.assert_allclose(rotations @ np.array([1.0, 0, 0]), directions, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-12)


def test_rotations_go_the_shortest_way():
    directions = even_directions(30)
    turned = np.arccos(
        np.clip((np.trace(rotations_to(directions), axis1=1, axis2=2) - 1) / 2, -1, 1)
    )
    np.testing.assert_allclose(turned, np.arccos(directions[:, 0]), atol=1e-7)
