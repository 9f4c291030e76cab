import pytest

from gyrovox.napari_plugin.level_scale import STEPS

pytestmark = pytest.mark.napari


@pytest.fixture
def levels(application):
    from gyrovox.napari_plugin.level_slider import LevelSlider

    widget = LevelSlider()
    widget.set_tree(1000, [2, 7, 31])
    widget.show_classes(7)
    widget.resize(300, 60)
    widget.grab()  # lays it out
    yield widget
    widget.deleteLater()


@pytest.fixture
def chosen(levels):
    told = []
    levels.chosen.connect(told.append)
    return told


def test_what_was_chosen_elsewhere_is_shown_and_not_told(levels, chosen):
    levels.show_classes(31)
    assert levels.field.value() == 31
    assert levels.slider.value() == levels._scale.position(31)
    assert chosen == []


def test_the_slider_tells_the_number_once_and_the_field_follows(levels, chosen):
    levels.slider.setValue(STEPS)
    assert chosen == [1000]
    assert levels.field.value() == 1000


def test_the_field_tells_the_number_and_the_slider_follows(levels, chosen):
    levels.field.setValue(500)
    assert chosen == [500]
    assert levels.slider.value() == levels._scale.position(500)


def test_the_slider_stays_below_the_hand(levels, chosen):
    position = levels._scale.position(3) + 20
    assert levels._scale.classes(position) == 3
    levels.slider.setValue(position)
    assert levels.slider.value() == position
    assert chosen == [3]


def test_a_click_on_a_mark_chooses_it(levels, chosen):
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    marks = levels.marks
    for mark in (31, 2):
        place = QPoint(round(marks.place(mark)), 6)
        QTest.mouseClick(marks, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseClick(marks, Qt.MouseButton.LeftButton, pos=QPoint(marks.width() - 2, 6))
    assert chosen == [31, 2]


def test_marks_beyond_the_leaves_are_left_out(levels):
    levels.set_tree(5, [2, 5, 6])
    assert levels.marks._marks == (2, 5)
    assert (levels.field.minimum(), levels.field.maximum()) == (2, 5)


def test_marks_are_drawn_where_the_slider_stands_for_them(levels):
    from qtpy.QtGui import QColor

    picture = levels.marks.grab().toImage()
    inked = [
        x
        for x in range(picture.width())
        if QColor(picture.pixel(x, 1)).lightness() != QColor(picture.pixel(0, 30)).lightness()
    ]
    for mark in (2, 7, 31):
        assert any(abs(x - levels.marks.place(mark)) <= 1.5 for x in inked)
