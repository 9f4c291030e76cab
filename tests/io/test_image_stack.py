"""Stacks of images in MRC files."""

import mrcfile
import numpy as np
import pytest

from gyrovox.errors import FileFormatError, OutputExistsError
from gyrovox.io.image_stack import read_image_stack, write_image_stack


@pytest.mark.parametrize(
    ("images", "mode"),
    [
        (np.arange(60, dtype=np.float32).reshape(3, 4, 5), 1),
        (np.arange(60, dtype=np.float32).reshape(3, 4, 5) + 0.5, 2),
        (1000 * np.arange(60, dtype=np.float32).reshape(3, 4, 5), 2),
    ],
    ids=["counts", "fractions", "large"],
)
def test_images_lose_nothing_in_the_smallest_mode_that_holds_them(tmp_path, capsys, images, mode):
    path = tmp_path / "a.mrc"
    write_image_stack(images, path, pixel_size_nm=0.27)
    assert mrcfile.validate(path), capsys.readouterr().out
    with mrcfile.open(path) as file:
        assert file.is_image_stack()
        assert int(file.header.mode) == mode
        assert float(file.voxel_size.x) == pytest.approx(2.7)
        np.testing.assert_array_equal(file.data, images)
    found, size = read_image_stack(path)
    np.testing.assert_array_equal(found, images)
    assert size == pytest.approx(0.27)


def test_the_same_images_are_the_same_file(tmp_path):
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for name in ("a.mrc", "b.mrc"):
        write_image_stack(images, tmp_path / name, pixel_size_nm=1.0)
    assert (tmp_path / "a.mrc").read_bytes() == (tmp_path / "b.mrc").read_bytes()
    assert b"Created by" not in (tmp_path / "a.mrc").read_bytes()


def test_a_file_is_not_replaced_unasked(tmp_path):
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    write_image_stack(images, tmp_path / "a.mrc", pixel_size_nm=1.0)
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_image_stack(images, tmp_path / "a.mrc", pixel_size_nm=1.0)
    write_image_stack(2 * images, tmp_path / "a.mrc", pixel_size_nm=1.0, overwrite=True)
    assert read_image_stack(tmp_path / "a.mrc")[0].max() == 46


def test_a_stack_may_say_nothing_of_its_pixels(tmp_path):
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    assert read_image_stack(path)[1] == 0


def test_pixels_must_be_squares(tmp_path):
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
        file.voxel_size = (10.0, 12.0, 10.0)
    with pytest.raises(FileFormatError, match="must be squares"):
        read_image_stack(path)
