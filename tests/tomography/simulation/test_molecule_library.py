"""Where the molecules of a specimen come from."""

import mrcfile
import numpy as np
import pytest

from gyrovox.errors import MissingFileError, VolumeError
from gyrovox.tomography.simulation.molecule import mean_density
from gyrovox.tomography.simulation.molecule_library import molecule_library
from gyrovox.tomography.simulation.molecule_shapes import NUCLEOPROTEIN_V, PROTEIN_V


def write_map(path, density, angstroms):
    path.parent.mkdir(exist_ok=True)
    with mrcfile.new(path) as file:
        file.set_data(density.astype(np.float32))
        file.voxel_size = angstroms


def block(shape, low, high):
    density = np.zeros(shape)
    density[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 40.0
    return density


def test_without_a_folder_everything_is_analytic():
    library = molecule_library()
    assert library.spike.name == "spike"
    assert len(library.proteins) == 5
    assert molecule_library() is library  # drawn once


def test_a_map_is_centred_and_takes_the_potential_of_its_material(tmp_path):
    write_map(tmp_path / "polnet_10A" / "4v4r.mrc", block((20, 20, 20), (2, 4, 9), (8, 9, 19)), 10)
    library = molecule_library(tmp_path)
    ribosome = library.ribosome
    assert ribosome.spacing_nm == pytest.approx(1.0)
    assert mean_density(ribosome.density) == pytest.approx(NUCLEOPROTEIN_V)
    middle = np.array(ribosome.density.shape) // 2
    centre = np.argwhere(ribosome.density > 0).mean(axis=0) - middle
    assert np.abs(centre).max() <= 0.5
    assert ribosome.volume_nm3 == pytest.approx(6 * 5 * 10)
    assert library.spike is molecule_library().spike  # what the folder lacks


def test_the_spike_of_a_map_stands_on_a_stalk(tmp_path):
    write_map(tmp_path / "6vxx_spike_5A.mrc", block((48, 48, 48), (5, 18, 18), (39, 30, 30)), 5.0)
    spike = molecule_library(tmp_path).spike
    inside = spike.density >= spike.outline
    heights = (np.flatnonzero(inside.any(axis=(1, 2))) - len(inside) // 2) * spike.spacing_nm
    assert heights[-1] == pytest.approx(10.0, abs=0.6)
    assert heights[0] == pytest.approx(-10.0, abs=0.6)
    assert inside[inside.any(axis=(1, 2))][2].sum() < inside[len(inside) // 2].sum() / 4
    assert spike.density.max() == pytest.approx(PROTEIN_V, rel=0.01)


def test_the_real_spike_has_its_head_up(shared_data):
    """In PDB 6VXX residues 1080 to 1147, next to the membrane, have the lowest z."""
    folder = shared_data / "sim_templates"
    pdb = (folder / "6vxx_spike.pdb").read_text().splitlines()
    atoms = [line for line in pdb if line.startswith("ATOM")]
    heights, residues = (
        np.array([float(line[part]) for line in atoms]) for part in (slice(46, 54), slice(22, 26))
    )
    foot = heights[(residues >= 1080) & (residues <= 1147)].mean()
    head = heights[(residues >= 333) & (residues <= 527)].mean()
    assert head > foot + 100
    spike = molecule_library(folder).spike
    areas = (spike.density >= spike.outline).sum(axis=(1, 2))
    assert areas[len(areas) // 2 :].sum() > 1.3 * areas[: len(areas) // 2].sum()


def test_a_folder_without_maps_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"must hold 6vxx_spike_5A\.mrc or maps like"):
        molecule_library(tmp_path)


@pytest.mark.parametrize(
    ("density", "angstroms", "message"),
    [
        (np.zeros((8, 8, 8)) - 1.0, 10.0, "must hold density, and this one is empty"),
        (np.eye(8)[None] * np.ones((8, 1, 1)), (10.0, 10.0, 12.0), "must have cubic voxels"),
        (np.eye(8)[None] * np.ones((8, 1, 1)), 0.0, "must have cubic voxels of a known size"),
    ],
    ids=["empty", "bricks", "unknown"],
)
def test_a_map_that_is_none_is_refused(tmp_path, density, angstroms, message):
    write_map(tmp_path / "polnet_10A" / "4v4r.mrc", density, angstroms)
    with pytest.raises(VolumeError, match=message):
        molecule_library(tmp_path)
