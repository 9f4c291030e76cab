"""Codes as a picture."""

import numpy as np
import pytest

from gyrovox.report.latent_plane import latent_plane


def codes(*vectors):
    return np.array(vectors, np.float32).reshape(1, 1, len(vectors), 2)


@pytest.mark.parametrize("curvature", [-0.25, -1.0, -4.0])
def test_codes_are_mapped_to_the_disk_of_radius_one(curvature):
    root = (-curvature) ** 0.5
    plane = latent_plane(codes((0.3, 0.0), (0.0, -2.0), (0.0, 0.0)), curvature=curvature)
    expected = [[np.tanh(root * 0.3), 0], [0, -np.tanh(root * 2)], [0, 0]]
    np.testing.assert_allclose(plane.points, expected, atol=1e-6)
    assert plane.is_disk


def test_the_flat_plane_is_scaled_to_its_codes():
    rng = np.random.default_rng(0)
    plane = latent_plane(rng.normal(0, 7, (10, 10, 10, 2)).astype(np.float32), curvature=0.0)
    assert not plane.is_disk
    assert 0.5 < np.abs(plane.points).max() <= 1
    assert len(plane.points) == len(plane.chosen) > 980


def test_a_large_volume_is_thinned_evenly():
    plane = latent_plane(np.zeros((100, 100, 81, 2), np.float32), curvature=-1.0)
    assert len(plane.chosen) <= 400_000
    assert len(set(np.diff(plane.chosen))) == 1


def test_the_density_has_the_colour_of_the_class_that_lies_there():
    plane = latent_plane(codes((0.5, 0.0), (-0.5, 0.0)), curvature=-1.0)
    labels = np.array([[[0, 1]]], np.uint8)
    picture = plane.density(labels, np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    half = picture.shape[1] // 2
    assert (picture[:, half:][picture[:, half:, 3] > 0][:, :3] == [1, 0, 0]).all()
    assert (picture[:, :half][picture[:, :half, 3] > 0][:, :3] == [0, 0, 1]).all()
    assert (picture[..., 3] > 0).sum() == 2
