"""A specimen of blobs and its tilt series, whose images no projector of ours has made."""

import numpy as np
import pytest
from gaussian_blobs import dark_series, disturbed_geometry, drawn_blobs

from gyrovox.tomography import TiltGeometry

SHAPE = (24, 40, 40)


@pytest.fixture(scope="module")
def blobs():
    return drawn_blobs(5, 12, (7, 13, 13), widths=(1.6, 2.6), height=0.02)


@pytest.fixture(scope="module")
def series(blobs):
    geometry = TiltGeometry.ideal(np.arange(-60.0, 61.0, 4.0))
    return dark_series(blobs.images(geometry, SHAPE[1:]), geometry)


@pytest.fixture(scope="module")
def turned_series(blobs):
    geometry = disturbed_geometry(1, np.arange(-60.0, 61.0, 4.0), axis=-86.0)
    return dark_series(blobs.images(geometry, (46, 50)), geometry)


@pytest.fixture(scope="module")
def truth(blobs):
    return -blobs.density(SHAPE)
