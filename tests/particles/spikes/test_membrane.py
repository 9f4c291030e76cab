"""Membranes: the geometry of a closed surface, and finding it in density."""

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM

from gyrovox.errors import ParticleError
from gyrovox.particles.spikes.directions import even_directions
from gyrovox.particles.spikes.membrane import MembraneSurface, fit_membrane

SPHERE = (4 * np.pi) ** 0.5


def ellipsoid_radius(directions, axes):
    return 1 / np.sqrt(((directions / axes) ** 2).sum(axis=1))


def fitted_ellipsoid(axes):
    """The surface whose harmonics are those of an ellipsoid."""
    from gyrovox.particles.spikes.directions import real_harmonics

    directions = even_directions(4000)
    values = real_harmonics(directions, 6)
    coefficients = 4 * np.pi / 4000 * values.T @ ellipsoid_radius(directions, axes)
    return MembraneSurface(centre_nm=np.array([5.0, 6.0, 7.0]), coefficients=coefficients)


def test_a_sphere_has_its_radius_its_area_and_radial_normals():
    sphere = MembraneSurface(centre_nm=np.zeros(3), coefficients=np.array([50 * SPHERE]))
    directions = even_directions(40)
    np.testing.assert_allclose(sphere.radius_nm(directions), 50)
    np.testing.assert_allclose(sphere.normals(directions), directions, atol=1e-9)
    assert sphere.mean_radius_nm == pytest.approx(50)
    assert sphere.area_nm2() == pytest.approx(4 * np.pi * 50**2)


def test_normals_and_heights_are_those_of_an_ellipsoid():
    axes = np.array([40.0, 44.0, 47.0])
    surface = fitted_ellipsoid(axes)
    directions = even_directions(200)
    points = directions * ellipsoid_radius(directions, axes)[:, None]
    gradient = points / axes**2  # of (z/a)² + (y/b)² + (x/c)², by hand
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    np.testing.assert_allclose(surface.normals(directions), gradient, atol=2e-3)
    above = surface.centre_nm + points + 12 * gradient
    np.testing.assert_allclose(surface.heights_nm(above), 12, atol=0.15)
    np.testing.assert_allclose(surface.points_nm(directions, 12.0), above, atol=0.1)


def test_the_area_of_an_ellipsoid_is_thomsens():
    axes = np.array([40.0, 44.0, 47.0])
    a, b, c = axes**1.6075  # right to 1.1 % for any axes, and to far less for these
    thomsen = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / 1.6075)
    assert fitted_ellipsoid(axes).area_nm2() == pytest.approx(thomsen, rel=2e-3)


@pytest.mark.parametrize("coefficients", [np.ones(3), np.array([-1.0]), np.array([0.0])])
def test_coefficients_must_be_those_of_a_surface(coefficients):
    with pytest.raises(ParticleError, match=r"\(degree \+ 1\)² coefficients and a positive mean"):
        MembraneSurface(centre_nm=np.zeros(3), coefficients=coefficients)


def test_the_membrane_is_found_from_a_wrong_centre_and_a_wrong_diameter(drawn):
    density = -drawn.image[:, :, :54].astype(np.float64)
    centre = drawn.centres_nm[0]
    surface = fit_membrane(
        density,
        voxel_size_nm=VOXEL_NM,
        centre_nm=centre + np.array([4.0, -3.0, 4.0]),
        diameter_nm=2 * RADIUS_NM * 1.2,
    )
    directions = even_directions(100)
    found = surface.points_nm(directions, 0.0)
    gaps = np.linalg.norm(found - centre, axis=1) - RADIUS_NM
    assert np.abs(gaps).max() < 2.5
    assert np.sqrt((gaps**2).mean()) < 1.0


def test_the_membrane_is_found_where_a_side_of_it_is_not_in_the_tomogram(drawn):
    density = -drawn.image[:, :, :54].astype(np.float64)
    inside = np.ones(density.shape, np.bool_)
    cut = int((drawn.centres_nm[0][2] + 0.6 * RADIUS_NM) / VOXEL_NM)
    inside[:, :, cut:] = False
    density[~inside] = 50.0  # whatever is there must not matter
    surface = fit_membrane(
        density,
        voxel_size_nm=VOXEL_NM,
        centre_nm=drawn.centres_nm[0],
        diameter_nm=2 * RADIUS_NM,
        inside=inside,
    )
    assert surface.mean_radius_nm == pytest.approx(RADIUS_NM, abs=2.0)


def test_a_diameter_must_be_positive():
    with pytest.raises(ParticleError, match="above 0 nm, got 0"):
        fit_membrane(np.zeros((4, 4, 4)), voxel_size_nm=1.0, centre_nm=np.zeros(3), diameter_nm=0.0)
