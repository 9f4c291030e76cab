"""A viewer, where there is a display, and a small result to open in it."""

import importlib.util
import os
import sys

import pytest
from block_result import write_result

from gyrovox import io

WARNINGS_OF_NAPARI = (
    # Its settings are declared in ways that pydantic 3 will not know.
    ":pydantic.warnings.PydanticDeprecatedSince20",
)


def _why_not():
    """Why no window can be opened here; nothing where it can. Nothing is imported for it."""
    missing = [name for name in ("napari", "qtpy") if importlib.util.find_spec(name) is None]
    if missing:
        return f"needs {missing[0]}; install the extra: pip install 'gyrovox[napari]' PyQt6"
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return "needs a display; run: xvfb-run -a python -m pytest tests/napari_plugin"
    return ""


def pytest_collection_modifyitems(items):
    reason = _why_not()
    for item in items:
        if not item.get_closest_marker("napari"):
            continue
        for warning in WARNINGS_OF_NAPARI:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{warning}"))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def result(tmp_path):
    """A folder of a result whose finest level has five classes."""
    folder = write_result(tmp_path / "out" / "cell")
    volume = io.read(folder / "scan.mrc")
    labels = io.read_tree(folder / "tree.json").cut(5).labels
    io.write_labels(labels, folder / "level-5.mrc", like=volume)
    return folder


@pytest.fixture(autouse=True)
def errors_of_slots(monkeypatch):
    """What is raised where Qt calls Python, which would end the process, fails the test."""
    raised = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: raised.append(error))
    yield
    if raised:
        raise raised[0]


@pytest.fixture(scope="session")
def application(tmp_path_factory):
    """Qt."""
    # Not the settings of whoever runs the tests.
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")
    from napari.qt import get_qapp

    return get_qapp()


@pytest.fixture
def settle(application):
    """Let Qt do what waits to be done."""
    from qtpy.QtCore import QEvent

    def wait():
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        application.processEvents()

    return wait


@pytest.fixture
def model(application):
    """A viewer that nothing is drawn of, which takes no time."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture(scope="session")
def window(application):
    """One viewer for all tests that look at what is drawn: to make one takes seconds."""
    import napari

    viewer = napari.Viewer(show=False)  # shown, each change is drawn, slowly
    yield viewer
    viewer.close()


@pytest.fixture
def viewer(window, settle):
    """The viewer without layers and docks of other tests."""
    yield window
    window.layers.clear()
    window.window.remove_dock_widget("all")
    settle()
