import numpy as np
import pytest
import tree_laws as laws

from gyrovox.napari_plugin.disk_figure import DiskFigure
from gyrovox.napari_plugin.shown_tree import ShownTree

pytestmark = pytest.mark.napari


@pytest.fixture
def shown():
    return ShownTree.of_tree(laws.random_tree(20), 5)


@pytest.fixture
def disk(application, shown):
    from gyrovox.napari_plugin.disk_view import DiskView

    widget = DiskView()
    widget.resize(300, 240)
    show(widget, shown)
    yield widget
    widget.deleteLater()


def show(widget, shown):
    figure = DiskFigure(shown.trunk, shown.positions, shown.cut)
    widget.show_figure(figure, shown.node_colours, shown.lit)


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(image_format())
    bits = image.constBits().asarray(image.sizeInBytes())
    return np.array(bits, np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def image_format():
    from qtpy.QtGui import QImage

    return QImage.Format.Format_RGB32


def test_a_node_is_drawn_in_its_colour_where_it_lies(disk, shown):
    picture = pixels(disk)
    smallest = min(shown.cut, key=lambda node: (shown.trunk.sizes[node], -node))
    place = disk.place(smallest)
    x, y = shown.positions[smallest]
    radius = 240 / 2 - 8
    assert (place.x(), place.y()) == pytest.approx((150 + radius * x, 120 - radius * y))
    found = picture[round(place.y()), round(place.x())]
    assert np.abs(found.astype(int) - shown.node_colours[smallest]).max() < 60


def test_another_cut_is_another_picture(disk, shown):
    before = pixels(disk)
    show(disk, shown.at_level(20))
    assert (pixels(disk) != before).any()


def test_what_is_lit_is_ringed(disk, shown):
    before = pixels(disk)
    node = shown.cut[0]
    show(disk, shown.with_lit([node]))
    changed = np.argwhere((pixels(disk) != before).any(axis=-1))
    place = disk.place(node)
    assert len(changed)
    gaps = np.hypot(changed[:, 0] - place.y(), changed[:, 1] - place.x())
    assert gaps.max() < 16


def test_a_path_is_drawn_and_taken_away(disk, shown):
    before = pixels(disk)
    disk.show_path(shown.path(3))
    assert (pixels(disk) != before).any()
    disk.show_path(())
    assert (pixels(disk) == before).all()


def test_a_click_tells_the_node_or_that_there_is_none(disk, shown):
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    told = []
    disk.pressed.connect(told.append)
    smallest = min(shown.cut, key=lambda node: (shown.trunk.sizes[node], -node))
    QTest.mouseClick(disk, Qt.MouseButton.LeftButton, pos=disk.place(smallest).toPoint())
    QTest.mouseClick(disk, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert told == [smallest, -1]


def test_a_flat_space_has_a_square(disk):
    flat = ShownTree.of_tree(laws.random_tree(20, curvature=0.0), 5)
    show(disk, flat)
    corner = pixels(disk)[8:12, 38:42]  # of the square, 112 pixels from the middle
    assert len(np.unique(corner.reshape(-1, 3), axis=0)) > 1


def test_without_a_tree_it_says_so_and_knows_no_places(disk):
    disk.show_figure(None, np.zeros((0, 3), np.uint8), ())
    assert len(np.unique(pixels(disk).reshape(-1, 3), axis=0)) > 1
    with pytest.raises(ValueError, match="once a tree is shown"):
        disk.place(0)
