import numpy as np
import pytest
import torch

from gyrovox.tomography.ray_weights import RayWeights, sections_at_once

TILTS = np.array([-60.0, -31.0, 0.0, 45.0])


def overlap(tilt, z, x, pixel):
    """How much of a voxel's shadow, as wide as its side along x, a pixel covers."""
    middle = x * np.cos(tilt) + z * np.sin(tilt)
    half = np.cos(tilt) / 2
    covered = min(middle + half, pixel + 0.5) - max(middle - half, pixel - 0.5)
    return max(covered, 0) / np.cos(tilt)


def test_pixels_share_a_voxel_by_overlap():
    rays = RayWeights(TILTS, (-2, 3), 6, 9)
    dense = rays.backproject(torch.eye(4 * 9, dtype=torch.float64)).reshape(5, 6, 4, 9)
    for z, x, tilt, pixel in np.ndindex(5, 6, 4, 9):
        wanted = overlap(np.deg2rad(TILTS[tilt]), z - 2, x - 3, pixel - 4)
        assert dense[z, x, tilt, pixel] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("samples_per_pixel", [1, 2])
def test_uniform_rows_give_uniform_sections(samples_per_pixel):
    rays = RayWeights(TILTS, (-3, 4), 8, 40, samples_per_pixel=samples_per_pixel)
    found = rays.backproject(torch.ones(4 * 40, 2))
    torch.testing.assert_close(found, torch.full_like(found, 4.0))


def test_finer_rows_are_read_on_a_line_between_samples():
    rays = RayWeights(np.array([0.0, 60.0]), (0, 1), 5, 22, samples_per_pixel=2)
    line = torch.arange(22.0).repeat(2)[:, None]
    found = rays.backproject(line).ravel()
    # The centre of 11 pixels is pixel 5, at sample 10; along x, two samples, or one at 60 degrees.
    x = torch.arange(5.0) - 2
    torch.testing.assert_close(found, 20 + 2 * x + x, rtol=0, atol=1e-5)


def test_projection_is_the_transposed_matrix():
    rays = RayWeights(TILTS, (-2, 2), 5, 8)
    back = rays.backproject(torch.eye(32, dtype=torch.float64))
    forward = rays.project(torch.eye(20, dtype=torch.float64))
    torch.testing.assert_close(forward, back.T)


def test_slabs_are_as_many_as_memory_allows():
    assert sections_at_once(41, 1024) == 47
    assert sections_at_once(200, 100_000) == 1
