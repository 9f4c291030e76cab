"""A viewer, where there is a display, and a small result to open in it."""

import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from block_tree import block_tree

import gyrovox.io as volume_io
from gyrovox.clustering import SegmentationTree
from gyrovox.volumes import Volume

SIZES = (4.0, 2.0, 2.5)
LEVELS = (2, 5)
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


@dataclass(frozen=True)
class Made:
    """A result as `gyrovox segment` leaves it, and what it was made of."""

    folder: Path
    tree: SegmentationTree
    image: np.ndarray


def some_tree(shape=(16, 12, 16), *, curvature=-1.0, masked=False, voxel_size_nm=SIZES, seed=0):
    """A tree over blocks of 4 voxels, whose codes differ from block to block."""
    generator = np.random.default_rng(seed)
    blocks = generator.normal(size=(*(-(-side // 4) for side in shape), 2)) * 0.6
    codes = blocks.repeat(4, 0).repeat(4, 1).repeat(4, 2)[: shape[0], : shape[1], : shape[2]]
    inside = None
    if masked:
        inside = np.ones(shape, bool)
        inside[0] = False
    codes = np.ascontiguousarray(codes, np.float32)
    return block_tree(
        codes, codes, curvature=curvature, inside=inside, voxel_size_nm=voxel_size_nm
    )


def write_result(folder, *, channels=1, with_image=True, suffix=".mrc", **facts):
    """Write a result, and beside its folder the volume that it is of."""
    tree = some_tree(**facts)
    shape = tree.leaves.shape
    image = np.random.default_rng(1).normal(size=(channels, *shape)).astype(np.float32)
    volume = Volume.from_array(image, voxel_size_nm=tree.voxel_size_nm)
    scan = folder.parent / f"scan-{folder.name}{suffix}"
    folder.mkdir(parents=True)
    volume_io.write(volume, scan)
    like = volume_io.read(scan)
    volume_io.write_tree(tree, folder, like=like)
    for level in LEVELS:
        volume_io.write_labels(
            tree.cut(level).labels, folder / f"level-{level}{suffix}", like=like
        )
    record = {"command": "segment", "volume": str(scan), "levels": list(LEVELS)}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    if not with_image:
        scan.unlink()
    return Made(folder, tree, image)


@pytest.fixture
def made(tmp_path):
    return write_result(tmp_path / "out" / "cell")


@pytest.fixture(scope="session")
def window(tmp_path_factory):
    """One viewer for all tests: to make one takes seconds."""
    # Not that of whoever runs the tests.
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")
    import napari

    viewer = napari.Viewer(show=False)
    yield viewer
    viewer.close()


@pytest.fixture
def viewer(window):
    """The viewer without layers and docks of other tests."""
    yield window
    window.layers.clear()
    for name in list(window.window.dock_widgets):
        window.window.remove_dock_widget(window.window._wrapped_dock_widgets[name])
    window.dims.ndisplay = 2


@pytest.fixture
def settle():
    """Let Qt do what waits to be done."""
    from qtpy.QtCore import QEvent
    from qtpy.QtWidgets import QApplication

    def wait():
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()

    return wait


@pytest.fixture
def application(window):
    """Qt, for widgets that need no viewer."""
    from qtpy.QtWidgets import QApplication

    return QApplication.instance()
