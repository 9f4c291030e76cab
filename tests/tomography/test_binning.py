import numpy as np
import pytest
from gaussian_blobs import dark_series, disturbed_geometry, drawn_blobs

from gyrovox.errors import SettingsError
from gyrovox.tomography.binning import binned, unbinned

TILTS = np.array([-30.0, 0.0, 40.0])
GEOMETRY = disturbed_geometry(0, TILTS, axis=10.0)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("shape", [(48, 60), (49, 61)])
def test_blobs_are_where_the_binned_geometry_says(factor, shape):
    blob = drawn_blobs(1, 1, (3, 3, 3), widths=(4.0, 4.0))
    series = dark_series(0.05 * blob.images(GEOMETRY, shape), GEOMETRY)
    small = binned(series, factor)
    assert small.pixel_size_nm == factor
    assert small.images.shape == (3, shape[0] // factor, shape[1] // factor)
    dark = small.images.max() - small.images
    rows, columns = (
        axis - side // 2
        for axis, side in zip(np.indices(dark.shape[1:]), dark.shape[1:], strict=True)
    )
    seen = np.stack([(dark * axis).sum((1, 2)) / dark.sum((1, 2)) for axis in (rows, columns)], -1)
    wanted = small.geometry.project(blob.centres / factor)[:, 0]
    np.testing.assert_allclose(seen, wanted, atol=0.02)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_unbinning_undoes_it(factor):
    series = dark_series(np.zeros((3, 40, 45)), GEOMETRY)
    back = unbinned(binned(series, factor).geometry, factor, (40, 45))
    np.testing.assert_allclose(back.shifts, GEOMETRY.shifts, atol=1e-12)


@pytest.mark.parametrize("factor", [0, 6])
def test_a_factor_that_leaves_too_little_is_refused(factor):
    series = dark_series(np.zeros((3, 40, 45)), GEOMETRY)
    with pytest.raises(SettingsError, match=rf"at least 8 pixels of 40 x 45, got {factor}"):
        binned(series, factor)
