"""Component analysis."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import OutputExistsError, PictureError
from gyrovox.report.pictures import components, write_components


def test_each_component_is_shown_from_black_to_white_and_all_as_colours(result, place_codes, drawn):
    figure = components(result, place_codes(3))
    drawn(figure)
    pictures = [axes.images[0].get_array() for axes in figure.axes]
    assert len(pictures) == 12
    # In the xy slice the second component grows along y and the third along x.
    xy = slice(0, 12, 3)
    first, second, third, together = pictures[xy]
    assert np.ptp(first) == 0
    assert np.ptp(second, axis=0).min() > 0.9
    assert np.ptp(second, axis=1).max() == 0
    assert np.ptp(third, axis=1).min() > 0.9
    np.testing.assert_array_equal(together, np.stack([first, second, third], axis=-1))


def test_volumes_hold_the_codes_and_their_colours_over_the_image(result, place_codes, tmp_path):
    values, colours = write_components(result, place_codes(3), tmp_path)
    volume, image = io.read(values), result.image()
    places = np.stack(np.indices(result.shape)) / 10
    np.testing.assert_allclose(volume.read(), places, rtol=1e-6)
    np.testing.assert_allclose(volume.affine, image.affine)
    rgb = io.read(colours).read()
    assert rgb.dtype == np.uint8
    assert rgb.shape == (3, *result.shape)
    for channel, component in zip(rgb, places, strict=True):
        ends = np.percentile(component, (0.5, 99.5))
        expected = np.clip((component - ends[0]) / np.ptp(ends), 0, 1) * 255
        np.testing.assert_allclose(channel, expected, atol=1)


def test_volumes_that_are_there_stay(result, place_codes, tmp_path):
    write_components(result, place_codes(3), tmp_path)
    with pytest.raises(OutputExistsError, match=r"components\.ome\.zarr"):
        write_components(result, place_codes(3), tmp_path)
    write_components(result, place_codes(3), tmp_path, overwrite=True)


def test_codes_of_other_dimensions_are_refused(result, source, tmp_path):
    wanted = r"of 3 dimensions, and these have 2\. Train with --model"
    with pytest.raises(PictureError, match=wanted):
        components(result, source)
    with pytest.raises(PictureError, match=wanted):
        write_components(result, source, tmp_path)
