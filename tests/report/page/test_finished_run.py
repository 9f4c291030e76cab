"""A finished segmentation as a page needs it."""

import json

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import MissingFileError, ResultError
from gyrovox.report.page import FinishedRun
from gyrovox.results import HandEdits, ResultFolder, node_colours, write_edits
from gyrovox.volumes import Volume


def subject_of(folder):
    run = FinishedRun.open(folder)
    return run.subject(run.views(), place="x")


def test_classes_are_counted_in_the_files_and_named_as_their_labels(folder):
    subject = subject_of(folder)
    assert subject.name == "scan.mrc"
    assert subject.shape == (6, 12, 10)
    assert subject.voxel_size_nm == pytest.approx((2.0, 2.0, 2.0))
    assert not subject.masked
    for k, rows in subject.levels.items():
        labels = io.read(folder / f"level-{k}.mrc").read()
        assert [row.label for row in rows] == list(range(k))
        assert [row.voxels for row in rows] == np.bincount(labels.reshape(-1)).tolist()
    trunk = ResultFolder.open(folder).trunk
    red, green, blue = node_colours(trunk)[7].tolist()
    assert subject.levels[2][0].colour == f"#{red:02x}{green:02x}{blue:02x}"


def test_with_a_mask_labels_count_from_1(write_run):
    subject = subject_of(write_run(masked=True, mask="mask.mrc"))
    assert subject.masked
    assert [row.label for row in subject.levels[2]] == [1, 2]
    assert sum(row.voxels for row in subject.levels[2]) == 6 * 10 * 10


def test_names_and_colours_given_by_hand_are_taken(folder):
    edits = HandEdits(names={7: "cell"}, colours={7: "#ABCDEF"})
    write_edits(ResultFolder.open(folder), edits, 0)
    subject = subject_of(folder)
    assert subject.node_names == {7: "cell"}
    assert (subject.levels[2][0].name, subject.levels[2][0].colour) == ("cell", "#abcdef")


@pytest.mark.parametrize("masked", [False, True])
def test_without_a_tree_levels_have_colours_too(write_run, kmeans_settings, masked):
    subject = subject_of(
        write_run(
            with_tree=False,
            masked=masked,
            mask="mask.mrc" if masked else None,
            settings=kmeans_settings,
        )
    )
    assert subject.trunk is None
    assert subject.masked is masked
    for k, rows in subject.levels.items():
        assert [row.label for row in rows] == list(range(masked, k + masked))
        assert len({row.colour for row in rows}) == k
        assert {row.node for row in rows} == {None}


def test_the_image_may_be_gone_or_be_given(folder):
    assert FinishedRun.open(folder).image is not None
    image = Volume.from_array(np.zeros((6, 12, 10), np.float32))
    (folder / "scan.mrc").unlink()
    assert FinishedRun.open(folder).image is None
    assert FinishedRun.open(folder, image=image).image is image
    assert subject_of(folder).voxel_size_nm == pytest.approx((2.0, 2.0, 2.0))


def test_a_class_that_was_cleaned_away_has_no_voxel(folder):
    like = io.read(folder / "scan.mrc")
    labels = np.minimum(io.read(folder / "level-3.mrc").read()[0], 1).astype(np.uint8)
    io.write_labels(labels, folder / "level-3.mrc", like=like, overwrite=True)
    assert [row.voxels for row in subject_of(folder).levels[3]][2] == 0


def test_scores_are_read_where_there_are_any(folder):
    assert FinishedRun.open(folder).scores == {}
    (folder / "evaluation.json").write_text(json.dumps({"a": {"mean_dice": 1}}))
    assert FinishedRun.open(folder).scores == {"a": {"mean_dice": 1}}
    (folder / "evaluation.json").write_text("[1]")
    assert FinishedRun.open(folder).scores == {}
    (folder / "evaluation.json").write_text("{")
    with pytest.raises(ResultError, match=r"evaluation\.json: scores must be JSON, and are not"):
        FinishedRun.open(folder)


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(ResultError, match="must hold level-K files to be reported on"):
        FinishedRun.open(tmp_path)
    with pytest.raises(
        MissingFileError, match="a result must be a folder, and this does not exist"
    ):
        FinishedRun.open(tmp_path / "absent")
