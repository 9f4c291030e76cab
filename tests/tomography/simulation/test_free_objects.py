"""What floats in the ice."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from gyrovox.tomography.simulation import Part, make_specimen
from gyrovox.tomography.simulation.free_objects import CYTOSOL
from gyrovox.tomography.simulation.molecule_library import molecule_library


@pytest.fixture(scope="module")
def ice(recipe):
    return replace(
        recipe,
        shape=(16, 40, 40),
        virions=0,
        vesicles=0,
        microtubules=0,
        membranes=0,
        ribosomes=4,
        shells=5,
        gold=6,
    )


@pytest.fixture(scope="module")
def floating(ice):
    return make_specimen(2, ice)


def test_there_is_as_much_as_was_asked_for(floating):
    for name, count in (("ribosome", 4), ("shell", 5), ("gold", 6)):
        assert floating.particles.classes.count(name) == count


def test_gold_is_dense_round_and_of_its_diameter(ice):
    specimen = make_specimen(0, replace(ice, voxel_size_nm=1.5, crowding=0.0, ribosomes=0))
    beads = specimen.particles_of("gold")
    for row, position in enumerate(beads.positions):
        label = specimen.particles.classes.index("gold") + row + 1
        voxels = np.argwhere(specimen.truths[2] == label)
        assert len(voxels) * 1.5**3 == pytest.approx(np.pi / 6 * 10.0**3, rel=0.15)
        assert np.linalg.norm(voxels.mean(axis=0) - position) < 0.3
    gold = specimen.truths[1] == Part.GOLD
    assert specimen.density[gold].mean() > 15
    assert pdist(beads.positions_nm).min() > 10


def test_crowding_is_a_share_of_the_free_volume(ice):
    """Voxels whose centres lie inside proteins, at voxels small enough to count them by."""
    roomy = replace(ice, shape=(50, 50, 50), voxel_size_nm=1.5, ribosomes=0, shells=0, gold=0)
    parts = make_specimen(0, replace(roomy, crowding=0.5)).truths[1]
    assert (parts == Part.PROTEIN).mean() == pytest.approx(0.5 * CYTOSOL, rel=0.2)


def test_without_crowding_there_are_no_proteins(ice):
    specimen = make_specimen(0, replace(ice, crowding=0.0))
    assert "protein" not in specimen.particles.classes


def test_nothing_overlaps(ice):
    """No label is painted over another one: every shell has the volume that it has alone."""
    dense = make_specimen(0, replace(ice, voxel_size_nm=1.5, crowding=1.0, gold=0))
    shells = [row for row, name in enumerate(dense.particles.classes) if name == "shell"]
    sizes = np.bincount(dense.truths[2].ravel())[np.array(shells) + 1]
    np.testing.assert_allclose(sizes * 1.5**3, molecule_library().shell.volume_nm3, rtol=0.1)


def test_a_volume_too_thin_for_gold_has_none(ice):
    specimen = make_specimen(0, replace(ice, shape=(8, 40, 40), voxel_size_nm=1.2, ribosomes=0))
    assert "gold" not in specimen.particles.classes
