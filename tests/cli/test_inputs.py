"""Volumes from the command line."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox import volumes as volumes_package
from gyrovox.cli.inputs import (
    check_level_counts,
    check_levels,
    check_voxels,
    kept_normalisations,
    open_volumes,
    read_masks,
    result_names,
)
from gyrovox.errors import ClusterCountError, SettingsError, VolumeError, VolumeMismatchError
from gyrovox.execution import Ledger
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Mask, Volume, normalisation_of

NM = (2.0, 2.0, 2.0)
KMEANS = SegmentationSettings(clustering="kmeans")


@pytest.fixture
def ramp():
    return np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)


def test_volumes_are_opened_in_order(write, ramp):
    paths = [str(write(ramp, name)) for name in ("b.mrc", "a.mrc")]
    assert [volume.path.name for volume in open_volumes(paths)] == [
        "b.mrc",
        "a.mrc",
    ]


def test_every_volume_is_checked_to_its_last_voxel(write, ramp):
    good = write(ramp, "good.mrc")
    ramp[-1, -1, -1] = np.nan
    bad = write(ramp, "bad.mrc")
    with pytest.raises(VolumeError, match=r"bad\.mrc: .*1 NaN"):
        check_voxels(open_volumes([str(good), str(bad)]), nan_policy="error")
    volumes = open_volumes([str(good), str(bad)])
    found = check_voxels(volumes, nan_policy="mean")
    assert found == [normalisation_of(volume, nan_policy="mean") for volume in volumes]


def test_how_a_volume_is_normalised_is_found_once_in_a_run(write, ramp, tmp_path, monkeypatch):
    volumes = open_volumes([str(write(ramp * n + 1 / 3, f"{n}.mrc")) for n in (1, 2)])
    ledger = Ledger(tmp_path / "run", fingerprint={})
    found = check_voxels(volumes, nan_policy="error")
    assert found[0] != found[1]
    monkeypatch.setattr("gyrovox.volumes.normalisation_of", None)
    assert kept_normalisations(ledger, volumes, found, nan_policy="error") == found
    again = Ledger(tmp_path / "run", fingerprint={})
    assert kept_normalisations(again, volumes, None, nan_policy="error") == found


def test_what_a_run_has_lost_of_it_is_found_again(write, ramp, tmp_path):
    volumes = open_volumes([str(write(ramp, "ramp.mrc"))])
    ledger = Ledger(tmp_path / "run", fingerprint={})
    found = kept_normalisations(ledger, volumes, None, nan_policy="error")
    assert found == check_voxels(volumes, nan_policy="error")


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_volume_in_tiles_is_looked_at_once_by_a_run_that_is_broken_off(
    run, phantom_file, model_file, tmp_path, monkeypatch
):
    looks, really = [], volumes_package.normalisation_of

    def counted(volume, **how):
        looks.append(volume.name)
        return really(volume, **how)

    monkeypatch.setattr(volumes_package, "normalisation_of", counted)
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "--tile", "32", "--quiet")
    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.cli.staged_results.write_tiled_segmentation", interrupt)
        assert run(*words, "-o", tmp_path / "out").code == 130
    assert run(*words, "-o", tmp_path / "out").code == 0
    assert looks == ["cell.mrc"]
    assert run(*words, "-o", tmp_path / "undisturbed").code == 0
    one, other = (tmp_path / name / "cell" / "level-2.mrc" for name in ("out", "undisturbed"))
    assert one.read_bytes() == other.read_bytes()


def test_no_mask_of_a_volume_in_tiles_is_read_as_a_whole(run, write, model_file, tmp_path):
    image = np.random.default_rng(0).normal(size=(24, 26, 100)).astype(np.float32)
    inside = np.zeros(image.shape, np.uint8)
    inside[:9, :8, :7] = inside[-9:, -8:, -7:] = 1
    volume, mask = write(image, "long.mrc", voxel_size_nm=NM), write(inside, "mask.mrc")
    words = ("-m", model_file, "--levels", "2", "--tile", "32", "--quiet", "-o", tmp_path / "out")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Mask, "inside", None)
        assert run("segment", volume, "--mask", mask, *words).code == 0
    labels = io.read(tmp_path / "out" / "long" / "level-2.mrc").read()[0]
    np.testing.assert_array_equal(labels > 0, inside)


def test_volumes_that_share_a_model_have_the_same_channels(write, ramp):
    one, two = write(ramp, "one.mrc"), write(ramp, "two.mrc")
    with pytest.raises(VolumeMismatchError, match=r"same number of channels, .* has 1, .* 2"):
        open_volumes([str(one), f"{one},{two}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "name at least one VOLUME"), (["a.mrc", "a.mrc"], r"given once, and a\.mrc came twice")],
)
def test_there_must_be_volumes_and_each_once(arguments, message):
    with pytest.raises(SettingsError, match=message):
        open_volumes(arguments)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((), "at least one number of classes"),
        ((2, 1), "between 2 and 65536, got 1"),
        ((2, 65537), "between 2 and 65536, got 65537"),
        ((2, 4, 2), "must differ from each other, got 2 4 2"),
    ],
)
def test_levels_are_possible_numbers(levels, message):
    with pytest.raises(SettingsError, match=message):
        check_levels(levels, KMEANS)


def test_there_are_no_more_classes_than_voxels(ramp):
    volume = Volume.from_array(ramp, name="ramp")
    check_level_counts((2, 120), [volume], [None])
    check_level_counts("auto", [volume], [None])
    with pytest.raises(ClusterCountError, match="got 121 where ramp has only 120 voxels"):
        check_level_counts((2, 121), [volume], [None])
    with pytest.raises(ClusterCountError, match="got 3 where ramp has only 2 voxels inside its m"):
        check_level_counts((2, 3), [volume], [Mask(volume, voxels=2)])


def test_there_are_no_more_classes_than_regions():
    few = SegmentationSettings(regions=9)
    check_levels((2, 9), few)
    with pytest.raises(ClusterCountError, match=r"got 10, and --regions is 9. Ask for fewer"):
        check_levels((2, 10), few)


def test_only_a_tree_chooses_levels():
    check_levels("auto", SegmentationSettings())
    with pytest.raises(SettingsError, match="--levels auto asks the tree, and there is none"):
        check_levels("auto", KMEANS)


def test_every_volume_has_its_mask(write, ramp):
    paths = [str(write(ramp > low, f"{low}.tif")) for low in (3, 50)]
    volumes = [Volume.from_array(ramp)] * 2
    for low, mask in zip((3, 50), read_masks(paths, volumes), strict=True):
        np.testing.assert_array_equal(mask.inside(), ramp > low)
        assert mask.voxels == 119 - low
    assert read_masks([], volumes) == [None, None]
    with pytest.raises(SettingsError, match="one file for each VOLUME, in their order, and 1 came"):
        read_masks(paths[:1], volumes)
    with pytest.raises(VolumeMismatchError, match=r"3\.tif: a mask must have the shape"):
        read_masks(paths[:1], [Volume.from_array(ramp[:3])])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["a/x.mrc", "a/y.nii.gz"], ["x", "y"]),
        (["p1/x.nii.gz", "p2/x.nii.gz"], ["p1-x", "p2-x"]),
        (["p1/x.mrc", "p1/x.tif"], ["x-mrc", "x-tif"]),
        (["p1/x.mrc", "p2/x.tif", "y.mrc"], ["p1-x", "p2-x", "y"]),
        (["a/p/x.mrc", "b/p/x.mrc"], ["a-p-x", "b-p-x"]),
        (["s.h5::raw", "s.h5::deep/er"], ["s-raw", "s-deep-er"]),
        (["a.nii.gz,b.nii.gz", "a.nii.gz,c.nii.gz"], ["a-0", "a-1"]),
    ],
)
def test_results_have_names_of_their_own(arguments, names):
    found = result_names(arguments)
    assert len(set(found)) == len(arguments)
    assert not any(set(name) & set("/\\") for name in found)
    assert found == names


def test_a_name_that_looks_like_a_folder_and_a_stem_is_told_apart_too():
    names = result_names(["p/x.mrc", "q/x.mrc", "p-x.mrc"])
    assert len(set(names)) == 3
    assert names[1] == "q-x"
