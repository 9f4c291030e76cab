from contextlib import suppress

import numpy as np
import pytest
from block_result import write_result
from tree_laws import random_tree

from gyrovox import io
from gyrovox.napari_plugin.reader import read_results
from gyrovox.napari_plugin.shown_tree import KEY
from gyrovox.results import ResultFolder, read_edits, write_edits
from gyrovox.volumes import cell_phantom

pytestmark = pytest.mark.napari


@pytest.fixture
def tree(result):
    return io.read_tree(result / "tree.json")


@pytest.fixture
def explorer(model, result, settle):
    """The widget over a result that was opened."""
    from napari.layers import Layer

    from gyrovox.napari_plugin.explorer import Explorer

    for layer in read_results(str(result)):
        model.add_layer(Layer.create(*layer))
    widget = Explorer(model)
    yield widget
    with suppress(RuntimeError):  # closed by the test
        widget.deleteLater()
    settle()


@pytest.fixture
def labels(model, explorer):
    return model.layers["cell segments"]


def colours_by_class(labels, cut):
    """The colours in which the voxels of each class are drawn."""
    drawn = labels.colormap.map(np.asarray(labels.data))
    return [np.unique(drawn[cut == label], axis=0) for label in range(1, int(cut.max()) + 1)]


def test_it_shows_the_tree_of_the_layer(explorer, labels):
    assert explorer.layers.layer is labels
    assert explorer.shown is labels.metadata[KEY]
    assert explorer.levels.field.value() == 5
    assert explorer.classes.rows.rowCount() == 5


@pytest.mark.parametrize("classes", [2, 9, 40])
def test_the_slider_changes_colours_only(explorer, labels, tree, classes):
    data = labels.data
    explorer.levels.slider.setValue(explorer.levels._scale.position(classes))
    assert labels.data is data
    cut = tree.cut(classes).labels
    found = colours_by_class(labels, cut)
    assert all(len(colours) == 1 for colours in found)
    assert explorer.classes.rows.rowCount() == classes
    assert len(set(labels.features["class"])) == classes


def test_a_click_on_the_disk_lights_the_voxels_of_the_node(explorer, labels, tree):
    node = explorer.shown.cut[1]
    explorer.disk.pressed.emit(node)
    opacity = labels.colormap.map(np.asarray(labels.data))[..., 3]
    assert (opacity[tree.mask(node)] == 1).all()
    assert (opacity[~tree.mask(node)] < 0.3).all()
    assert explorer.classes.row == explorer.shown.classes.nodes.index((node,))
    assert explorer.path.text() == explorer.shown.path_text(node)
    explorer.disk.pressed.emit(-1)
    assert explorer.shown.lit == ()
    assert explorer.classes.row == -1


def test_selecting_a_class_lights_it_everywhere(explorer, labels, tree):
    explorer.classes.selectRow(2)
    (node,) = explorer.shown.classes.nodes[2]
    assert explorer.disk._lit == (node,)
    opacity = labels.colormap.map(np.asarray(labels.data))[..., 3]
    assert (opacity[tree.mask(node)] == 1).all()


def test_the_mouse_over_a_voxel_shows_its_path(model, explorer, labels):
    place = np.argwhere(labels.data == 9)[0] * labels.scale
    model.dims.set_point(0, place[0])
    explorer._hover.moved(place, None, [1, 2])
    assert explorer.path.text() == explorer.shown.path_text(8)
    assert explorer.disk._path == explorer.shown.path(8)
    explorer._hover.moved(place - 1000, None, [1, 2])
    assert explorer.disk._path == ()


def test_a_class_is_split_and_joined_again(explorer, labels, tree):
    assert not explorer.split_button.isEnabled()
    explorer.classes.selectRow(0)
    node = explorer.shown.classes.nodes[0][0]
    explorer.split_button.click()
    assert set(tree.children(node)) <= set(explorer.shown.cut)
    assert explorer.classes.rows.rowCount() == 6
    child = tree.children(node)[0]
    explorer.classes.selectRow(explorer.shown.classes.nodes.index((child,)))
    explorer.join_button.click()
    assert node in explorer.shown.cut
    assert explorer.levels.field.value() == 5


def test_a_name_is_kept_beside_the_result(explorer, result):
    explorer.classes.rows.setData(explorer.classes.rows.index(0, 0), "cytosol")
    assert explorer.shown.classes.names[0] == "cytosol"
    assert list(read_edits(ResultFolder.open(result)).names.values()) == ["cytosol"]


def test_names_that_somebody_else_saved_are_shown(explorer, result):
    from dataclasses import replace

    from napari.utils.notifications import notification_manager

    node = explorer.shown.classes.nodes[1][0]
    folder = ResultFolder.open(result)
    write_edits(folder, replace(read_edits(folder), names={node: "theirs"}), 0)
    explorer.classes.rows.setData(explorer.classes.rows.index(0, 0), "mine")
    assert "made from the latest" in notification_manager.records[-1].message
    assert explorer.shown.classes.names[1] == "theirs"
    explorer.classes.rows.setData(explorer.classes.rows.index(0, 0), "mine")
    assert explorer.shown.classes.names[:2] == ("mine", "theirs")


def test_what_cannot_be_done_is_said(explorer):
    from napari.utils.notifications import notification_manager

    explorer.levels.field.setValue(explorer.shown.trunk.n_leaves)
    explorer.classes.selectRow(0)
    explorer.split_button.click()
    assert "must have parts to be split" in notification_manager.records[-1].message


def test_each_layer_keeps_how_it_is_looked_at(model, explorer, labels, result):
    from napari.layers import Layer

    explorer.levels.field.setValue(7)
    other = write_result(result.parent / "other", seed=3)
    for layer in read_results(str(other)):
        model.add_layer(Layer.create(*layer))
    second = model.layers["other segments"]
    explorer.layers.choose(second)
    assert explorer.levels.field.value() == 2
    explorer.layers.choose(labels)
    assert explorer.levels.field.value() == 7
    model.layers.remove(labels)
    assert explorer.layers.layer is second


def test_without_a_tree_it_says_what_to_do(model, explorer, settle):
    model.layers.clear()
    assert "Open a folder" in explorer.path.text()
    assert not explorer.levels.isEnabled()
    explorer.disk.pressed.emit(3)  # nothing to light
    assert explorer.shown is None


def test_a_trained_tree_becomes_a_layer_over_its_image(model, explorer, settle):
    import time

    voxels = cell_phantom(0, shape=(24, 24, 24)).image
    image = model.add_image(voxels, name="new", scale=(2, 2, 2), translate=(1, 2, 3))
    panel = explorer.training
    panel.images.choose(image)
    panel.steps.setValue(2)
    panel.classes.setValue(3)
    panel.start()
    end = time.monotonic() + 120
    while panel.is_working and time.monotonic() < end:
        settle()
        time.sleep(0.005)
    layer = model.layers["new segments"]
    assert explorer.layers.layer is layer
    assert explorer.tabs.currentIndex() == 0
    assert explorer.levels.field.value() == 3
    assert layer.scale.tolist() == [2, 2, 2]
    assert layer.translate.tolist() == [1, 2, 3]
    assert int(layer.data.max()) == explorer.shown.trunk.n_leaves
    explorer.levels.field.setValue(6)
    assert len(explorer.shown.cut) == 6


def test_when_it_is_closed_the_viewer_goes_on(model, explorer, settle):
    explorer.deleteLater()
    settle()
    model.add_labels(np.zeros((2, 3, 4), int))
    assert model.mouse_move_callbacks == []


@pytest.fixture
def docked(viewer, result, settle):
    """The widget as napari makes and docks it."""
    viewer.open(str(result), plugin="gyrovox")
    _, widget = viewer.window.add_plugin_dock_widget("gyrovox", "Segmentation tree")
    viewer.window.show()
    settle()
    yield widget
    viewer.window._qt_window.hide()


def test_the_canvas_changes_with_the_level(viewer, docked):
    viewer.layers["cell segments"].opacity = 1
    viewer.dims.set_point(0, 24)
    pictures = []
    for classes in (2, 30, 2):
        docked.levels.field.setValue(classes)
        pictures.append(viewer.screenshot(canvas_only=True, flash=False))
    colours = [len(np.unique(picture.reshape(-1, 4), axis=0)) for picture in pictures]
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] == pictures[2]).all()
    assert colours[1] > colours[0] >= 2


def test_a_tree_that_is_added_is_chosen_in_napari_too(viewer, docked):
    from gyrovox.napari_plugin.training_panel import Segmented

    tree = random_tree(12)
    segmented = Segmented(tree, "new", {"scale": (1, 1, 1)}, 3)
    docked.training.segmented.emit(segmented)
    assert docked.layers.layer is viewer.layers["new segments"]
    assert docked.levels.field.value() == 3
