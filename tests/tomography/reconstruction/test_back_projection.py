import numpy as np
import pytest

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.fourier_shell import fourier_shell_correlation
from gyrovox.tomography.missing_wedge import wedge_mask
from gyrovox.tomography.reconstruction import smeared_rows, weighted_back_projection
from gyrovox.volumes import Region

SHAPE = (24, 40, 40)


def agreement(found, truth, tilts):
    weights = wedge_mask(SHAPE, tilts, thickness=24.0)
    return fourier_shell_correlation(found, truth, weights=weights).correlations


@pytest.mark.parametrize("row_filter", ["ramp", "hamming", "exact"])
def test_blobs_come_back_dark_where_they_were(series, truth, row_filter):
    found = weighted_back_projection(series, SHAPE, row_filter=row_filter)
    shells = agreement(found, truth, series.geometry.tilt_degrees)
    assert shells[2:10].min() > 0.8
    # Dense matter is dark, and contrasts are as high as the wedge leaves them.
    height = (found * truth).sum() / (truth**2).sum()
    assert 0.4 < height < 1.0


def test_a_turned_and_shifted_series_gives_the_same(series, turned_series, truth):
    found = weighted_back_projection(turned_series, SHAPE)
    shells = agreement(found, truth, series.geometry.tilt_degrees)
    assert shells[2:10].min() > 0.75


def test_regions_are_parts_of_the_tomogram(series):
    whole = weighted_back_projection(series, SHAPE)
    part = smeared_rows(series, SHAPE, quiet=True).read(Region((5, 8, 2), (9, 30, 33)))
    np.testing.assert_allclose(part[0], whole[5:9, 8:30, 2:33], atol=1e-6)


def test_half_of_the_images_give_half_as_clear_a_tomogram_on_the_same_scale(series):
    whole = weighted_back_projection(series, SHAPE)
    halves = [
        weighted_back_projection(series.chosen(np.arange(first, len(series), 2)), SHAPE)
        for first in (0, 1)
    ]
    mean = (halves[0] + halves[1]) / 2
    assert np.corrcoef(mean.ravel(), whole.ravel())[0, 1] > 0.98
    assert (mean * whole).sum() / (whole**2).sum() == pytest.approx(1, abs=0.1)


@pytest.mark.gpu
def test_a_gpu_gives_the_same(series, device):
    found = weighted_back_projection(series, SHAPE, where=device)
    wanted = weighted_back_projection(series, SHAPE)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_a_tomogram_without_voxels_is_refused(series):
    with pytest.raises(TiltSeriesError, match=r"must have voxels, got shape \(0, 4, 4\)"):
        weighted_back_projection(series, (0, 4, 4))
