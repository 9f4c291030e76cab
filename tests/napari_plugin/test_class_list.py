import pytest
import tree_laws as laws

from gyrovox.napari_plugin.shown_tree import ShownTree

pytestmark = pytest.mark.napari


@pytest.fixture
def shown():
    return ShownTree.of_tree(laws.random_tree(20), 5).renamed(0, "cytosol")


@pytest.fixture
def classes(application, shown):
    from gyrovox.napari_plugin.class_list import ClassList

    widget = ClassList()
    widget.show_tree(shown)
    yield widget
    widget.deleteLater()


def text(classes, row, column):
    return classes.rows.data(classes.rows.index(row, column))


def test_a_row_says_name_voxels_and_volume(classes, shown):
    from qtpy.QtCore import Qt

    assert classes.rows.rowCount() == 5
    assert classes.rows.columnCount() == 3
    assert text(classes, 0, 0) == "cytosol"
    assert text(classes, 1, 1) == f"{shown.classes.sizes[1]:,}"
    volume = shown.classes.sizes[1] * 4.0 * 1.5 * 1.25
    assert float(text(classes, 1, 2)) == pytest.approx(volume, abs=1)
    colour = classes.rows.data(classes.rows.index(2, 0), Qt.ItemDataRole.DecorationRole)
    assert colour.name() == shown.classes.colours[2]
    titles = [classes.rows.headerData(column, Qt.Orientation.Horizontal) for column in range(3)]
    assert titles == ["class", "voxels", "nm³"]


def test_without_a_voxel_size_there_is_no_volume(classes):
    classes.show_tree(ShownTree.of_tree(laws.random_tree(4, voxel_size_nm=None), 2))
    assert classes.rows.columnCount() == 2


def test_selecting_a_row_tells_it_and_deselecting_too(classes):
    told = []
    classes.picked.connect(told.append)
    classes.selectRow(3)
    classes.clearSelection()
    assert told == [3, -1]
    assert classes.row == -1


def test_the_class_that_is_lit_is_selected_and_not_told(classes, shown):
    told = []
    classes.picked.connect(told.append)
    classes.show_tree(shown.with_lit(shown.classes.nodes[2]))
    assert classes.row == 2
    classes.show_tree(shown)
    assert classes.row == -1
    assert told == []


def test_a_new_name_is_told_and_shown_once_it_is_kept(classes, shown):
    told = []
    classes.renamed.connect(lambda row, name: told.append((row, name)))
    index = classes.rows.index(1, 0)
    classes.rows.setData(index, "nucleus")
    classes.rows.setData(index, text(classes, 1, 0))  # unchanged
    assert told == [(1, "nucleus")]
    assert text(classes, 1, 0) == shown.classes.names[1]


def test_only_names_can_be_edited(classes):
    from qtpy.QtCore import Qt

    flags = [classes.rows.flags(classes.rows.index(0, column)) for column in range(3)]
    assert [bool(flag & Qt.ItemFlag.ItemIsEditable) for flag in flags] == [True, False, False]


def test_without_a_tree_it_is_empty(classes):
    classes.show_tree(None)
    assert classes.rows.rowCount() == 0
    assert text(classes, 0, 0) is None
