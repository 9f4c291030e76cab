from dataclasses import replace

import numpy as np
from gaussian_blobs import dark_series

from gyrovox.tomography.alignment.reprojection import reprojections


def test_images_are_foretold_by_the_others(specimen, true_geometry):
    images = specimen.images(true_geometry, (64, 72))
    expected = reprojections(dark_series(images, true_geometry), 24)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    for seen, foretold in zip(-images[inner][2:-2], expected[inner][2:-2], strict=True):
        assert np.corrcoef(seen.ravel(), foretold.ravel())[0, 1] > 0.8


def test_an_image_does_not_foretell_itself(specimen, true_geometry):
    series = dark_series(specimen.images(true_geometry, (64, 72)), true_geometry)
    changed = series.images.copy()
    changed[9, 30:34, 30:34] = 0
    plain, others = (reprojections(one, 24) for one in (series, replace(series, images=changed)))
    # Its mean may change, and with it its contrasts; its marks must not be foretold.
    np.testing.assert_allclose(others[9], plain[9], atol=1e-5)
    assert np.abs(others[10] - plain[10]).max() > 1e-3
