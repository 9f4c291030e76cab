"""IMOD's tilts and transforms."""

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, OutputExistsError
from gyrovox.io.imod_alignment import (
    read_tilts,
    read_transforms,
    write_tilts,
    write_transforms,
)


def test_tilts_are_read_as_they_were_written(tmp_path):
    tilts = np.array([-60.0, -0.0123, 57.0])
    write_tilts(tilts, tmp_path / "a.tlt")
    np.testing.assert_allclose(read_tilts(tmp_path / "a.tlt"), tilts, atol=5e-5)
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_tilts(tilts, tmp_path / "a.tlt")


def test_transforms_are_read_as_they_were_written(tmp_path):
    rows = np.array([[0.9986, -0.0523, 0.0523, 0.9986, -123.45678, 0.5], [1, 0, 0, 1, 0, 0]])
    write_transforms(rows, tmp_path / "a.xf")
    np.testing.assert_allclose(read_transforms(tmp_path / "a.xf"), rows, atol=5e-5)
    # IMOD reads numbers by their columns' widths or by blanks: they must not run together.
    assert len((tmp_path / "a.xf").read_text().splitlines()[0].split()) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [("1 2\n3\n", r"must have 1 numbers, and lines have \[1, 2\]"), ("", "none at all")],
)
def test_every_line_must_have_its_numbers(tmp_path, text, message):
    (tmp_path / "a.tlt").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_tilts(tmp_path / "a.tlt")


def test_lines_must_be_of_numbers(tmp_path):
    (tmp_path / "a.xf").write_text("1 0 0 one 0 0\n")
    with pytest.raises(FileFormatError, match="every line must be of numbers"):
        read_transforms(tmp_path / "a.xf")
