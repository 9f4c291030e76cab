"""Molecules made of balls and rods."""

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.tomography.simulation.molecule import mean_density
from gyrovox.tomography.simulation.molecule_shapes import (
    NUCLEOPROTEIN_V,
    PROTEIN_V,
    analytic_lump,
    analytic_proteins,
    analytic_ribosome,
    analytic_shell,
    analytic_spike,
    rods_on_grid,
)


def extent(molecule):
    """Lengths (z, y, x) of the outline in nm."""
    inside = np.argwhere(molecule.density >= molecule.outline)
    return (inside.max(axis=0) - inside.min(axis=0) + 1) * molecule.spacing_nm


def test_a_rod_has_the_volume_of_its_formula():
    rod = rods_on_grid([((-4.0, 0.0, 0.0), (4.0, 0.0, 0.0), 2.0)], (41, 21, 21), 0.4)
    expected = np.pi * 4 * 8 + 4 / 3 * np.pi * 8
    assert rod.sum() * 0.4**3 == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(
    ("molecule", "longest", "volume"),
    [
        (analytic_spike(), 20.0, (400, 800)),
        (analytic_ribosome(), 25.0, (3000, 6000)),
        (analytic_shell(), 12.0, (300, 700)),
        (analytic_lump(), 14.0, (500, 1200)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_sizes_are_those_of_what_it_stands_for(molecule, longest, volume):
    assert extent(molecule).max() == pytest.approx(longest, abs=2.5)
    assert volume[0] < molecule.volume_nm3 < volume[1]


@pytest.mark.parametrize(
    "molecule",
    [analytic_spike(), analytic_ribosome(), analytic_shell(), analytic_lump()],
    ids=lambda molecule: molecule.name,
)
def test_it_is_one_piece_of_its_material(molecule):
    _, pieces = ndimage.label(molecule.density >= molecule.outline, np.ones((3, 3, 3)))
    assert pieces == 1
    material = NUCLEOPROTEIN_V if molecule.name in {"ribosome", "lump"} else PROTEIN_V
    assert mean_density(molecule.density) == pytest.approx(material)


def test_the_spike_stands_along_z_with_its_head_up():
    spike = analytic_spike()
    inside = spike.density >= spike.outline
    heights = (np.flatnonzero(inside.any(axis=(1, 2))) - len(inside) // 2) * spike.spacing_nm
    assert heights[0] == pytest.approx(-10.0, abs=0.6)
    assert heights[-1] == pytest.approx(10.0, abs=1.1)
    areas = inside.sum(axis=(1, 2)) * spike.spacing_nm**2
    middle = len(inside) // 2
    assert areas[middle + 8] > 2 * areas[middle - 8]


def test_the_spike_has_three_folds():
    spike = analytic_spike()
    turned = ndimage.rotate(spike.density, 120, axes=(1, 2), reshape=False, order=1)
    assert np.corrcoef(turned.ravel(), spike.density.ravel())[0, 1] > 0.97


def test_the_shell_is_hollow():
    shell = analytic_shell()
    middle = tuple(n // 2 for n in shell.density.shape)
    assert shell.density[middle] < 0.01
    grid = np.indices(shell.density.shape).reshape(3, -1).T - np.array(middle)
    radius = np.linalg.norm(grid, axis=1) * shell.spacing_nm
    weights = shell.density.ravel()
    assert (radius * weights).sum() / weights.sum() == pytest.approx(5.0, abs=0.3)


def test_proteins_are_of_several_sizes():
    volumes = [protein.volume_nm3 for protein in analytic_proteins()]
    assert max(volumes) > 8 * min(volumes)
