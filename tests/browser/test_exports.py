"""What the page saves is what Python writes, to the byte."""

from pathlib import Path

import pytest
from explorer_page import eventually
from playwright.sync_api import expect

from gyrovox.results import (
    components,
    export_labels,
    export_mask,
    export_mesh,
    export_points,
)


def saved_by(explorer, button):
    with explorer.page.expect_download() as waiting:
        explorer.page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@pytest.fixture
def chosen(explorer):
    """A node that is a class and is selected; the dialog is open."""
    explorer.set_level(4)
    node = explorer.saved().cut[0]
    explorer.page.mouse.click(*explorer.pixel_of_node(node))
    expect(explorer.page.locator("#selection-some")).to_be_visible()
    explorer.page.click("#export")
    return node


def test_labels_come_in_the_format_of_the_source(explorer, chosen, tmp_path):
    name, sent = saved_by(explorer, "#export-labels")
    written = export_labels(explorer.result, explorer.edits, tmp_path / "labels.mrc")
    assert name.endswith(".mrc")
    assert sent == written.read_bytes()


def test_labels_come_in_another_format(explorer, chosen, tmp_path):
    explorer.page.select_option("#labels-format", ".nii.gz")
    name, sent = saved_by(explorer, "#export-labels")
    written = export_labels(explorer.result, explorer.edits, tmp_path / "labels.nii.gz")
    assert name.endswith(".nii.gz")
    assert sent == written.read_bytes()


def test_a_selected_class_is_saved_as_a_mask_and_as_meshes(explorer, chosen, tmp_path):
    _, sent = saved_by(explorer, "#export-mask")
    assert sent == export_mask(explorer.result, (chosen,), tmp_path / "mask.mrc").read_bytes()
    for suffix in (".stl", ".obj"):
        explorer.page.select_option("#mesh-format", suffix)
        name, sent = saved_by(explorer, "#export-mesh")
        assert name.endswith(suffix)
        written = export_mesh(explorer.result, (chosen,), tmp_path / f"mesh{suffix}")
        assert sent == written.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".star"])
def test_pieces_are_counted_before_they_are_saved(explorer, chosen, tmp_path, suffix):
    expect(explorer.page.locator("#export-points")).to_be_disabled()
    explorer.page.select_option("#points-format", suffix)
    explorer.page.click("#count-points")
    found = components(explorer.result, (chosen,))
    count = found.count
    words = f"{count} connected piece{'' if count == 1 else 's'}"
    expect(explorer.page.locator("#points-count")).to_contain_text(words)
    _, sent = saved_by(explorer, "#export-points")
    assert sent == export_points(found, tmp_path / f"points{suffix}").read_bytes()


def test_nothing_selected_saves_only_labels(explorer):
    explorer.page.click("#export")
    expect(explorer.page.locator("#export-labels")).to_be_enabled()
    expect(explorer.page.locator("#export-mask")).to_be_disabled()


def test_edits_that_are_not_saved_yet_are_in_the_labels(explorer, tmp_path):
    explorer.page.route("**/edits", lambda route: route.abort())
    explorer.set_level(3)
    expect(explorer.page.locator(".notice.error")).to_be_visible()
    explorer.page.click("#export")
    _, sent = saved_by(explorer, "#export-labels")
    explorer.page.unroute("**/edits")
    explorer.page.keyboard.press("Escape")
    explorer.page.click("#undo")
    explorer.page.click("#redo")
    eventually(lambda: _is_cut_of(explorer, 3))
    written = export_labels(explorer.result, explorer.edits, tmp_path / "labels.mrc")
    assert sent == written.read_bytes()
    explorer.said[:] = [line for line in explorer.said if "ERR_FAILED" not in line]


def _is_cut_of(explorer, classes):
    assert len(explorer.saved().cut or ()) == classes
