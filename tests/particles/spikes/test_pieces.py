"""Pieces: each spike has its voxels, and touching ones are parted between them."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.pieces import pieces_of, volumes_nm3


@pytest.fixture(scope="module")
def spikes(survey):
    """The twenty-eight highest peaks, which are the spikes."""
    densities = survey.candidates.densities
    return survey.candidates.chosen(densities >= np.sort(densities)[-28])


@pytest.fixture(scope="module")
def pieces(panels, spikes, spike_settings):
    return pieces_of(panels, spikes, spike_settings)


def test_every_spike_has_a_piece_about_as_large_as_it_was_drawn(pieces, spikes):
    volumes = volumes_nm3(pieces, len(spikes), 3.0)
    # The head is an ellipsoid of 5.5 and 7 nm; blurred, its half height lies near its surface.
    drawn = 4 / 3 * np.pi * 5.5**2 * 7.0
    assert (volumes > 0).all()
    assert 0.5 * drawn < np.median(volumes) < 1.6 * drawn


def test_pieces_lie_in_the_shell_around_their_spikes(pieces, panels, spikes, spike_settings):
    heights = panels.heights_nm()[pieces > 0]
    assert heights.min() >= spike_settings.lowest_nm - 2.0
    assert heights.max() <= spike_settings.highest_nm + 1.0
    for part, virion in zip(panels.parts(pieces), panels.virions, strict=True):
        for number in np.unique(part[part > 0]):
            centre = virion.centres_nm()[part == number].mean(axis=0)
            assert np.linalg.norm(centre - spikes.middles_nm[number - 1]) < 6.0


def test_two_spikes_that_touch_are_parted_half_way(virions, spikes, spike_settings):
    one = virions[0]
    middle = one.places(spikes.middles_nm[0])
    # A second marker a spacing beside the first one, in one dense blob.
    near = np.argsort(np.linalg.norm(spikes.shells[0].middles_nm - spikes.middles_nm[0], axis=1))
    gaps = np.linalg.norm(spikes.shells[0].middles_nm[near] - spikes.middles_nm[0], axis=1)
    beside = near[np.searchsorted(gaps, 14.0)]
    places = np.stack(np.indices(one.density.shape), axis=-1)
    ends = middle, one.places(spikes.shells[0].middles_nm[beside])
    blob = sum(np.exp(-(((places - end) ** 2).sum(axis=-1)) / 4) for end in ends)
    drawn = replace(one, density=(10 * blob).astype(np.float32))
    two = type(spikes)(
        shells=(spikes.shells[0],),
        owners=np.zeros(2, np.int64),
        columns=np.array([spikes.columns[0], beside]),
        densities=np.ones(2),
    )
    found = pieces_of(Panels.of((drawn,)), two, spike_settings)
    first, second = volumes_nm3(found, 2, 3.0)
    assert first == pytest.approx(second, rel=0.35)
    assert first > 300


def test_voxels_of_the_node_are_taken_in(panels, spikes, spike_settings, pieces):
    node = np.zeros(panels.shape, np.bool_)
    grown = pieces_of(panels, spikes, spike_settings, node=~node)
    assert (grown > 0).sum() > 2 * (pieces > 0).sum()
    same = pieces_of(panels, spikes, spike_settings, node=node)
    np.testing.assert_array_equal(same, pieces)


def test_no_spikes_have_no_pieces(panels, spikes, spike_settings):
    none = spikes.chosen(np.zeros(len(spikes), np.bool_))
    found = pieces_of(panels, none, spike_settings)
    assert not found.any()
    assert len(volumes_nm3(found, 0, 3.0)) == 0
