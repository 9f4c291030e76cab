"""Grey pictures side by side, with circles about what is at certain places."""

import numpy as np
import pytest

from gyrovox.report.pictures.sections import Section, sections


@pytest.fixture
def pixels():
    return np.random.default_rng(0).normal(size=(40, 60))


def drawn(figure):
    """Pictures of a page, each with its circles."""
    return [axes for axes in figure.axes if axes.images]


def test_each_picture_has_its_own_black_and_white(pixels):
    page = sections(
        [Section(pixels=pixels, title="one"), Section(pixels=100 + 1000 * pixels, title="other")],
        name="Two",
        said="of one pattern",
    )
    first, second = (axes.images[0].get_array() for axes in drawn(page))
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert first.min() == 0
    assert first.max() == 1


def test_circles_are_where_they_should_be(pixels):
    found, true = np.array([[10.0, 20.0, 5.0]]), np.array([[30.0, 50.0, 4.0], [1.0, 2.0, 3.0]])
    page = sections(
        [Section(pixels=pixels, title="marked", found=found, true=true)], name="Marks", said=""
    )
    (axes,) = drawn(page)
    circles = [(one.center[1], one.center[0], one.radius) for one in axes.patches]
    assert circles == [*map(tuple, true.tolist()), *map(tuple, found.tolist())]
    assert [one.get_linestyle() for one in axes.patches] == ["--", "--", "-"]


def test_pictures_keep_their_shape_and_do_not_overlap(pixels):
    page = sections(
        [Section(pixels=pixels, title="wide"), Section(pixels=pixels.T, title="tall")],
        name="Two",
        said="shapes",
    )
    width, height = page.get_size_inches()
    boxes = [axes.get_position() for axes in drawn(page)]
    ratios = [box.height * height / (box.width * width) for box in boxes]
    assert ratios == pytest.approx([40 / 60, 60 / 40])
    assert boxes[0].x1 < boxes[1].x0


def test_a_constant_picture_is_grey():
    page = sections([Section(pixels=np.full((4, 4), 7.0), title="flat")], name="Flat", said="")
    (axes,) = drawn(page)
    assert (axes.images[0].get_array() == 0.5).all()


def test_the_scale_bar_is_in_nm_where_they_are_known(pixels):
    known = sections([Section(pixels=pixels, title="a", pixel_size_nm=2.0)], name="", said="")
    unknown = sections([Section(pixels=pixels, title="a")], name="", said="")
    (bar,) = [text.get_text() for text in drawn(known)[0].texts]
    (other,) = [text.get_text() for text in drawn(unknown)[0].texts]
    assert bar == "20 nm"
    assert other.endswith("voxels")
