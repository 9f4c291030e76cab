"""Volumes from the command line."""

import numpy as np
import pytest

from gyrovox.cli.inputs import (
    check_level_counts,
    check_levels,
    check_voxels,
    open_volumes,
    read_masks,
    result_names,
)
from gyrovox.errors import ClusterCountError, SettingsError, VolumeError, VolumeMismatchError
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume

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
    check_voxels(open_volumes([str(good), str(bad)]), nan_policy="mean")


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
        check_level_counts((2, 3), [volume], [ramp < 2])


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
    for low, inside in zip((3, 50), read_masks(paths, volumes), strict=True):
        np.testing.assert_array_equal(inside, ramp > low)
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
