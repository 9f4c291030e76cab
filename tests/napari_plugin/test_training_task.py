from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gyrovox.errors import SettingsError, VolumeError
from gyrovox.napari_plugin.layer_volume import UnreadImage
from gyrovox.napari_plugin.training_task import TrainingChoices, train_and_segment
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import configuration
from gyrovox.volumes import Volume, cell_phantom


def image_of(data):
    return UnreadImage(
        SimpleNamespace(
            name="cell",
            data=data,
            rgb=False,
            multiscale=False,
            scale=(2.0, 2.0, 2.0),
            units=("nanometer",) * 3,
        )
    )


@pytest.fixture(scope="module")
def voxels():
    return cell_phantom(0, shape=(24, 24, 24)).image


def never():
    return False


def test_a_layer_becomes_the_tree_that_a_segmenter_makes(voxels):
    told = []
    choices = TrainingChoices(steps=2, seed=3)
    tree = train_and_segment(image_of(voxels), choices, tell=told.append, is_cancelled=never)
    assert tree.leaves.shape == (24, 24, 24)
    assert tree.voxel_size_nm == (2.0, 2.0, 2.0)
    assert (told[-2].done, told[-2].total) == (2, 2)
    assert "2/2 steps" in told[-2].text
    assert "s left" in told[-2].text
    assert "cannot be interrupted" in told[-1].text
    settings = configuration("default")
    settings = replace(settings, training=replace(settings.training, steps=2))
    volume = Volume.from_array(voxels, voxel_size_nm=(2.0, 2.0, 2.0))
    expected = HierarchicalSegmenter(settings, seed=3, quiet=True).fit(volume).segment(volume, (2,))
    assert (tree.leaves == expected.tree.leaves).all()


def test_training_ends_with_the_step_in_which_it_is_cancelled(voxels):
    told = []

    def is_cancelled():
        asked.append(None)
        return len(asked) >= 2

    asked = []
    tree = train_and_segment(
        image_of(voxels),
        TrainingChoices(steps=30),
        tell=told.append,
        is_cancelled=is_cancelled,
    )
    assert tree is None
    assert max(report.done for report in told) <= 2
    assert not any("tree" in report.text for report in told)


def test_a_volume_for_a_run_in_tiles_is_not_read():
    class Large:
        shape = (512, 512, 512)

    with pytest.raises(
        VolumeError, match=r"at most 10 M voxels .* has 134 M.*gyrovox segment FILE"
    ):
        train_and_segment(
            image_of(Large()), TrainingChoices(), tell=lambda _: None, is_cancelled=never
        )


def test_what_the_segmenter_refuses_is_refused_in_its_words():
    voxels = np.full((24, 24, 24), np.nan, np.float32)
    with pytest.raises(VolumeError, match="NaN"):
        train_and_segment(
            image_of(voxels), TrainingChoices(steps=1), tell=lambda _: None, is_cancelled=never
        )


@pytest.mark.parametrize("choices", [{"steps": 0}, {"seed": -1}])
def test_choices_that_are_none_are_refused(choices):
    with pytest.raises(SettingsError, match="at least 1 step and a seed of 0 or more"):
        TrainingChoices(**choices)
