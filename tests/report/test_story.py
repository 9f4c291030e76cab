"""A page that tells of several steps."""

import base64

import numpy as np
import pytest

from gyrovox.errors import OutputExistsError, PictureError
from gyrovox.report.page.png import grey_png
from gyrovox.report.story import Chapter, write_story


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(grey_png(np.arange(6, dtype=np.uint8).reshape(2, 3)))
    return path


def test_a_story_holds_its_pictures_and_asks_nobody_for_anything(tmp_path, picture):
    chapter = Chapter(
        title="Look",
        text="A < B & C",
        command="gyrovox info x.mrc",
        facts=(("voxels", "6"),),
        pictures=((picture, "six voxels"),),
    )
    path = write_story(tmp_path / "story.html", "A story", "of one step", [chapter])
    text = path.read_text(encoding="utf-8")
    assert base64.b64encode(picture.read_bytes()).decode() in text
    assert "1. Look" in text
    assert "A &lt; B &amp; C" in text
    assert "<th>voxels</th><td>6</td>" in text
    assert "gyrovox info x.mrc" in text
    assert "http" not in text.replace("http-equiv", "")


def test_a_missing_picture_is_named(tmp_path):
    chapter = Chapter(title="Look", text="", pictures=((tmp_path / "gone.png", "nothing"),))
    with pytest.raises(PictureError, match=r"gone\.png cannot be read.*Run the step"):
        write_story(tmp_path / "story.html", "A story", "", [chapter])
    assert not (tmp_path / "story.html").exists()


def test_a_story_that_is_there_is_kept(tmp_path):
    write_story(tmp_path / "story.html", "First", "", [])
    with pytest.raises(OutputExistsError, match=r"story\.html"):
        write_story(tmp_path / "story.html", "Second", "", [])
    write_story(tmp_path / "story.html", "Third", "", [], overwrite=True)
    assert "Third" in (tmp_path / "story.html").read_text(encoding="utf-8")
