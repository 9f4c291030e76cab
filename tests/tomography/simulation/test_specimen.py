"""Specimens: truths, particles, and that both say the same."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import ParticleError, SettingsError
from gyrovox.tomography.simulation import Part, make_specimen


def test_the_same_seed_makes_the_same_specimen(small, recipe):
    again = make_specimen(1, recipe)
    np.testing.assert_array_equal(again.density, small.density)
    np.testing.assert_array_equal(again.truths[2], small.truths[2])
    np.testing.assert_array_equal(again.particles.positions, small.particles.positions)


def test_another_seed_makes_another(small, recipe):
    assert (make_specimen(2, recipe).density != small.density).any()


def test_it_has_something_of_everything(small):
    assert {"virion", "spike", "lump", "vesicle", "ribosome", "shell", "gold", "protein"} <= set(
        small.particles.classes
    )


def test_every_label_lies_within_one_of_the_level_above(small):
    coarse, parts, labels = small.truths
    coarse_of_part, part_of_label = small.ancestors
    np.testing.assert_array_equal(coarse_of_part[parts], coarse)
    np.testing.assert_array_equal(part_of_label[labels], parts)


def test_labels_are_rows_of_the_table(small):
    labels, particles = small.truths[2], small.particles
    part_of = {
        "virion": Part.VIRION_MEMBRANE,
        "spike": Part.SPIKE,
        "lump": Part.LUMP,
        "vesicle": Part.VESICLE_MEMBRANE,
        "cargo": Part.CARGO,
        "microtubule": Part.MICROTUBULE_WALL,
        "membrane": Part.MEMBRANE,
        "ribosome": Part.RIBOSOME,
        "shell": Part.SHELL,
        "gold": Part.GOLD,
        "protein": Part.PROTEIN,
    }
    for row, name in enumerate(particles.classes):
        assert small.ancestors[1][row + 1] == part_of[name]
    lumens = small.ancestors[1][len(particles) + 1 :]
    assert set(lumens.tolist()) <= {
        Part.VIRION_LUMEN,
        Part.VESICLE_LUMEN,
        Part.MICROTUBULE_LUMEN,
    }
    assert labels.max() < len(small.ancestors[1])


def test_a_virion_lies_around_its_place(small):
    virions = small.particles_of("virion")
    whole = np.isin(small.truths[1], (Part.VIRION_MEMBRANE, Part.VIRION_LUMEN, Part.LUMP))
    voxels = np.argwhere(whole)
    np.testing.assert_allclose(voxels.mean(axis=0), virions.positions[0], atol=0.3)
    diameter = 2 * (3 * len(voxels) / (4 * np.pi)) ** (1 / 3) * small.voxel_size_nm
    assert diameter == pytest.approx(virions.diameters_nm[0], rel=0.03)


def test_parents_are_rows_among_their_own(small):
    spikes, virions = small.particles_of("spike"), small.particles_of("virion")
    away = np.linalg.norm(spikes.positions_nm - virions.positions_nm[spikes.parents], axis=1)
    expected = virions.diameters_nm[spikes.parents] / 2 + 10
    np.testing.assert_allclose(away, expected, rtol=0.12)
    assert (virions.parents == -1).all()
    assert spikes.shape == small.density.shape
    vesicles, cargo = small.particles_of("vesicle"), small.particles_of("cargo")
    assert set(cargo.parents.tolist()) <= set(range(len(vesicles)))


def test_a_class_that_the_specimen_lacks_is_empty(recipe):
    bare = make_specimen(0, replace(recipe, virions=0, vesicles=0, crowding=0.0))
    assert len(bare.particles_of("spike")) == len(bare.particles_of("virion")) == 0


def test_a_class_that_is_not_there_is_refused(small):
    with pytest.raises(ParticleError, match=r"must be one of .*virion.*, and 'proton' came"):
        small.particles_of("proton")


def test_a_seed_must_not_be_negative(recipe):
    with pytest.raises(SettingsError, match="seed must not be negative, got -1"):
        make_specimen(-1, recipe)
