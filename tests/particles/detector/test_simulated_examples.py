"""Examples from simulated tomograms: kept in files, and the same however they are made."""

import dataclasses
import itertools

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.particles.detector import simulated_examples as module
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.detector.simulated_examples import (
    SHAPE,
    simulated_example,
    simulated_examples,
    simulated_settings,
)


def test_a_virion_stands_out_where_its_box_says(simulated):
    assert simulated.voxels.shape == SHAPE
    assert len(simulated.boxes) >= 1
    grid = np.indices(SHAPE)
    within = np.zeros(SHAPE, bool)
    for box in simulated.boxes:
        assert (box[3:] >= 80 / 4).all()
        assert (box[3:] <= 120 / 4).all()
        gaps = np.linalg.norm(grid - box[:3, None, None, None], axis=0)
        within |= np.abs(gaps - box[3] / 2 + 0.7) < 1.0  # the membrane
    assert simulated.voxels[within].mean() > simulated.voxels.mean() + 0.3  # dense matter is bright


@pytest.fixture
def quick(monkeypatch, balls):
    """Balls instead of tomograms, and a list of what was made."""
    made = []

    def ball(settings, *, seed, number):
        made.append((seed, number))
        return balls(10 * seed + number)

    monkeypatch.setattr(module, "simulated_example", ball)
    return made


def test_examples_are_made_once_for_a_seed(quick, tmp_path):
    first = simulated_examples(tmp_path, 2, DetectorSettings(), seed=3, quiet=True)
    more = simulated_examples(tmp_path, 3, DetectorSettings(), seed=3, quiet=True)
    assert quick == [(3, 0), (3, 1), (3, 2)]
    for one, other in zip(first, more, strict=False):
        np.testing.assert_array_equal(one.voxels, other.voxels)
    simulated_examples(tmp_path, 1, DetectorSettings(), seed=4, quiet=True)
    coarser = dataclasses.replace(DetectorSettings(), voxel_size_nm=5.0)
    simulated_examples(tmp_path, 1, coarser, seed=3, quiet=True)
    assert quick[3:] == [(4, 0), (3, 0)]


def test_fewer_virions_are_drawn_where_there_is_no_room(monkeypatch):
    asked = []

    class StopHereError(Exception):
        pass

    def refuse(_seed, recipe, _imaging):
        asked.append(recipe.virions)
        if recipe.virions == 1:
            raise StopHereError
        raise SettingsError("no room")

    monkeypatch.setattr(module, "simulated_tomogram", refuse)
    for number in range(20):
        with pytest.raises(StopHereError):
            simulated_example(DetectorSettings(), seed=0, number=number)
    assert set(asked) == {1, 2, 3, 4}
    pairs = itertools.pairwise(asked)
    assert all(after == before - 1 for before, after in pairs if before > 1)


def test_recipes_differ_from_one_example_to_the_next(monkeypatch):
    seen = []

    class StopHereError(Exception):
        pass

    def note(seed, recipe, imaging):
        seen.append((seed, recipe, imaging))
        raise StopHereError

    monkeypatch.setattr(module, "simulated_tomogram", note)
    for number in (0, 1, 0):
        with pytest.raises(StopHereError):
            simulated_example(DetectorSettings(), seed=0, number=number)
    assert seen[0] == seen[2]
    assert seen[0][0] != seen[1][0]
    assert seen[0][2].dose != seen[1][2].dose


def test_settings_follow_the_sizes_of_what_is_simulated():
    assert simulated_settings(("virion",)) == DetectorSettings()
    shells = simulated_settings(("ribosome",))
    assert shells.classes == ("ribosome",)
    assert shells.voxel_size_nm < 3
    with pytest.raises(SettingsError, match=r"some of .*virion, and 'golgi' came"):
        simulated_settings(("golgi",))
