import numpy as np
import pytest
import torch
from gaussian_blobs import disturbed_geometry
from scipy import ndimage

from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.in_plane import aligned, to_detector, to_detector_adjoint

TILTS = np.array([-40.0, 0.0, 30.0])


def smooth(shape, seed=0):
    noise = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(ndimage.gaussian_filter(noise, (0, 2.5, 2.5)))


@pytest.mark.parametrize("axis", [0.0, 12.0, 85.0, -130.0])
def test_turning_to_the_detector_agrees_with_scipy(axis):
    geometry = disturbed_geometry(1, TILTS, axis=axis)
    frames = smooth((3, 41, 48))
    found = to_detector(frames, geometry, (36, 44)).numpy()
    angle = np.deg2rad(axis)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for frame, image, shift in zip(frames.numpy(), found, geometry.shifts, strict=True):
        offset = np.array([20, 24]) - turn @ (np.array([18, 22]) + shift)
        wanted = ndimage.affine_transform(frame, turn, offset, (36, 44), order=3)
        inside = ndimage.affine_transform(np.ones_like(frame), turn, offset, (36, 44), order=0)
        inside = ndimage.binary_erosion(inside > 0.5, iterations=4)
        np.testing.assert_allclose(image[inside], wanted[inside], atol=0.02 * frame.std())


def test_aligning_undoes_turning():
    geometry = disturbed_geometry(2, TILTS, axis=20.0)
    frames = smooth((3, 40, 40))
    back = aligned(to_detector(frames, geometry, (90, 90)), geometry, (40, 40))
    inner = (slice(None), slice(5, -5), slice(5, -5))
    np.testing.assert_allclose(back[inner], frames[inner], atol=0.02)


def test_a_shift_by_whole_pixels_changes_no_value():
    frames = torch.rand(1, 10, 12)
    geometry = TiltGeometry(
        tilt_degrees=np.zeros(1), axis_degrees=np.zeros(1), shifts=np.array([[2.0, -3.0]])
    )
    moved = to_detector(frames, geometry, (10, 12))
    torch.testing.assert_close(moved[:, 2:, :-3], frames[:, :-2, 3:], rtol=0, atol=0)


def test_the_adjoint_is_one():
    geometry = disturbed_geometry(3, TILTS, axis=33.0)
    frames = torch.randn(3, 21, 18, dtype=torch.float64)
    images = torch.randn(3, 24, 25, dtype=torch.float64)
    there = (to_detector(frames, geometry, (24, 25)) * images).sum()
    back = (frames * to_detector_adjoint(images, geometry, (21, 18))).sum()
    torch.testing.assert_close(there, back)
