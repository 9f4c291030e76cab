import numpy as np
import pytest

pytestmark = pytest.mark.napari


def test_it_opens(viewer, made, settle):
    viewer.open(str(made.folder), plugin="gyrovox")
    dock, explorer = viewer.window.add_plugin_dock_widget("gyrovox", "Segmentation tree")
    settle()
    assert explorer.shown.cut
