from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.reconstruction.preparation import (
    aligned_contrast,
    contrast,
    frame_width,
    stored_rows,
)

CPU = torch.device("cpu")


def test_counts_become_shares_of_their_mean():
    counts = np.array([[90.0, 110.0], [100.0, 100.0]], np.float32)
    np.testing.assert_allclose(contrast(counts), [[-0.1, 0.1], [0.0, 0.0]], atol=1e-6)


def test_normalised_images_keep_their_scale():
    grey = np.array([[-2.0, 1.0], [3.0, 2.0]], np.float32)
    np.testing.assert_allclose(contrast(grey), grey - 1.0)


def test_pixels_that_are_no_numbers_are_refused():
    with pytest.raises(TiltSeriesError, match="pixels of an image must be finite"):
        contrast(np.full((2, 2), np.nan, np.float32))


def test_aligned_images_show_blobs_where_an_ideal_geometry_would(turned_series, blobs):
    from gyrovox.tomography import TiltGeometry

    ideal = TiltGeometry.ideal(turned_series.geometry.tilt_degrees)
    wanted = -blobs.images(ideal, (40, 40))
    for index in (0, 15, 30):
        found = aligned_contrast(turned_series, index, (40, 40), where=CPU).numpy()
        assert np.corrcoef(found.ravel(), wanted[index].ravel())[0, 1] > 0.995


def test_steps_see_contrasts_and_their_number(series):
    def step(index, image):
        assert image.mean() == pytest.approx(0, abs=1e-6)
        return np.full_like(image, index)

    found = aligned_contrast(series, 3, (40, 40), steps=[step], where=CPU)
    assert (found == 3).all()


def test_frames_hold_images_that_are_turned(turned_series):
    geometry = turned_series.geometry
    width = frame_width(geometry, (46, 80))
    turn = np.deg2rad(86.0)
    assert width >= 46 * np.sin(turn) + 80 * np.cos(turn)
    assert width % 2 == 80 % 2
    level = replace(geometry, axis_degrees=np.zeros(len(geometry)))
    assert frame_width(level, (46, 80)) == 80


def test_rows_lie_with_y_last(series):
    stores = []

    def store(shape):
        stores.append(shape)
        return np.zeros(shape, np.float32)

    def blurred(_index, frame):
        return torch.from_numpy(ndimage.uniform_filter1d(frame.numpy(), 3, axis=1))

    rows = stored_rows(series, 40, 40, change=blurred, where=CPU, store=store, quiet=True)
    assert stores == [(len(series), 40, 40)]
    frame = aligned_contrast(series, 7, (40, 40), where=CPU)
    np.testing.assert_allclose(rows[7].T, blurred(7, frame))
