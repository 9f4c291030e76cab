"""PNG files in memory, read back by matplotlib."""

import base64
import io

import matplotlib.image
import numpy as np
import pytest

from gyrovox.report.page.png import class_png, data_url, grey_png


def read(png):
    return np.round(matplotlib.image.imread(io.BytesIO(png)) * 255).astype(int)


def test_a_grey_picture_comes_back():
    pixels = np.arange(35, dtype=np.uint8).reshape(5, 7) * 7
    np.testing.assert_array_equal(read(grey_png(pixels)), pixels)


@pytest.mark.parametrize("count", [1, 3, 256, 300], ids="{} classes".format)
def test_classes_come_back_in_their_colours(count):
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (count, 4)).astype(np.uint8)
    classes = rng.integers(0, count, (6, 9)).astype(np.uint16)
    found = np.broadcast_to(read(class_png(classes, colours)), (6, 9, 4))
    np.testing.assert_array_equal(found, colours[classes])


def test_few_classes_take_a_byte_of_a_palette_and_many_take_four():
    classes = np.zeros((4, 4), np.uint16)
    colours = np.zeros((257, 4), np.uint8)
    kind_at = 25  # of the file, in its first chunk
    assert class_png(classes, colours[:256])[kind_at] == 3
    assert class_png(classes, colours)[kind_at] == 6


def test_the_address_holds_the_file():
    png = grey_png(np.zeros((2, 2), np.uint8))
    kind, _, content = data_url(png).partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == png
