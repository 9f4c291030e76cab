from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.napari


@pytest.fixture
def layer(model):
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[0, 1, 2] = 5
    return model.add_labels(labels, scale=(4, 2, 2))


@pytest.fixture
def owner(application):
    from qtpy.QtWidgets import QWidget

    return QWidget()


def move(model, position):
    """What napari does when the mouse moves."""
    event = SimpleNamespace(position=position, view_direction=None, dims_displayed=[1, 2])
    for callback in list(model.mouse_move_callbacks):
        callback(model, event)


def test_the_label_below_the_mouse_is_told_when_it_changes(model, layer, owner):
    from gyrovox.napari_plugin.hover import Hover

    told = []
    hover = Hover(model, lambda: layer, owner)
    hover.over.connect(told.append)
    for position in ((0, 2, 4), (0, 2.2, 4.1), (0, 0, 0), (0, 2, 4), (0, 99, 99)):
        move(model, position)
    layer.visible = False
    move(model, (0, 2, 4))
    assert told == [5, 0, 5, 0]


def test_without_a_layer_nothing_is_told(model, owner):
    from gyrovox.napari_plugin.hover import Hover

    told = []
    hover = Hover(model, lambda: None, owner)
    hover.over.connect(told.append)
    move(model, (0, 2, 4))
    assert told == []


def test_it_ends_with_its_owner(model, layer, owner, settle):
    from gyrovox.napari_plugin.hover import Hover

    before = len(model.mouse_move_callbacks)
    Hover(model, lambda: layer, owner)
    assert len(model.mouse_move_callbacks) == before + 1
    owner.deleteLater()
    settle()
    assert len(model.mouse_move_callbacks) == before
