"""Virions are cut out, normalised, and share voxels with nobody."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM

from gyrovox.errors import ParticleError, VoxelSizeError
from gyrovox.particles.spikes.virions import cut_virions
from gyrovox.volumes import ParticleTable, Volume


def test_spikes_stand_at_one_height_over_the_membranes(virions, drawn):
    for number, virion in enumerate(virions):
        heights = virion.membrane.heights_nm(drawn.spikes_nm[drawn.owners == number])
        np.testing.assert_allclose(heights, 12.5, atol=1.5)
        assert virion.row == number


def test_density_is_the_tomogram_turned_and_normalised(virions, drawn):
    virion = virions[0]
    places = virion.centres_nm()[virion.inside] / VOXEL_NM
    assert virion.voxel_size_nm == VOXEL_NM
    # The grid is the tomogram's, shifted by a part of a voxel: nearest voxels are like it.
    nearest = np.rint(places).astype(int)
    grey = drawn.image[tuple(nearest.T)]
    assert np.corrcoef(grey, virion.density[virion.inside])[0, 1] < -0.5
    known = virion.density[virion.inside]
    assert np.median(known) == pytest.approx(0, abs=0.02)
    assert 1.4826 * np.median(np.abs(known)) == pytest.approx(1, abs=0.03)


def test_bright_tomograms_give_the_same_virions(
    tomogram, particles, spike_settings, drawn, virions
):
    bright = Volume.from_array(-drawn.image, voxel_size_nm=(VOXEL_NM,) * 3)
    found = cut_virions(bright, particles, replace(spike_settings, contrast="bright"))
    np.testing.assert_allclose(found[0].density, virions[0].density, atol=1e-4)


def test_finer_voxels_are_averaged_to_the_working_size(drawn, particles, spike_settings):
    fine = Volume.from_array(
        np.repeat(np.repeat(np.repeat(drawn.image, 2, 0), 2, 1), 2, 2),
        voxel_size_nm=(VOXEL_NM / 2,) * 3,
    )
    table = ParticleTable(
        positions=particles.positions * 2 + 0.5,
        shape=fine.spatial_shape,
        voxel_size_nm=VOXEL_NM / 2,
        diameters_nm=particles.diameters_nm,
    )
    (first, _) = cut_virions(fine, table, spike_settings)
    assert first.voxel_size_nm == 3.0
    assert first.membrane.mean_radius_nm == pytest.approx(RADIUS_NM, abs=1.5)


def test_voxels_of_two_close_virions_belong_to_one_of_them(drawn, particles, spike_settings):
    # The second one is moved so that their shells overlap.
    shift = np.roll(drawn.image, -22, axis=2)
    image = np.where(np.arange(108) < 43, drawn.image, shift)
    positions = particles.positions.copy()
    positions[1, 2] -= 22
    table = ParticleTable(
        positions=positions,
        shape=image.shape,
        voxel_size_nm=VOXEL_NM,
        diameters_nm=particles.diameters_nm,
    )
    volume = Volume.from_array(image, voxel_size_nm=(VOXEL_NM,) * 3)
    first, second = cut_virions(volume, table, spike_settings)
    points = first.centres_nm().reshape(-1, 3)
    low, high = spike_settings.lowest_nm, spike_settings.highest_nm
    own, other = first.membrane.heights_nm(points), second.membrane.heights_nm(points)
    both = (own > low) & (own < high) & (other > low) & (other < own - 0.5)
    assert both.any()
    assert not first.inside.reshape(-1)[both].any()


def test_a_virion_at_the_border_is_flagged(drawn, particles, spike_settings, virions):
    assert not any(virion.is_clipped for virion in virions)
    cut = 12
    image = np.ascontiguousarray(drawn.image[cut:])
    table = ParticleTable(
        positions=particles.positions - [cut, 0, 0],
        shape=image.shape,
        voxel_size_nm=VOXEL_NM,
        diameters_nm=particles.diameters_nm,
    )
    found = cut_virions(
        Volume.from_array(image, voxel_size_nm=(VOXEL_NM,) * 3), table, spike_settings
    )
    assert all(virion.is_clipped for virion in found)
    assert not found[0].inside.all()


def test_particles_must_be_of_the_tomogram(tomogram, particles, spike_settings):
    other = ParticleTable(positions=particles.positions, shape=particles.shape, voxel_size_nm=1.5)
    with pytest.raises(VoxelSizeError, match=r"voxels of 1.5 nm, and the tomogram drawn has"):
        cut_virions(tomogram, other, spike_settings)
    with pytest.raises(ParticleError, match="at least one virion"):
        cut_virions(tomogram, particles.chosen(np.zeros(0, np.int64)), spike_settings)
    outside = ParticleTable(
        positions=np.array([[500.0, 1, 1]]), shape=particles.shape, voxel_size_nm=VOXEL_NM
    )
    with pytest.raises(ParticleError, match="particle 1 must lie in the tomogram"):
        cut_virions(tomogram, outside, spike_settings)
    two = Volume.from_array(np.zeros((2, 9, 9, 9), np.float32), voxel_size_nm=(VOXEL_NM,) * 3)
    with pytest.raises(ParticleError, match="one channel, and this volume has 2"):
        cut_virions(two, particles, spike_settings)
