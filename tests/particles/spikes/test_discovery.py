"""From virions to spikes: found where they were drawn, counted, as particles with directions."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_virions import matched

from gyrovox.geometry.manifold import PoincareBall
from gyrovox.particles.spikes.discovery import (
    discover_spikes,
    discovered,
    found_spikes,
    in_node,
    segmented_voxels,
    suited,
    tangent_codes,
)
from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.virions import cut_virions
from gyrovox.segmentation import Segmentation
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import Configuration, TrainingSettings
from gyrovox.settings.spikes import SpikeSettings


@pytest.fixture(scope="module")
def discovery(virions, panels, spike_settings):
    """By codes that say, with noise, how dense a voxel is and how dense its surroundings are."""
    from scipy import ndimage

    density = panels.density()
    near = ndimage.gaussian_filter(density, 1.0)
    codes = 0.2 * np.stack([density, near], axis=-1).astype(np.float32)
    segmentation = Segmentation(levels={}, codes=codes)
    return discovered(
        virions, panels, segmentation, PoincareBall(), settings=spike_settings, seed=0
    )


def test_spikes_are_found_where_they_were_drawn(discovery, drawn):
    found = discovery.learned
    for number in range(2):
        mine = found.peaks.owners == number
        true = drawn.spikes_nm[drawn.owners == number]
        hits = matched(found.peaks.middles_nm[mine], true)
        assert hits >= 13
        assert mine.sum() <= 16


def test_counts_hold_the_number_of_spikes(discovery):
    for found in (discovery.learned, discovery.plain):
        np.testing.assert_allclose(found.counts.estimates, 14, atol=2)
        assert (found.counts.lows <= 14).all()
        assert (found.counts.highs >= 14).all()
        assert (found.counts.highs <= 20).all()


def test_without_a_tree_no_node_is_named(discovery):
    assert discovery.nodes == ()
    assert discovery.chosen is None


def test_particles_stand_on_the_membrane_and_know_their_virion(
    discovery, drawn, particles, spike_settings
):
    table = discovery.learned.table(particles, spike_settings)
    assert table.classes == ("spike",) * len(table)
    assert table.tomogram == particles.tomogram
    gaps = np.linalg.norm(table.positions_nm[:, None] - drawn.spikes_nm[None], axis=-1)
    true = gaps.argmin(axis=1)
    close = gaps.min(axis=1) < 8
    assert close.sum() >= 26
    assert gaps.min(axis=1)[close].mean() < 3.5
    np.testing.assert_array_equal(table.parents[close], drawn.owners[true[close]])
    along = (table.rotations[close] @ np.array([1.0, 0, 0]) * drawn.directions[true[close]]).sum(1)
    assert along.min() > np.cos(np.radians(15))


def test_every_listed_spike_has_voxels_of_its_own_number(discovery):
    found = discovery.learned
    volumes = np.bincount(found.pieces.reshape(-1), minlength=len(found.peaks) + 1)[1:] * 27.0
    np.testing.assert_allclose(volumes, found.volumes_nm3)
    assert (volumes >= 30).all()


def test_sizes_that_no_spike_has_are_dropped(discovery, panels):
    strict = SpikeSettings(smallest_nm3=9000.0)
    none = found_spikes(
        discovery.survey, panels, discovery.learned.scores, strict, node=None, seed=0
    )
    assert len(none.peaks) == 0
    assert none.dropped >= 26
    assert (none.counts.estimates < 3).all()


def test_spacing_is_that_of_the_listed_spikes(discovery):
    spacing = discovery.learned.spacing(0)
    assert len(spacing.nearest_nm) == (discovery.learned.peaks.owners == 0).sum()
    assert spacing.ratio > 1.0  # drawn spikes keep apart


def test_codes_are_averaged_where_their_mean_is_the_origin():
    codes = np.random.default_rng(0).normal(size=(6, 5, 4, 2)).astype(np.float32) * 0.3 + 0.8
    ball = PoincareBall()
    carried = tangent_codes(codes, ball)
    import torch

    mean = ball.frechet_mean(torch.from_numpy(carried.reshape(-1, 2)).double())
    assert float(mean.norm()) < 1e-3
    # A translation keeps distances.
    flat = [torch.from_numpy(part.reshape(-1, 2)).double() for part in (codes, carried)]
    before, after = (ball.code_distance(part[:50], part[50:100]) for part in flat)
    torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-4)


def test_peaks_of_a_node_are_those_whose_columns_run_through_it(survey, panels, drawn):
    mask = panels.joined(
        tuple(
            np.linalg.norm(virion.centres_nm() - drawn.spikes_nm[number * 14], axis=-1) < 8
            for number, virion in enumerate(panels.virions)
        )
    )
    chosen = in_node(survey.candidates, panels, mask) > 0
    assert 2 <= chosen.sum() <= 6
    gaps = np.linalg.norm(
        survey.candidates.middles_nm[chosen][:, None] - drawn.spikes_nm[[0, 14]], axis=-1
    )
    assert gaps.min(axis=1).max() < 15


def test_the_tree_is_made_of_what_may_be_spikes_and_below(panels, spike_settings):
    inside = segmented_voxels(panels, spike_settings)
    heights = panels.heights_nm()
    assert inside[(heights < 0) & panels.inside()].all()
    assert not inside[heights > spike_settings.highest_nm + 3.1].any()


def test_regions_grow_with_the_virions():
    assert suited(Configuration(), 3).segmentation.regions == 3 * 1024
    assert suited(Configuration(), 1000).segmentation.regions == 16384


def test_the_same_seed_finds_the_same_spikes(discovery, panels, spike_settings):
    again = found_spikes(
        discovery.survey, panels, discovery.learned.scores, spike_settings, node=None, seed=0
    )
    np.testing.assert_array_equal(again.peaks.columns, discovery.learned.peaks.columns)
    np.testing.assert_array_equal(again.counts.lows, discovery.learned.counts.lows)
    np.testing.assert_array_equal(again.counts.highs, discovery.learned.counts.highs)


def test_the_whole_way_names_a_node_and_a_fitted_segmenter_is_kept(
    tomogram, particles, spike_settings
):
    quick = suited(Configuration(training=TrainingSettings(steps=2, crop_size=12)), 1)
    coarse = replace(spike_settings, working_voxel_nm=4.5)
    segmenter = HierarchicalSegmenter(quick, seed=1, quiet=True)
    (virion,) = cut_virions(tomogram, particles.chosen(np.array([0])), coarse)
    segmenter.fit(Panels.of((virion,)).volume("before"))
    before = segmenter.vae_
    found = discover_spikes(
        tomogram,
        particles.chosen(np.array([0])),
        segmenter,
        settings=coarse,
        is_fitted=True,
        seed=2,
    )
    assert segmenter.vae_ is before
    assert found.chosen == found.nodes[0]
    assert found.chosen.outside > 0.5
    assert found.segmentation.tree is not None
