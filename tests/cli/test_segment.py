"""`gyrovox segment`: what it leaves, and that bad input leaves nothing."""

import errno
import json
import re
import shutil
import subprocess
import sys
from collections import namedtuple

import h5py
import matplotlib.image
import mrcfile
import nibabel
import numpy as np
import pytest
import tifffile

from gyrovox import io
from gyrovox.cli import main
from gyrovox.cli.results import PICTURE
from gyrovox.errors import ClusterCountError, MissingFileError, OutputSpaceError, WorkerLostError
from gyrovox.execution import exclusive
from gyrovox.pipeline import run_folder
from gyrovox.segmentation import Cleaning
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.volumes import Volume

LEFT = [
    "leaves.mrc",
    "level-2.mrc",
    "level-3.mrc",
    "model.safetensors",
    "overview.png",
    "report.html",
    "run.json",
    "tree.json",
]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_leaves_levels_picture_model_and_record(run, phantom_file, tmp_path, tiny):
    done = run("segment", phantom_file, "-o", tmp_path / "out", "--levels", "2", "3", *tiny)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert names(tmp_path / "out") == ["cell"]
    folder = tmp_path / "out" / "cell"
    assert names(folder) == LEFT
    source = io.read(phantom_file)
    for k in (2, 3):
        labels = io.read(folder / f"level-{k}.mrc")
        assert labels.spatial_shape == source.spatial_shape
        assert labels.voxel_size_nm == source.voxel_size_nm
        np.testing.assert_array_equal(np.unique(labels.read()), np.arange(k))
    assert matplotlib.image.imread(folder / PICTURE).shape[0] > 500
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"gyrovox view {folder}" in page
    assert "<h3>3 classes</h3>" in page


def test_the_record_says_what_was_done(run, phantom_file, tmp_path, tiny):
    run("segment", phantom_file, "-o", tmp_path, "--levels", "2", "--seed", "7", *tiny)
    record = json.loads((tmp_path / "cell" / "run.json").read_text())
    assert record["command"] == "segment"
    assert (record["seed"], record["levels"], record["model_file"]) == (7, [2], None)
    assert record["settings"]["training"]["steps"] == 2
    assert record["device"] in {"cpu", "cuda"}
    assert record["settings"]["model"]["geometry"] == "poincare"
    assert record["settings"]["segmentation"]["clustering"] == "tree"
    assert record["mask"] is None
    assert record["tile"] is None
    assert record["cleaning"] == {
        "smallest_nm3": 0.0,
        "fill_holes_nm3": 0.0,
        "largest_component": False,
    }
    assert record["timings_s"].keys() >= {"check", "train", "segment", "write", "overview"}
    assert record["peak_memory_mib"]["ram"] > 0
    assert record["versions"].keys() >= {"gyrovox", "torch"}
    assert record["inputs"] == [
        {
            "name": "cell.mrc",
            "path": str(phantom_file),
            "shape": [1, 24, 24, 24],
            "axes": "channel z y x",
            "dtype": "float32",
            "voxel_size_nm": [2.0, 2.0, 2.0],
        }
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("scan.nii.gz", "level-2.nii.gz"),
        ("scan.tif", "level-2.tif"),
        ("scan.h5::raw", "level-2.h5"),
        ("scan.ome.zarr", "level-2.ome.zarr"),
    ],
)
def test_labels_have_the_format_of_the_input(run, room, tmp_path, name, label):
    size = (2.0, 2.0, 2.0)
    source = room.write(name, voxel_size_nm=size)
    words = ("--levels", "2", "-m", room.model_file, "--quiet")
    assert run("segment", source, "-o", tmp_path / "out", *words).code == 0
    labels = io.read(tmp_path / "out" / "scan" / label)
    assert labels.dtype == np.uint8
    assert labels.voxel_size_nm == pytest.approx(size)
    np.testing.assert_allclose(labels.affine, io.read(source).affine, rtol=1e-5, atol=1e-5)
    if label.endswith(".h5"):
        with h5py.File(tmp_path / "out" / "scan" / label) as file:
            assert list(file) == ["labels"]


def test_volumes_of_one_stem_get_the_names_of_their_folders(run, write, image, tmp_path, tiny):
    volumes = [write(image, f"pat000{n}/flair.mrc") for n in (1, 2)]
    done = run("segment", *volumes, "-o", tmp_path / "out", "--levels", "2", *tiny)
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "out") == ["pat0001-flair", "pat0002-flair"]
    for folder in (tmp_path / "out").iterdir():
        assert names(folder) == [name for name in LEFT if name != "level-3.mrc"]


def test_joined_files_are_channels_of_one_volume(run, write, image, tmp_path, tiny):
    one, two = write(image, "flair.mrc"), write(image[::-1], "t1c.mrc")
    done = run("segment", f"{one},{two}", "-o", tmp_path / "out", "--levels", "2", *tiny)
    assert (done.code, done.err) == (0, "")
    record = json.loads((tmp_path / "out" / "flair" / "run.json").read_text())
    assert record["inputs"][0]["shape"] == [2, 24, 24, 24]
    assert (record["volume"], record["trained_on"]) == (f"{one},{two}", [f"{one},{two}"])


def test_a_trained_model_is_used_as_it_is(run, phantom_file, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr(HierarchicalSegmenter, "fit", None)
    words = ("-m", model_file, "--levels", "2", "--quiet")
    for folder in ("a", "b"):
        assert run("segment", phantom_file, "-o", tmp_path / folder, *words).code == 0
    first, second = (
        io.read(tmp_path / folder / "cell" / "level-2.mrc").read() for folder in ("a", "b")
    )
    np.testing.assert_array_equal(first, second)


def test_a_seed_gives_the_same_labels_twice(run, phantom_file, tmp_path, tiny):
    words = ("--levels", "2", "4", "--seed", "11", *tiny)
    for folder in ("a", "b"):
        assert run("segment", phantom_file, "-o", tmp_path / folder, *words).code == 0
    for k in (2, 4):
        first, second = (
            (tmp_path / folder / "cell" / f"level-{k}.mrc").read_bytes() for folder in ("a", "b")
        )
        assert first[1024:] == second[1024:]


def test_results_are_replaced_only_if_asked_and_as_a_whole(run, phantom_file, model_file, tmp_path):
    words = ("segment", phantom_file, "-o", tmp_path, "-m", model_file, "--quiet", "--levels")
    assert run(*words, "2").code == 0
    assert "cell must not exist yet" in run(*words, "3").err
    assert "level-2.mrc" in names(tmp_path / "cell")
    assert run(*words, "3", "--overwrite").code == 0
    assert names(tmp_path / "cell") == [name for name in LEFT if name != "level-2.mrc"]


def test_results_never_replace_what_they_are_made_from(run, image, model_file, tmp_path):
    volume = tmp_path / "level-1" / "level-1.mrc"
    volume.parent.mkdir()
    io.write(Volume.from_array(image), volume)
    done = run("segment", volume, "-o", tmp_path, "-m", model_file, "--overwrite")
    assert (done.code, done.out) == (1, "")
    assert "level-1.mrc would be replaced by the output" in done.err
    assert io.read(volume).spatial_shape == image.shape


def levels_in(folder, *counts):
    return {k: io.read(folder / f"level-{k}.mrc").read()[0] for k in counts}


def test_levels_are_nested_and_cuts_of_the_tree(run, phantom_file, model_file, tmp_path):
    words = ("-m", model_file, "--levels", "3", "2", "7", "--quiet")
    assert run("segment", phantom_file, "-o", tmp_path, *words).code == 0
    found = levels_in(tmp_path / "cell", 2, 3, 7)
    tree = io.read_tree(tmp_path / "cell" / "tree.json")
    for k, labels in found.items():
        np.testing.assert_array_equal(labels, tree.cut(k).labels)
    for coarse, fine in [(2, 3), (2, 7), (3, 7)]:
        pairs = np.unique(np.stack([found[fine].ravel(), found[coarse].ravel()]), axis=1)
        assert pairs.shape[1] == fine


def test_how_codes_become_classes_can_be_chosen_with_a_model(
    run, phantom_file, model_file, tmp_path
):
    words = ("-m", model_file, "--levels", "2", "--quiet")
    flags = ("--clustering", "kmeans", "--smoothing", "0.1")
    assert run("segment", phantom_file, "-o", tmp_path / "a", *words, *flags).code == 0
    assert names(tmp_path / "a" / "cell") == [
        "level-2.mrc",
        "model.safetensors",
        "overview.png",
        "report.html",
        "run.json",
    ]
    # The model that is left beside the labels segments as they were made, unless told otherwise.
    again = ("-m", tmp_path / "a" / "cell" / "model.safetensors", "--levels", "2", "--quiet")
    assert run("segment", phantom_file, "-o", tmp_path / "b", *again).code == 0
    record = json.loads((tmp_path / "b" / "cell" / "run.json").read_text())
    wanted = {"clustering": "kmeans", "evidence": "texture", "regions": 1024, "smoothing": 0.1}
    assert record["settings"]["segmentation"] == wanted
    tree = ("--clustering", "tree", "--regions", "8")
    assert run("segment", phantom_file, "-o", tmp_path / "c", *again, *tree).code == 0
    assert io.read_tree(tmp_path / "c" / "cell" / "tree.json").n_leaves <= 8


def test_a_tree_may_choose_the_levels(run, phantom_file, model_file, tmp_path):
    words = ("-m", model_file, "--levels", "auto", "--quiet")
    assert run("segment", phantom_file, "-o", tmp_path, *words).code == 0
    wanted = io.read_tree(tmp_path / "cell" / "tree.json").suggested_levels()
    record = json.loads((tmp_path / "cell" / "run.json").read_text())
    assert record["levels"] == list(wanted)
    levels_in(tmp_path / "cell", *wanted)


@pytest.mark.parametrize("clustering", ["tree", "kmeans"])
def test_classes_are_only_inside_a_mask(run, room, tmp_path, clustering):
    volumes = [room.write(f"{name}.mrc") for name in ("one", "two")]
    insides = [room.image > 0, room.image[::-1] < 0.1]
    masks = [
        room.write(f"mask-{i}.tif", inside.astype(np.float32)) for i, inside in enumerate(insides)
    ]
    words = ("-m", room.model_file, "--levels", "2", "--clustering", clustering, "--quiet")
    assert run("segment", *volumes, "-o", tmp_path / "out", "--mask", *masks, *words).code == 0
    for name, inside, mask in zip(("one", "two"), insides, masks, strict=True):
        labels = levels_in(tmp_path / "out" / name, 2)[2]
        np.testing.assert_array_equal(labels > 0, inside)
        np.testing.assert_array_equal(np.unique(labels), [0, 1, 2])
        record = json.loads((tmp_path / "out" / name / "run.json").read_text())
        assert record["mask"] == str(mask)


def test_levels_are_cleaned_if_asked(run, phantom_file, model_file, tmp_path):
    words = ("-m", model_file, "--levels", "2", "12", "--quiet")
    # Of 12 classes at least one is smaller than a 12th of the volume.
    flags = ("--smallest", "9216", "--fill-holes", "80", "--largest-component")
    assert run("segment", phantom_file, "-o", tmp_path / "plain", *words).code == 0
    assert run("segment", phantom_file, "-o", tmp_path / "clean", *words, *flags).code == 0
    plain, clean = (levels_in(tmp_path / name / "cell", 2, 12) for name in ("plain", "clean"))
    cleaning = Cleaning(smallest_nm3=9216.0, fill_holes_nm3=80.0, largest_component=True)
    finest = plain[12].astype(np.uint8)  # MRC has no such type
    wanted = cleaning.cleaned(finest, voxel_size_nm=(2.0, 2.0, 2.0), inside=None)
    np.testing.assert_array_equal(clean[12], wanted)
    assert (clean[12] != plain[12]).any()
    pairs = np.unique(np.stack([clean[12].ravel(), clean[2].ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(clean[12]))


def test_a_mask_is_never_replaced(run, image, model_file, tmp_path, room):
    mask = tmp_path / "one" / "level-1.mrc"
    mask.parent.mkdir()
    io.write(Volume.from_array(image), mask)
    words = ("-o", tmp_path, "-m", model_file, "--overwrite", "--mask", mask)
    done = run("segment", room.write("one.mrc"), *words)
    assert (done.code, done.out) == (1, "")
    assert "level-1.mrc would be replaced by the output" in done.err


def test_a_seed_of_a_model_that_is_trained_is_refused(run, phantom_file, model_file, tmp_path):
    words = ("-o", tmp_path / "out", "-m", model_file, "--seed", "3")
    done = run("segment", phantom_file, *words)
    assert (done.code, done.out) == (1, "")
    assert "leave away either" in done.err
    assert "--seed" in done.err


def test_a_seed_beyond_what_torch_takes_is_one_line(run, phantom_file, tmp_path, tiny):
    done = run("segment", phantom_file, "-o", tmp_path / "out", "--seed", str(2**64), *tiny)
    assert (done.code, done.out) == (1, "")
    assert "--seed must not be negative, nor exceed 2^64 - 1, got 18446744073709551616" in done.err


def test_voxels_that_are_not_finite_can_be_filled(run, write, image, tmp_path, tiny):
    holed = image.copy()
    holed[3, 3, 3] = np.nan
    words = ("--levels", "2", "--nan-policy", "mean", *tiny)
    assert run("segment", write(holed, "holed.mrc"), "-o", tmp_path / "out", *words).code == 0


def test_progress_goes_to_the_standard_error(run, phantom_file, tmp_path):
    words = ("--levels", "2", "--training.steps", "2", "--threads", "1")
    done = run("segment", phantom_file, "-o", tmp_path / "out", *words)
    assert not done.out
    assert "steps" in done.err
    assert done.err.splitlines()[-1].endswith(f"are in {tmp_path / 'out' / 'cell'}")


# Bad input: one line, exit code 1, before any training, and nothing is left.

CASES = {}


def case(message):
    """Register a maker of bad arguments and the message that they must meet."""

    def register(make):
        CASES[make.__name__] = (make, message)
        return make

    return register


@case(r"absent\.mrc: the file must exist")
def missing_file(room):
    return [room.path / "absent.mrc"]


@case(r"folder")
def directory(room):
    (room.path / "folder").mkdir()
    return [room.path / "folder"]


@case(r"must be a file, and this is a folder")
def directory_with_a_suffix(room):
    (room.path / "folder.mrc").mkdir()
    return [room.path / "folder.mrc"]


@case(r"must end in one of .*\.mrc.* and \.jpg came")
def unknown_suffix(room):
    (room.path / "photo.jpg").write_bytes(b"jpg")
    return [room.path / "photo.jpg"]


@case(r"no suffix")
def no_suffix(room):
    (room.path / "photo").write_bytes(b"jpg")
    return [room.path / "photo"]


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return [path]


@case(r"short\.mrc")
def truncated_mrc(room):
    return cut(room.write("short.mrc"))


@case(r"short\.nii")
def truncated_nifti(room):
    return cut(room.write("short.nii"))


@case(r"short\.nii\.gz")
def truncated_gzip(room):
    return cut(room.write("short.nii.gz"))


@case(r"short\.tif")
def truncated_tiff(room):
    return cut(room.write("short.tif"))


@case(r"short\.h5")
def truncated_hdf5(room):
    room.write("short.h5::raw")
    return [f"{cut(room.path / 'short.h5')[0]}::raw"]


@case(r"short\.mrc")
def header_cut_in_two(room):
    return cut(room.write("short.mrc"), share=0.01)


@pytest.mark.parametrize("suffix", [".mrc", ".nii", ".nii.gz", ".tif", ".h5"])
def test_an_empty_file_is_one_line(room, refused, suffix):
    (room.path / f"empty{suffix}").touch()
    refused([room.path / f"empty{suffix}"], r"it is empty \(0 bytes\)")


@case(r"long\.mrc")
def header_that_disagrees_with_the_size(room):
    path = room.write("long.mrc")
    path.write_bytes(path.read_bytes() + bytes(4096))
    return [path]


@case(r"wide\.nii")
def nifti_header_that_disagrees_with_the_size(room):
    path = room.write("wide.nii")
    head = bytearray(path.read_bytes())
    head[42:44] = (1000).to_bytes(2, sys.byteorder)
    path.write_bytes(bytes(head))
    return [path]


@case(r"3 NaN and 2 infinite came among 13824\. .*--nan-policy")
def not_finite(room):
    voxels = room.image.copy()
    voxels[0, 0, :3] = np.nan
    voxels[1, 0, :2] = np.inf, -np.inf
    return [room.write("holes.mrc", voxels)]


@case(r"must vary to be segmented, and every voxel of channel 0 is 5")
def constant(room):
    return [room.write("flat.mrc", np.full((24, 24, 24), 5, np.float32))]


@case(r"2-D|2 axes|two axes|3 axes")
def two_dimensional(room):
    tifffile.imwrite(room.path / "image.tif", room.image[0])
    return [room.path / "image.tif"]


@case(r"2-D|at least 2 voxels")
def two_dimensional_mrc(room):
    with mrcfile.new(room.path / "image.mrc") as file:
        file.set_data(room.image[0])
    return [room.path / "image.mrc"]


@case(r"3 axes|3-D|4-D")
def four_dimensional(room):
    with h5py.File(room.path / "film.h5", "w") as file:
        file["raw"] = np.stack([room.image] * 2)
    return [f"{room.path / 'film.h5'}::raw"]


@case(r"time|4-D|3-D")
def four_dimensional_nifti(room):
    film = nibabel.Nifti1Image(np.stack([room.image] * 3, axis=-1), np.eye(4))
    film.header.set_xyzt_units("mm", "sec")
    nibabel.save(film, room.path / "film.nii")
    return [room.path / "film.nii"]


@case(r"complex")
def complex_numbers(room):
    with mrcfile.new(room.path / "wave.mrc") as file:
        file.set_data(room.image.astype(np.complex64))
    return [room.path / "wave.mrc"]


@case(r"real numbers|text|string")
def strings(room):
    with h5py.File(room.path / "text.h5", "w") as file:
        file["raw"] = np.full((24, 24, 24), b"text")
    return [f"{room.path / 'text.h5'}::raw"]


@case(r"tiny\.mrc: .*5 × 5 × 5|tiny\.mrc: .*\(5, 5, 5\)|tiny\.mrc: .*voxels")
def smaller_than_the_patch(room):
    return [room.write("tiny.mrc", room.image[:5, :5, :5])]


@case(r"must not exceed the number of distinct codes, got 20000 where .* 13824 voxels")
def more_classes_than_codes(room):
    return [room.write("few.mrc"), "--levels", "2", "20000", "--clustering", "kmeans"]


@case(r"number of regions that the tree begins with, got 2000, and --regions is 1024\. Ask")
def more_classes_than_regions(room):
    return [room.write("few.mrc"), "--levels", "2", "2000"]


@case(r"--levels auto asks the tree, and there is none with --clustering kmeans")
def levels_of_no_tree(room):
    return [room.write("one.mrc"), "--levels", "auto", "--clustering", "kmeans"]


@case(r"segmentation\.regions must be from 2 to 65535, got 1\.")
def one_region(room):
    return [room.write("one.mrc"), "--regions", "1"]


@case(r"absent\.mrc: the file must exist")
def missing_mask(room):
    return [room.write("one.mrc"), "--mask", room.path / "absent.mrc"]


@case(r"mask\.mrc: a mask must have the shape .* \(20, 24, 24\) .* one\.mrc has \(24, 24, 24\)")
def mask_of_another_shape(room):
    return [room.write("one.mrc"), "--mask", room.write("mask.mrc", room.image[:20])]


@case(r"mask\.mrc: a mask must have the voxel size of its volume")
def mask_of_another_voxel_size(room):
    one = room.write("one.mrc", voxel_size_nm=(2.0, 2.0, 2.0))
    return [one, "--mask", room.write("mask.mrc", voxel_size_nm=(4.0, 4.0, 4.0))]


@case(r"mask\.tif: some voxels of a mask must not be 0")
def empty_mask(room):
    return [room.write("one.mrc"), "--mask", room.write("mask.tif", 0 * room.image)]


@case(r"--mask must name one file for each VOLUME, in their order, and 1 came for 2")
def fewer_masks_than_volumes(room):
    one, two, mask = (room.write(f"{name}.mrc") for name in ("one", "two", "mask"))
    return [one, two, "--mask", mask]


@case(r"got 8 where .*one\.mrc has only 5 voxels inside its mask")
def more_classes_than_voxels_inside(room):
    mask = np.zeros_like(room.image)
    mask[0, 0, :5] = 1
    return [room.write("one.mrc"), "--mask", room.write("mask.mrc", mask)]


@case(r"smallest_nm3 must be a volume in nm³, 0 or more \(0 for none\), got -1")
def negative_size(room):
    return [room.write("one.mrc"), "--smallest", "-1"]


@case(r"between 2 and 65536, got 1\.")
def one_class(room):
    return [room.write("one.mrc"), "--levels", "1"]


@case(r"channel|shape")
def channels_that_disagree(room):
    one, two = room.write("one.mrc"), room.write("two.mrc", room.image[:20])
    return [f"{one},{two}"]


@case(r"channel")
def volumes_of_different_channels(room):
    one, two = room.write("one.mrc"), room.write("two.mrc")
    return [one, f"{two},{one}"]


@case(r"channel")
def model_for_other_channels(room):
    one = room.write("one.mrc", voxel_size_nm=(2.0, 2.0, 2.0))
    two = room.write("two.mrc", voxel_size_nm=(2.0, 2.0, 2.0))
    return [f"{one},{two}", "-m", room.model_file]


@case(r"voxel")
def model_for_another_voxel_size(room):
    return [room.write("coarse.mrc", voxel_size_nm=(8.0, 8.0, 8.0)), "-m", room.model_file]


@case(r"absent\.safetensors")
def missing_model(room):
    return [room.write("one.mrc"), "-m", room.path / "absent.safetensors"]


@case(r"text\.safetensors")
def model_that_is_none(room):
    (room.path / "text.safetensors").write_text("no model at all")
    return [room.write("one.mrc"), "-m", room.path / "text.safetensors"]


@case(r"a trained model has its own settings")
def model_and_settings(room):
    return [room.write("one.mrc"), "-m", room.model_file, "--model.latent-dim", "3"]


@case(r"name at least one VOLUME")
def no_volume(_room):
    return ["--levels", "2"]


@case(r"given once, and .*one\.mrc came twice")
def a_volume_twice(room):
    return [room.write("one.mrc")] * 2


@case(r"device")
def unknown_device(room):
    return [room.write("one.mrc"), "--device", "quantum"]


@case(r"threads must be at least 1, got 0")
def no_thread(room):
    return [room.write("one.mrc"), "--threads", "0"]


class Room:
    """Where bad input is made."""

    def __init__(self, path, image, model_file, write):
        self.path, self.image, self.model_file = path, image, model_file
        self._write = write

    def write(self, name, voxels=None, **about):
        return self._write(self.image if voxels is None else voxels, f"in/{name}", **about)


@pytest.fixture
def room(tmp_path, image, model_file, write):
    (tmp_path / "in").mkdir()
    return Room(tmp_path / "in", image, model_file, write)


@pytest.fixture
def refused(run, tmp_path, monkeypatch):
    """Check that a call is refused in one line before any training, and leaves nothing."""

    def train(*_):
        pytest.fail("it was trained on")

    def check(words, message):
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(HierarchicalSegmenter, "fit", train)
        done = run("segment", *words, "-o", tmp_path / "new" / "out")
        assert done.code == 1
        assert not done.out
        assert done.err.startswith("gyrovox: ")
        assert done.err.count("\n") == 1, done.err
        assert "unexpected" not in done.err
        assert re.search(message, done.err), done.err
        assert sorted(tmp_path.rglob("*")) == before

    return check


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line_before_training_and_leaves_nothing(room, refused, name):
    make, message = CASES[name]
    refused(make(room), message)


def test_an_output_that_exists_is_refused(room, run, tmp_path):
    (tmp_path / "out" / "one").mkdir(parents=True)
    done = run("segment", room.write("one.mrc"), "-o", tmp_path / "out")
    assert done.code == 1
    assert re.fullmatch(r"gyrovox: the output .*one must not exist yet.*--overwrite.*\n", done.err)
    assert names(tmp_path / "out") == ["one"]


def test_no_space_is_said_before_training(room, refused, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 1000))
    refused([room.write("one.mrc")], r"no space for them: 1000 B left")


RUN = ".segment.gyrovox-run"


def labels_of(folder, k=2):
    """Labels as MRC keeps them, behind a header that holds the time."""
    return (folder / f"level-{k}.mrc").read_bytes()[1024:]


def broken_off(real, error, calls):
    """What works for a few calls, then fails."""
    left = iter(range(calls))

    def work(*arguments, **options):
        if next(left, None) is None:
            raise error
        return real(*arguments, **options)

    return work


BREAKS = {
    "a full disk": (OSError(errno.ENOSPC, "No space left on device"), 1, "free some space, and"),
    "a full disk, said by a writer": (
        OutputSpaceError("level-2.mrc: No space left on device. Nothing was written"),
        1,
        "free some space, and",
    ),
    "a lost worker": (WorkerLostError("it died. What is finished is kept"), 1, "kept"),
    "an interruption": (KeyboardInterrupt(), 130, "the same command goes on"),
    "a volume that went away": (MissingFileError("cell.mrc: the file must exist"), 1, "must exist"),
}


@pytest.fixture(scope="module")
def two_volumes(tmp_path_factory, image, tiny):
    """The command for two volumes, up to its output, and what it leaves undisturbed."""
    folder = tmp_path_factory.mktemp("two")
    volumes = [folder / f"{n}.mrc" for n in range(2)]
    for n, volume in enumerate(volumes):
        io.write(Volume.from_array(image + n), volume)
    words = ("segment", *map(str, volumes), "--levels", "2", *tiny, "-o")
    with pytest.raises(SystemExit) as leave:
        main([*words, str(folder / "undisturbed")])
    assert leave.value.code == 0
    return words, folder / "undisturbed"


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("name", BREAKS)
def test_what_is_finished_is_kept_for_the_same_command(  # noqa: PLR0917
    run, two_volumes, tmp_path, monkeypatch, name, after
):
    words, undisturbed = two_volumes
    error, code, message = BREAKS[name]
    with monkeypatch.context() as patched:
        patched.setattr(io, "write_labels", broken_off(io.write_labels, error, after))
        done = run(*words, tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (code, 1), done.err
    assert message in done.err
    assert names(tmp_path / "out") == [RUN]
    monkeypatch.setattr(HierarchicalSegmenter, "fit", None)  # what was learned is there
    done = run(*words, tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "out") == ["0", "1"]
    for volume in ("0", "1"):
        assert names(tmp_path / "out" / volume) == names(undisturbed / volume)
        assert labels_of(tmp_path / "out" / volume) == labels_of(undisturbed / volume)


def test_training_goes_on_after_an_interruption(run, phantom_file, tmp_path, monkeypatch, tiny):
    words = ("segment", phantom_file, "--levels", "2", *tiny, "-o")
    assert run(*words, tmp_path / "undisturbed").code == 0
    real = HierarchicalSegmenter.fit

    def interrupted(segmenter, volumes, **options):
        return real(segmenter, volumes, **{**options, "should_stop": lambda: True})

    with monkeypatch.context() as patched:
        patched.setattr(HierarchicalSegmenter, "fit", interrupted)
        done = run(*words, tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (130, 1)
    assert "the same command goes on" in done.err
    assert run(*words, tmp_path / "out").code == 0
    assert labels_of(tmp_path / "out" / "cell") == labels_of(tmp_path / "undisturbed" / "cell")


@pytest.mark.parametrize("moved", [False, True])
def test_who_is_killed_while_results_are_moved_finds_them(  # noqa: PLR0917
    run, phantom_file, model_file, tmp_path, monkeypatch, moved
):
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "--quiet", "-o", tmp_path)

    def killed(made, target):
        if moved:
            made.rename(target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.cli.staged_results.publish", killed)
        assert run(*words).code == 130
    monkeypatch.setattr(HierarchicalSegmenter, "segment", None)
    done = run(*words)
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == [name for name in LEFT if name != "level-3.mrc"]


def test_another_command_is_refused_until_it_may_throw_the_run_away(
    run, phantom_file, model_file, tmp_path, monkeypatch
):
    words = ("segment", phantom_file, "-m", model_file, "--quiet", "-o", tmp_path, "--levels")
    with monkeypatch.context() as patched:
        patched.setattr(io, "write_labels", broken_off(None, KeyboardInterrupt(), 0))
        assert run(*words, "2").code == 130
    done = run(*words, "3")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "levels (was [2], is [3])" in done.err
    assert "--overwrite" in done.err
    assert names(tmp_path) == [RUN]
    assert run(*words, "3", "--overwrite").code == 0
    assert "level-3.mrc" in names(tmp_path / "cell")


def test_an_output_that_came_meanwhile_is_not_replaced_and_nothing_is_lost(
    run, phantom_file, model_file, tmp_path, monkeypatch
):
    words = ("segment", phantom_file, "-m", model_file, "--quiet", "-o", tmp_path, "--levels", "2")
    with monkeypatch.context() as patched:
        patched.setattr(io, "write_labels", broken_off(None, KeyboardInterrupt(), 0))
        assert run(*words).code == 130
    (tmp_path / "cell").mkdir()
    done = run(*words)
    assert done.code == 1
    assert "cell must not exist yet" in done.err
    assert names(tmp_path) == [RUN, "cell"]
    (tmp_path / "cell").rmdir()
    assert run(*words).code == 0


def test_two_runs_do_not_write_into_one_folder(run, phantom_file, model_file, tmp_path):
    words = ("segment", phantom_file, "-m", model_file, "--quiet", "-o", tmp_path)
    with exclusive(run_folder(tmp_path / "segment")):
        done = run(*words)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "one run at a time may write there" in done.err


def test_a_mistake_that_shows_late_leaves_nothing(
    run, phantom_file, model_file, tmp_path, monkeypatch
):
    def refused(*_, **__):
        raise ClusterCountError("fewer leaves")

    monkeypatch.setattr(HierarchicalSegmenter, "segment", refused)
    done = run("segment", phantom_file, "-m", model_file, "-o", tmp_path / "new" / "out")
    assert done.code == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("tile", ["0", "-32", "16", "100"])
def test_tiles_are_multiples_of_32(run, phantom_file, tmp_path, tile):
    done = run("segment", phantom_file, "-o", tmp_path / "out", "--tile", tile)
    assert done.code == 1
    assert f"--tile must be a multiple of 32, and at least that, got {tile}." in done.err
    assert names(tmp_path) == []


def test_workers_must_be_some(run, phantom_file, tmp_path):
    done = run("segment", phantom_file, "-o", tmp_path / "out", "--workers", "0", "--threads", "2")
    assert done.code == 1
    assert "--workers must be at least 1, got 0." in done.err
    assert names(tmp_path) == []


def test_where_the_time_went_is_said_if_asked(run, phantom_file, model_file, tmp_path):
    words = ("-m", model_file, "--levels", "2", "--quiet", "--profile-run")
    done = run("segment", phantom_file, "-o", tmp_path, *words)
    assert done.code == 0
    assert re.match(r"stage +pieces +time", done.out)
    assert re.search(r"^embed ", done.out, re.MULTILINE)


def test_too_few_distinct_codes_are_one_line_and_leave_nothing(run, write, tmp_path, tiny):
    # Two kinds of voxel in large blocks: far fewer different neighbourhoods than voxels.
    blocks = np.zeros((24, 24, 24), np.float32)
    blocks[12:] = 1
    path = write(blocks, "in/blocks.mrc")
    words = ("--levels", "2", "5000", "--clustering", "kmeans")
    done = run("segment", path, "-o", tmp_path / "out", *words, *tiny)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "distinct codes" in done.err
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("bad", ["absent.mrc", "flat.mrc", "wave.mrc"])
def test_a_process_shows_no_traceback_either(room, tmp_path, bad):
    constant(room)
    complex_numbers(room)
    done = subprocess.run(
        [sys.executable, "-m", "gyrovox", "segment", room.path / bad, "-o", tmp_path / "out"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(rf"gyrovox: .*{bad}.*\n", done.stderr)
    assert not (tmp_path / "out").exists()
