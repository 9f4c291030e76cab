import json
import shutil

import numpy as np
import pytest
from block_result import SIZES, write_result

from gyrovox import io
from gyrovox.errors import EditError
from gyrovox.napari_plugin import lazy_voxels
from gyrovox.napari_plugin.reader import read_results, reader_of
from gyrovox.volumes import Volume


def test_results_are_taken_in_every_form(result):
    for path in (str(result), str(result / "tree.json"), str(result.parent), [str(result)]):
        assert reader_of(path) is read_results


@pytest.mark.parametrize(
    ("name", "text", "opened"),
    [
        ("other.json", "{}", "absent"),
        ("other.json", "{}", "."),
        ("other.json", '"gyrovox segmentation tree"', "other.json"),
        ("tree.json", '{"root": {}}', "tree.json"),
        ("tree.json", '{"root": {}}', "."),
        ("image.zarr/zarr.json", "{}", "image.zarr"),
        ("scan.mrc", '"gyrovox segmentation tree"', "scan.mrc"),
    ],
)
def test_what_is_not_ours_is_left_to_others(tmp_path, name, text, opened):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert reader_of(str(tmp_path / opened)) is None


def test_a_stack_of_paths_is_left_to_others(result):
    assert reader_of([str(result), str(result)]) is None


@pytest.mark.napari
def test_the_manifest_is_valid_and_found():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("gyrovox")
    manifest.validate_imports()
    assert [widget.display_name for widget in manifest.contributions.widgets] == [
        "Segmentation tree"
    ]


@pytest.mark.napari
def test_napari_opens_a_result_as_image_and_labels(viewer, result):
    image, labels = viewer.open(str(result), plugin="gyrovox")
    assert (image.name, labels.name) == ("cell", "cell segments")
    for layer in (image, labels):
        assert layer.scale.tolist() == list(SIZES)
        assert {str(unit) for unit in layer.units} == {"nanometer"}
    tree = io.read_tree(result / "tree.json")
    assert (image.data == io.read(result / "scan.mrc").read()[0]).all()
    assert (labels.data == tree.leaves + 1).all()
    # The classes of the finest level that was written: as many colours, each in its place.
    colours = labels.colormap.map(labels.data)
    finest = io.read(result / "level-5.mrc").read()[0]
    assert len({tuple(colour) for colour in colours[finest > 0]}) == 5
    for label in range(1, 6):
        assert len(np.unique(colours[finest == label], axis=0)) == 1
    assert (colours[finest == 0] == 0).all()


@pytest.mark.napari
def test_napari_opens_all_results_of_a_folder(viewer, result):
    write_result(result.parent / "other")
    layers = viewer.open(str(result.parent), plugin="gyrovox")
    assert [layer.name for layer in layers] == ["cell", "cell segments", "other", "other segments"]


@pytest.mark.napari
def test_the_status_bar_says_class_and_path(viewer, result):
    _, labels = viewer.open(str(result), plugin="gyrovox")
    place = tuple(np.argwhere(labels.data == 7)[0] * SIZES)
    viewer.dims.set_point(0, place[0])
    status = labels.get_status(place, world=True)["coordinates"]
    assert "class: node " in status
    assert status.endswith(" › 7")


@pytest.mark.napari
def test_without_its_image_a_result_is_opened_all_the_same(application, result):
    (result / "scan.mrc").unlink()
    assert [kind for _, _, kind in read_results(str(result))] == ["labels"]


@pytest.mark.napari
def test_each_channel_is_a_layer(application, result):
    shape = io.read(result / "scan.mrc").spatial_shape
    image = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    io.write(Volume.from_array(image, voxel_size_nm=SIZES), result / "two.ome.zarr")
    record = json.loads((result / "run.json").read_text())
    (result / "run.json").write_text(json.dumps({**record, "volume": "two.ome.zarr"}))
    first, second, _ = read_results([str(result)])
    assert [first[1]["name"], second[1]["name"]] == ["cell [0]", "cell [1]"]
    assert (second[0] == image[1]).all()
    assert second[1]["blending"] == "additive"


@pytest.mark.napari
def test_large_results_are_read_as_they_are_looked_at(viewer, result, monkeypatch):
    monkeypatch.setattr(lazy_voxels, "_MOST_BYTES", 0)
    image, labels = viewer.open(str(result), plugin="gyrovox")
    assert isinstance(image.data, lazy_voxels.LazyVoxels)
    assert isinstance(labels.data, lazy_voxels.LazyVoxels)
    viewer.dims.set_point(0, 5 * SIZES[0])
    expected = io.read_tree(result / "tree.json").leaves[5] + 1
    assert (labels._slice.image.raw == expected).all()


@pytest.mark.napari
def test_what_is_damaged_is_said(application, result):
    (result / "edits.json").write_text("{")
    with pytest.raises(EditError, match="must be JSON"):
        read_results(str(result))
    shutil.rmtree(result)
