import time

import numpy as np
import pytest

from gyrovox.volumes import cell_phantom

pytestmark = pytest.mark.napari


@pytest.fixture
def panel(model, settle):
    from gyrovox.napari_plugin.training_panel import TrainingPanel

    widget = TrainingPanel(model.layers)
    yield widget
    widget.deleteLater()
    settle()


@pytest.fixture
def notes(application):
    """What napari tells the person."""
    from napari.utils.notifications import notification_manager

    start = len(notification_manager.records)
    return lambda: [record.message for record in notification_manager.records[start:]]


@pytest.fixture
def image(model):
    voxels = cell_phantom(0, shape=(24, 24, 24)).image
    where = {"scale": (3, 2, 2), "translate": (5, 6, 7), "units": ("nm",) * 3}
    return model.add_image(voxels, name="cell", **where)


def wait(panel, settle, until, most_s=120):
    end = time.monotonic() + most_s
    while not until():
        assert time.monotonic() < end, f"still {panel.status.text()!r}"
        settle()
        time.sleep(0.005)


def test_without_an_image_there_is_nothing_to_begin(panel):
    assert not panel.run_button.isEnabled()
    panel.start()
    assert not panel.is_working


def test_a_layer_is_trained_on_and_segmented_where_it_lies(panel, image, settle):
    told, seen = [], set()
    panel.segmented.connect(told.append)
    panel.steps.setValue(4)
    panel.run_button.click()
    assert not panel.run_button.isEnabled()
    assert panel.cancel_button.isEnabled()
    assert panel.status.text() == "starting"

    def is_done():
        seen.add((panel.status.text().split(":")[0], panel.bar.maximum()))
        return not panel.is_working

    wait(panel, settle, is_done)
    (segmented,) = told
    assert segmented.tree.leaves.shape == (24, 24, 24)
    assert segmented.tree.voxel_size_nm == (3.0, 2.0, 2.0)
    assert np.allclose(segmented.where["translate"], (5, 6, 7))
    assert ("training", 4) in seen
    assert any("cannot be interrupted" in text for text, _ in seen)
    assert panel.run_button.isEnabled()
    assert not panel.cancel_button.isEnabled()


def test_cancelling_ends_the_training_and_makes_nothing(panel, image, settle):
    told = []
    panel.segmented.connect(told.append)
    panel.steps.setValue(500)
    panel.start()
    wait(panel, settle, lambda: panel.bar.value() >= 1)
    panel.cancel_button.click()
    assert panel.status.text().startswith("cancelling")
    wait(panel, settle, lambda: not panel.is_working)
    assert panel.status.text() == "cancelled; nothing was changed"
    assert told == []
    assert panel.run_button.isEnabled()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((24, 24), "is a picture"),
        ((2, 24, 24, 24), "has further axes"),
        ((24, 24, 24, 3), "has colours"),
    ],
)
def test_what_is_no_volume_is_refused_at_once(model, panel, notes, shape, message):
    model.add_image(np.zeros(shape, np.uint8), rgb=shape[-1] == 3)
    panel.start()
    assert not panel.is_working
    assert message in notes()[-1]
    assert message in panel.status.text()


def test_what_goes_wrong_in_the_thread_is_said(model, panel, notes, settle):
    model.add_image(np.zeros((4, 4, 4), np.float32), name="tiny")
    panel.start()
    wait(panel, settle, lambda: not panel.is_working)
    assert "tiny" in notes()[-1]
    assert panel.run_button.isEnabled()


def test_a_fault_of_ours_is_said_too(panel, image, notes, settle, monkeypatch):
    from gyrovox.napari_plugin import training_panel

    def break_down(*_, **__):
        raise KeyError("broken")

    monkeypatch.setattr(training_panel, "train_and_segment", break_down)
    panel.start()
    wait(panel, settle, lambda: not panel.is_working)
    assert panel.status.text() == "unexpected KeyError: 'broken'"
    assert "broken" in notes()[-1]


def test_closing_it_ends_the_work(model, image, settle):
    from qtpy.QtCore import QThreadPool

    from gyrovox.napari_plugin.training_panel import TrainingPanel

    panel = TrainingPanel(model.layers)
    panel.steps.setValue(500)
    panel.start()
    wait(panel, settle, lambda: panel.bar.value() >= 1)
    panel.deleteLater()
    settle()
    assert QThreadPool.globalInstance().waitForDone(30_000)
