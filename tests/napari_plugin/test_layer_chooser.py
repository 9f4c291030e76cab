import numpy as np
import pytest

pytestmark = pytest.mark.napari


@pytest.fixture
def chooser(model):
    from napari.layers import Image

    from gyrovox.napari_plugin.layer_chooser import LayerChooser

    return LayerChooser(model.layers, lambda layer: isinstance(layer, Image))


@pytest.fixture
def told(chooser):
    layers = []
    chooser.chosen.connect(lambda: layers.append(chooser.layer and chooser.layer.name))
    return layers


def names(chooser):
    return [chooser.itemText(index) for index in range(chooser.count())]


def test_it_follows_the_layers_that_fit(model, chooser, told):
    assert chooser.layer is None
    first = model.add_image(np.zeros((2, 3, 4)), name="first")
    model.add_labels(np.zeros((2, 3, 4), int), name="labels")
    second = model.add_image(np.zeros((2, 3, 4)), name="second")
    assert names(chooser) == ["second", "first"]
    assert chooser.layer is first  # what was chosen stays chosen
    chooser.choose(second)
    model.layers.remove(second)
    assert chooser.layer is first
    model.layers.clear()
    assert chooser.layer is None
    assert told == ["first", "second", "first", None]


def test_a_layer_that_does_not_fit_cannot_be_chosen(model, chooser, told):
    model.add_image(np.zeros((2, 3, 4)), name="first")
    chooser.choose(model.add_labels(np.zeros((2, 3, 4), int)))
    assert told == ["first"]


def test_names_are_those_of_now(model, chooser):
    layer = model.add_image(np.zeros((2, 3, 4)), name="first")
    layer.name = "other"
    chooser.showPopup()
    chooser.hidePopup()
    assert names(chooser) == ["other"]


def test_after_its_end_the_model_does_not_call_it(model, chooser, settle):
    chooser.deleteLater()
    settle()
    model.add_image(np.zeros((2, 3, 4)))
    assert len(model.layers) == 1
