"""Data of the comparison: folds without overlap, nested tumours, coarser grids."""

import numpy as np
import pytest
from benchmarks.quality.binned import means_of_cubes
from benchmarks.quality.comparison import data as module
from benchmarks.quality.comparison.data import (
    SHARED,
    coarse_truth,
    data_of,
    nested_tumour,
    on_grid,
)

from gyrovox import io
from gyrovox.volumes import Volume


def test_phantoms_are_tested_on_what_is_not_trained_on():
    data = data_of("phantom-irregular", small=True)
    (fold,) = data.folds
    assert not {case.name for case in fold.train} & {case.name for case in fold.tests}
    assert not set(module.TRAIN_SEEDS) & set(module.TEST_SEEDS)
    truth = fold.tests[0].truth()
    assert tuple(truth) == data.levels
    assert [len(np.unique(one)) for one in truth.values()] == list(data.levels)
    assert fold.tests[0].volume().spatial_shape == truth[2].shape


def test_a_tumour_is_nested():
    parts = np.array([[[0, 0, 1, 2, 3, 4]]])
    brain = np.array([[[False, True, True, True, True, True]]])
    nested = nested_tumour(parts, brain)
    assert nested[3].ravel().tolist() == [0, 1, 2, 2, 2, 2]
    assert nested[4].ravel().tolist() == [0, 1, 3, 2, 3, 3]
    assert nested[5].ravel().tolist() == [0, 1, 3, 2, 3, 4]


def test_labels_come_back_on_the_grid_of_the_truth():
    fine = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    coarse = coarse_truth({2: fine}, (3, 3, 4))[2]
    assert coarse.shape == (3, 3, 4)
    assert coarse[1, 2, 3] == fine[2, 4, 6]
    back = on_grid(coarse, fine.shape)
    assert back.shape == fine.shape
    for place in np.ndindex(fine.shape):
        assert back[place] == coarse[tuple(at // 2 for at in place)]
    np.testing.assert_array_equal(on_grid(fine, fine.shape), fine)


def test_means_of_cubes_repeat_the_far_border():
    voxels = np.arange(27, dtype=np.float32).reshape(1, 3, 3, 3)
    pooled = means_of_cubes(voxels, 2)
    assert pooled.shape == (1, 2, 2, 2)
    assert pooled[0, 0, 0, 0] == voxels[0, :2, :2, :2].mean()
    assert pooled[0, 1, 1, 1] == voxels[0, 2, 2, 2]


def test_every_case_of_a_folder_is_left_out_once(tmp_path):
    for place in ("volumes", "truths"):
        (tmp_path / place).mkdir()
    labels = np.zeros((8, 8, 8), np.uint16)
    labels[2:5], labels[5:] = 4, 9
    for name in ("one", "two", "three"):
        volume = Volume.from_array(labels.astype(np.float32))
        io.write(volume, tmp_path / f"volumes/{name}.nii.gz")
        two = np.minimum(labels, 4)
        io.write_labels(two, tmp_path / f"truths/{name}-level1.nii.gz", like=volume)
        io.write_labels(labels, tmp_path / f"truths/{name}-level2.mrc", like=volume)
    data = data_of(f"folder:{tmp_path}")
    assert data.levels == (2, 3)
    assert [fold.name for fold in data.folds] == ["one", "three", "two"]
    for fold in data.folds:
        assert [case.name for case in fold.tests] == [fold.name]
        assert fold.name not in {case.name for case in fold.train}
        assert len(fold.train) == 2
    truth = data.folds[0].tests[0].truth()
    assert np.unique(truth[3]).tolist() == [0, 1, 2]
    (tmp_path / "truths/two-level1.nii.gz").unlink()
    with pytest.raises(ValueError, match=r"same numbers of classes, \(2, 3\) in one"):
        data_of(f"folder:{tmp_path}")
    (tmp_path / "truths/two-level2.mrc").unlink()
    with pytest.raises(ValueError, match=r"must have a truth, got none for 'two\.nii\.gz'"):
        data_of(f"folder:{tmp_path}")


def test_a_folder_without_cases_is_told(tmp_path):
    with pytest.raises(ValueError, match="must hold two at least, got 0"):
        data_of(f"brats:{tmp_path}")


@pytest.mark.skipif(
    not (SHARED / "mri_brats2013").is_dir(), reason="needs ../shared/data/mri_brats2013"
)
def test_patients_are_seen_coarsely_and_scored_in_full():
    data = data_of("brats")
    case = data.folds[0].tests[0]
    volume, truth = case.volume(), case.truth()
    assert volume.channels == 2
    full = truth[3].shape
    assert sorted(full) == [155, 240, 240]
    assert volume.spatial_shape == tuple(-(-side // 2) for side in full)
    assert [sorted(np.unique(truth[k])) for k in (3, 4)] == [[0, 1, 2], [0, 1, 2, 3]]
    inside = coarse_truth(truth, volume.spatial_shape)[3] > 0
    flair = volume.read()[0]
    assert flair[inside].std() > 5 * flair[~inside].std()
    alone = data_of("brats-flair")
    assert alone.levels == (3,)
    assert np.array_equal(alone.folds[0].tests[0].volume().read(), volume.read()[:1])
    assert np.array_equal(alone.folds[0].tests[0].truth()[3], truth[3])
