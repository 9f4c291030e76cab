"""Images with their geometry."""

import jaxtyping
import numpy as np
import pytest

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography import TiltGeometry, TiltSeries


@pytest.fixture
def without_type_checks():
    """As users run it: the checks of shapes, which tests add, speak before ours."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def series(**columns):
    given = {
        "images": np.zeros((3, 4, 5), np.float32),
        "geometry": TiltGeometry.ideal(np.array([-10.0, 0.0, 10.0])),
        "pixel_size_nm": 1.0,
    }
    return TiltSeries(**{**given, **columns})


def test_it_is_as_long_as_it_has_images():
    assert len(series()) == 3


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize(
    "columns",
    [
        {"geometry": TiltGeometry.ideal(np.zeros(2))},
        {"dose": np.ones(2)},
        {"prior_dose": np.ones(2)},
        {"defocus_nm": np.ones(2)},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_every_image_must_have_its_values(columns):
    with pytest.raises(TiltSeriesError, match="there are 3 images, and 2 values came"):
        series(**columns)


@pytest.mark.parametrize("size", [0.0, -2.0, np.nan])
def test_pixels_must_have_a_size(size):
    with pytest.raises(TiltSeriesError, match="pixel size must be above 0 nm"):
        series(pixel_size_nm=size)
