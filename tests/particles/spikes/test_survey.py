"""The survey: every spike is among the peaks, and the decoys have none."""

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, matched

from gyrovox.particles.spikes.survey import Peaks


def test_every_spike_is_a_peak(survey, drawn):
    peaks = survey.candidates
    for number in range(2):
        mine = peaks.owners == number
        spikes = drawn.spikes_nm[drawn.owners == number]
        assert matched(peaks.middles_nm[mine], spikes) == len(spikes)


def test_spikes_are_the_highest_peaks_and_decoys_are_lower(survey, drawn):
    peaks = survey.candidates
    gaps = np.linalg.norm(peaks.middles_nm[:, None] - drawn.spikes_nm[None], axis=-1).min(axis=1)
    spikes = gaps < 8
    assert spikes.sum() == 28
    assert np.median(peaks.densities[spikes]) > np.quantile(survey.decoys.densities, 0.99)
    assert np.median(peaks.densities[~spikes]) < np.quantile(survey.decoys.densities, 0.9)


def test_profiles_of_spikes_are_high_in_the_middle_and_lower_around(survey):
    densities = tuple(virion.density[..., None] for virion in survey.virions)
    heights = len(survey.candidates.shells[0].heights_nm)
    profiles = survey.candidates.profiles(densities)
    assert profiles.shape == (len(survey.candidates), 2 * heights)
    best = np.argsort(-survey.candidates.densities)[:20]
    middle, edge = profiles[best, :heights].mean(axis=0), profiles[best, heights:].mean(axis=0)
    at = slice(heights // 3, heights)
    assert (middle[at] > edge[at]).all()


def test_directions_normals_and_middles_are_those_of_the_columns(survey):
    peaks = survey.candidates
    for one in (0, len(peaks) - 1):
        shell = peaks.shells[peaks.owners[one]]
        np.testing.assert_array_equal(peaks.directions[one], shell.directions[peaks.columns[one]])
        np.testing.assert_array_equal(peaks.normals[one], shell.normals[peaks.columns[one]])
        np.testing.assert_array_equal(peaks.middles_nm[one], shell.middles_nm[peaks.columns[one]])
        assert peaks.latitudes[one] == pytest.approx(peaks.directions[one, 0] ** 2)


def test_some_peaks_are_chosen_in_their_order(survey):
    kept = np.zeros(len(survey.candidates), np.bool_)
    kept[[3, 1]] = True
    chosen = survey.candidates.chosen(kept)
    assert isinstance(chosen, Peaks)
    np.testing.assert_array_equal(chosen.densities, survey.candidates.densities[[1, 3]])


def test_there_is_room_on_all_of_both_virions(survey, spike_settings):
    room = survey.room(spike_settings)
    np.testing.assert_allclose(room.seen, 1.0, atol=0.02)
    middle = (spike_settings.lowest_nm + spike_settings.highest_nm) / 2
    np.testing.assert_allclose(room.areas_nm2, 4 * np.pi * (RADIUS_NM + middle) ** 2, rtol=0.06)
    assert room.decoy_nm2 > room.areas_nm2.sum()
    np.testing.assert_allclose(room.free_nm2(np.array([0.0, 1e9])), [room.areas_nm2[0], 0.0])
