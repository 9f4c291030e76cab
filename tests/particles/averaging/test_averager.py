"""Sub-volume averaging of molecules in noise, whose true poses are known."""

from dataclasses import replace

import numpy as np
import pytest
from scattered_molecules import apart_degrees, molecule, scattered, turn

from gyrovox.errors import ParticleError, SettingsError, VolumeMismatchError
from gyrovox.particles.averaging import Averager, AveragingRecipe, AveragingState
from gyrovox.particles.averaging.map_filters import soft_ball
from gyrovox.volumes import Volume


@pytest.fixture(scope="module")
def states(noisy, start):
    """After 0, 1 and 2 alignments, from nothing."""
    averager = Averager(noisy.tomogram, noisy.priors, noisy.recipe)
    found = [start]
    while found[-1].iteration < noisy.recipe.iterations:
        found.append(averager.improved(found[-1]))
    return found


@pytest.fixture(scope="module")
def average(noisy, states):
    return Averager(noisy.tomogram, noisy.priors, noisy.recipe).finished(states[-1])


def spread_degrees(truth, state):
    """Median angle of the poses to the truth, but for the turn that all have in common."""
    relative = truth.rotations[state.rows].swapaxes(1, 2) @ state.rotations
    left, _, right = np.linalg.svd(relative.mean(axis=0))
    common = np.repeat((left @ right)[None], len(relative), axis=0)
    return np.median(apart_degrees(relative, common))


def test_alignment_finds_the_poses(noisy, states):
    assert spread_degrees(noisy.truth, states[0]) > 30, "spins were unknown"
    assert spread_degrees(noisy.truth, states[-1]) < 10
    offset = states[-1].positions - noisy.truth.positions[states[-1].rows]
    in_reference = np.einsum("nji,nj->ni", states[-1].rotations, offset)
    assert np.median(np.linalg.norm(in_reference - in_reference.mean(axis=0), axis=1)) < 0.4
    assert states[-1].scores.min() > 0.5


def test_the_average_is_the_molecule(average, noisy):
    relative = noisy.truth.rotations.swapaxes(1, 2) @ average.particles.rotations
    left, _, right = np.linalg.svd(relative.mean(axis=0))
    expected = molecule(12, (left @ right).T)
    mask = soft_ball(12, 5.0)
    correlation = np.corrcoef((average.volume * mask).ravel(), (expected * mask).ravel())[0, 1]
    assert correlation > 0.93
    assert average.resolution_nm() < average.resolution_nm(0.5) < 4.5


def test_the_frame_is_that_of_the_priors(average, noisy):
    axes = average.particles.rotations.swapaxes(1, 2) @ noisy.priors.rotations
    mean = axes[:, :, 0].mean(axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), (1, 0, 0), atol=1e-6)


def test_halves_know_nothing_of_each_other(noisy, states):
    """Other particles in the second half leave the first half's average as it is."""
    begun = replace(states[0], grown=False)
    averager = Averager(noisy.tomogram, noisy.priors, noisy.recipe)
    other = begun.positions.copy()
    other[begun.second] += 0.8
    first = averager.improved(begun)
    second = averager.improved(replace(begun, positions=other))
    np.testing.assert_array_equal(first.halves[0], second.halves[0])
    assert not np.array_equal(first.halves[1], second.halves[1])
    assert abs(int(begun.second.sum()) * 2 - len(begun.rows)) <= 1


def test_each_half_is_aligned_to_its_own_reference(noisy, states):
    begun = replace(states[0], grown=False, halves=states[1].halves)
    changed = begun.halves.copy()
    changed[0] = changed[0].transpose(0, 2, 1)
    averager = Averager(noisy.tomogram, noisy.priors, noisy.recipe)
    plain = averager.improved(begun)
    other = averager.improved(replace(begun, halves=changed))
    np.testing.assert_array_equal(plain.halves[1], other.halves[1])
    assert not np.array_equal(plain.halves[0], other.halves[0])


def test_it_goes_on_from_a_file_to_the_same_bytes(noisy, states, tmp_path):
    states[1].save(tmp_path / "1.npz")
    averager = Averager(noisy.tomogram, noisy.priors, noisy.recipe)
    again = averager.improved(AveragingState.load(tmp_path / "1.npz"))
    np.testing.assert_array_equal(again.halves, states[2].halves)
    np.testing.assert_array_equal(again.rotations, states[2].rotations)


def test_a_reference_gives_its_frame(noisy, reference):
    recipe = replace(noisy.recipe, initial_resolution_nm=4.0)
    averager = Averager(noisy.tomogram, noisy.priors, recipe)
    state = averager.improved(averager.start(reference))
    apart = apart_degrees(state.rotations, noisy.truth.rotations[state.rows])
    assert np.median(apart) < 12
    offset = np.linalg.norm(state.positions - noisy.truth.positions[state.rows], axis=1)
    assert np.median(offset) < 0.5


def test_a_wedge_that_is_ignored_misleads():
    """Without noise, only who knows of the wedge is right about the turn."""
    scene = scattered(counts=(2, 3, 3), wedge=(-40.0, 40.0), seed=3)
    off = replace(scene.truth, rotations=scene.truth.rotations @ turn((0, 1, 0), 8.0))
    aware = AveragingRecipe(
        box_nm=14.0,
        mask_nm=12.0,
        iterations=1,
        search_spin=False,
        lean_degrees=16.0,
        first_step_degrees=8.0,
        shift_nm=1.0,
        tilt_range=(-40.0, 40.0),
        initial_resolution_nm=3.0,
    )
    known = Volume.from_array(molecule(16), voxel_size_nm=(1.0,) * 3)
    apart = {}
    for name, recipe in (("aware", aware), ("unaware", replace(aware, tilt_range=None))):
        averager = Averager(scene.tomogram, off, recipe)
        state = averager.improved(averager.start(known))
        apart[name] = apart_degrees(state.rotations, scene.truth.rotations[state.rows]).mean()
    assert apart["aware"] < 2.0
    assert apart["unaware"] > apart["aware"] + 1.0


def test_symmetry_makes_more_of_few_particles():
    scene = scattered(counts=(1, 3, 4), noise=2.5, fold=3, wedge=(-60.0, 60.0), seed=4)
    plain = AveragingRecipe(
        box_nm=14.0,
        mask_nm=12.0,
        iterations=1,
        search_spin=False,
        lean_degrees=0.0,
        first_step_degrees=4.0,
        shift_nm=0.5,
    )
    found = {}
    for recipe in (plain, replace(plain, symmetry="C3")):
        averager = Averager(scene.tomogram, scene.truth, recipe)
        volume = averager.finished(averager.improved(averager.start())).volume
        expected = molecule(14, fold=3)
        mask = soft_ball(14, 5.5)
        found[recipe.symmetry] = np.corrcoef((volume * mask).ravel(), (expected * mask).ravel())[
            0, 1
        ]
    assert found["C3"] > found["C1"] + 0.03


def test_halves_that_agree_on_nothing_resolve_the_box(average):
    noise = replace(
        average.correlation, correlations=np.zeros_like(average.correlation.correlations)
    )
    assert replace(average, correlation=noise).resolution_nm() == 12.0


def test_skipped_particles_are_counted(noisy):
    positions = noisy.priors.positions.copy()
    positions[:2, 0] = 1.0
    averager = Averager(noisy.tomogram, replace(noisy.priors, positions=positions), noisy.recipe)
    assert averager.skipped == 2


def test_the_curve_is_written_as_a_table(average, tmp_path):
    average.write_correlation(tmp_path / "fsc.csv")
    header, *lines = (tmp_path / "fsc.csv").read_text(encoding="ascii").splitlines()
    assert header == "cycles_per_voxel,wavelength_nm,correlation"
    rows = np.array([line.split(",") for line in lines], float)
    np.testing.assert_allclose(rows[:, 2], average.correlation.correlations, atol=1e-6)
    np.testing.assert_allclose(rows[1:, 0] * rows[1:, 1], 1.0, atol=1e-3)


def test_what_cannot_be_averaged_is_refused(noisy, reference):
    with pytest.raises(ParticleError, match=r"must have rotations, .* `gyrovox spikes` gives them"):
        Averager(noisy.tomogram, replace(noisy.priors, rotations=None))
    with pytest.raises(ParticleError, match="at least 4 particles must lie half a box of 12 nm"):
        Averager(noisy.tomogram, noisy.priors.chosen(np.arange(3)), noisy.recipe)
    with pytest.raises(SettingsError, match=r"a box must be even, .* got 100"):
        Averager(noisy.tomogram, noisy.priors, replace(noisy.recipe, box_nm=100.0))
    averager = Averager(noisy.tomogram, noisy.priors, noisy.recipe)
    with pytest.raises(VolumeMismatchError, match="a reference must be as large as the mask, 22"):
        averager.start(reference.with_voxel_size((0.5, 0.5, 0.5)))
