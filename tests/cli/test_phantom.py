"""`gyrovox phantom cell`."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.volumes import Region
from gyrovox.volumes.large_cell import large_cell
from gyrovox.volumes.phantom_cell import cell_phantom

SMALL = ("--shape", "20", "22", "24", "--quiet")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_writes_volumes_and_their_truth(run, tmp_path):
    done = run("phantom", "cell", "-o", tmp_path / "new", "--seed", "3", "--count", "2", *SMALL)
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "new") == [
        *(f"truth-{n}-level-{level}.mrc" for n in ("000", "001") for level in (1, 2, 3)),
        "volume-000.mrc",
        "volume-001.mrc",
    ]
    for index in range(2):
        expected = cell_phantom(3 + index, shape=(20, 22, 24))
        volume = io.read(tmp_path / "new" / f"volume-00{index}.mrc")
        assert volume.voxel_size_nm is None
        np.testing.assert_array_equal(volume.read()[0], expected.image)
        for level, truth in enumerate(expected.truths, start=1):
            written = io.read(tmp_path / "new" / f"truth-00{index}-level-{level}.mrc")
            np.testing.assert_array_equal(written.read()[0], truth)


def test_variant_and_voxel_size_are_passed_on(run, tmp_path):
    words = ("--variant", "texture", "--voxel-size-nm", "4", "2", "2")
    assert run("phantom", "cell", "-o", tmp_path, *words, *SMALL).code == 0
    size = (4.0, 2.0, 2.0)
    expected = cell_phantom(0, shape=(20, 22, 24), variant="texture", voxel_size_nm=size)
    volume = io.read(tmp_path / "volume-000.mrc")
    assert volume.voxel_size_nm == pytest.approx(size)
    np.testing.assert_array_equal(volume.read()[0], expected.image)


def test_other_files_of_the_folder_are_left_alone(run, tmp_path):
    (tmp_path / "notes.txt").write_text("keep")
    assert run("phantom", "cell", "-o", tmp_path, *SMALL).code == 0
    assert (tmp_path / "notes.txt").read_text() == "keep"
    again = run("phantom", "cell", "-o", tmp_path, *SMALL)
    assert again.code == 1
    assert "volume-000.mrc must not exist yet" in again.err
    assert run("phantom", "cell", "-o", tmp_path, "--overwrite", *SMALL).code == 0
    assert len(names(tmp_path)) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--count", "0"), "--count must be between 1 and 999, got 0"),
        (("--seed", "-1"), "--seed must not be negative, got -1"),
        (("--shape", "4", "4", "4"), "at least 8 voxels"),
        (("--shape", "99999", "99999", "99999"), "no space"),
    ],
)
def test_what_cannot_be_made_is_one_line_and_leaves_nothing(run, tmp_path, words, message):
    done = run("phantom", "cell", "-o", tmp_path / "new", *words)
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert names(tmp_path) == []


def test_another_suffix_is_another_format(run, tmp_path):
    assert run("phantom", "cell", "-o", tmp_path, "--suffix", ".ome.zarr", *SMALL).code == 0
    assert names(tmp_path)[-1] == "volume-000.ome.zarr"
    expected = cell_phantom(0, shape=(20, 22, 24))
    volume = io.read(tmp_path / "volume-000.ome.zarr")
    np.testing.assert_array_equal(volume.read()[0], expected.image)
    truth = io.read(tmp_path / "truth-000-level-3.ome.zarr")
    np.testing.assert_array_equal(truth.read()[0], expected.truths[2])


@pytest.mark.parametrize(("largest", "whole"), [(20 * 22 * 24, True), (20 * 22 * 24 - 1, False)])
def test_a_large_volume_is_made_region_by_region(run, tmp_path, monkeypatch, largest, whole):
    monkeypatch.setattr("gyrovox.volumes.large_cell.LARGE", largest)
    assert run("phantom", "cell", "-o", tmp_path, *SMALL).code == 0
    image = large_cell(0, shape=(20, 22, 24))[0].read(Region.whole((20, 22, 24)))[0]
    found = io.read(tmp_path / "volume-000.mrc").read()[0]
    assert np.array_equal(found, image) != whole
