"""Pages, slices on them, and files that are the same twice."""

import sys

import matplotlib.image
import numpy as np
import pytest

from gyrovox.report.pictures import look


def a_page():
    figure = look.page(4.0, 3.0, "name <of> $a$ _volume_", "what is shown")
    box = look.Box(1.0, 1.0, 2.0, 1.0)
    axes = look.show(figure, box, np.array([[0.0, 1.0], [0.5, np.nan]]))
    return figure, axes, box


def test_a_slice_is_where_it_was_put_in_its_greys(tmp_path):
    figure, _, _ = a_page()
    look.save(figure, tmp_path / "page.png", dpi=100)
    picture = matplotlib.image.imread(tmp_path / "page.png")[..., :3]
    assert picture.shape == (300, 400, 3)
    quarters = [picture[125, 150], picture[125, 250], picture[175, 150], picture[175, 250]]
    np.testing.assert_allclose(quarters[0], 0, atol=0.01)
    np.testing.assert_allclose(quarters[1], 1, atol=0.01)
    np.testing.assert_allclose(quarters[2], 0.5, atol=0.01)
    # Neither black, nor white, nor grey: what is no number is tinted.
    assert 0.02 < np.ptp(quarters[3]) < 0.2
    np.testing.assert_allclose(picture[95:99, 90:99], 1)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_picture_twice_is_the_same_file(suffix, tmp_path):
    for name in ("one", "two"):
        look.save(a_page()[0], tmp_path / f"{name}{suffix}", dpi=60)
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_name_is_text_and_no_formula(tmp_path):
    figure, _, _ = a_page()
    look.save(figure, tmp_path / "page.svg")
    assert "name &lt;of&gt; $a$ _volume_" in (tmp_path / "page.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(("known", "text"), [(True, "20 nm"), (False, "20 voxels")])
def test_a_scale_bar_is_as_long_as_it_says(known, text):
    _, axes, box = a_page()
    look.draw_scale_bar(axes, box, 100.0, known=known)
    (line,) = axes.lines
    assert np.ptp(line.get_xdata()) == pytest.approx(0.2)
    assert axes.texts[-1].get_text() == text


def test_it_leaves_pyplot_alone():
    before = "matplotlib.pyplot" in sys.modules
    a_page()
    assert ("matplotlib.pyplot" in sys.modules) == before
