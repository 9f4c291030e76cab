"""All pictures of a result."""

from typing import get_args

import pytest

from gyrovox.errors import PictureError
from gyrovox.report.pictures import Gallery
from gyrovox.results import ResultFolder
from gyrovox.settings import PictureName

WITHOUT_MODEL = ("projection", "components", "reconstructions", "patches", "curves")


def test_every_picture_has_a_painter(result):
    assert {*Gallery(result)._painters, "surfaces"} == set(get_args(PictureName))


def test_pictures_become_files_of_their_names(result, tmp_path):
    gallery = Gallery(result, classes=3, device="cpu")
    made = {
        name: gallery.draw(name, tmp_path, "png", 40)
        for name in ("projection", "patches", "surfaces", "curves", "reliability")
    }
    files = [path for paths in made.values() for path in paths]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files)
    assert made["curves"] == [tmp_path / "curves.png"]
    assert made["surfaces"] == [tmp_path / "surfaces.html"]
    assert made["reliability"] == [tmp_path / "reliability.png", tmp_path / "reliability.csv"]
    for path in files:
        assert path.stat().st_size > 2000


def test_what_cannot_be_drawn_says_why_and_leaves_nothing(result, tmp_path):
    with pytest.raises(PictureError, match="codes of 3 dimensions, and these have 2"):
        Gallery(result, device="cpu").draw("components", tmp_path, "png", 40)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_without_a_model_what_needs_one_is_refused(bare_folder, name, tmp_path):
    with pytest.raises(PictureError, match="model"):
        Gallery(ResultFolder.open(bare_folder), device="cpu").draw(name, tmp_path, "png", 40)


@pytest.mark.parametrize("name", ["disk", "reliability"])
def test_without_a_model_the_others_are_drawn(bare_folder, name, tmp_path):
    gallery = Gallery(ResultFolder.open(bare_folder), device="cpu")
    assert gallery.draw(name, tmp_path, "svg", 40)[0].suffix == ".svg"
