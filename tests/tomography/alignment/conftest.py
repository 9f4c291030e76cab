"""Tilt series with beads whose geometry and images are known without any projector of ours."""

import numpy as np
import pytest
from gaussian_blobs import Blobs, dark_series, disturbed_geometry, drawn_blobs

from gyrovox.tomography import TiltGeometry

SHAPE = (64, 72)
TILTS = np.arange(-60.0, 61.0, 6.0)


@pytest.fixture(scope="session")
def true_geometry():
    return disturbed_geometry(11, TILTS, axis=4.0, shift=3.0, axis_error=0.2, tilt_error=0.05)


@pytest.fixture(scope="session")
def nominal_geometry():
    """What a microscope writes down: tilts, and an axis that is off by two degrees."""
    count = len(TILTS)
    return TiltGeometry(
        tilt_degrees=TILTS, axis_degrees=np.full(count, 2.0), shifts=np.zeros((count, 2))
    )


@pytest.fixture(scope="session")
def beads():
    generator = np.random.default_rng(12)
    angles = np.arange(8) * 2.4  # a spiral: nowhere are two of them behind each other for long
    radius = 24 * np.sqrt((np.arange(8) + 0.5) / 8)
    centres = np.stack(
        [generator.uniform(-8, 8, 8), radius * np.sin(angles), radius * np.cos(angles)], -1
    )
    return Blobs(centres=centres, widths=np.full(8, 1.6), heights=np.full(8, 0.1))


@pytest.fixture(scope="session")
def specimen():
    return drawn_blobs(13, 60, (8, 30, 34), widths=(2.0, 4.0), height=0.01)


@pytest.fixture(scope="session")
def bead_series(beads, specimen, true_geometry, nominal_geometry):
    images = beads.images(true_geometry, SHAPE) + specimen.images(true_geometry, SHAPE)
    return dark_series(images, nominal_geometry, seed=14)


@pytest.fixture(scope="session")
def beadless_series(specimen, true_geometry, nominal_geometry):
    return dark_series(2 * specimen.images(true_geometry, SHAPE), nominal_geometry, seed=15)


@pytest.fixture(scope="session")
def points():
    """Where geometries are compared."""
    return np.random.default_rng(16).uniform(-1, 1, (60, 3)) * (10, 26, 28)
