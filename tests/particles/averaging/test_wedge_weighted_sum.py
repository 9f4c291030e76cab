"""Averages of boxes of which each has seen another part of Fourier space."""

import numpy as np
import torch
from scattered_molecules import molecule, turn

from gyrovox.particles.averaging.box_spectra import boxes_of_spectra, centred_spectra
from gyrovox.particles.averaging.rotation_grids import spins_about_axis
from gyrovox.particles.averaging.turned_wedges import turned_wedges
from gyrovox.particles.averaging.wedge_weighted_sum import WedgeWeightedSum

BOX = 16
VIEWS = np.stack([np.eye(3), turn((0, 0, 1), 90), turn((0, 1, 0), 90)])
WEDGES = turned_wedges(VIEWS, BOX, (-60.0, 60.0))
REFERENCE = torch.from_numpy(molecule(BOX))
SEEN = boxes_of_spectra(centred_spectra(REFERENCE.expand(3, BOX, BOX, BOX)) * WEDGES)


def test_what_one_misses_another_has_seen():
    average = WedgeWeightedSum.of(SEEN, WEDGES).average()
    torch.testing.assert_close(average, REFERENCE, atol=0.02, rtol=0)
    assert (SEEN.mean(dim=0) - REFERENCE).abs().max() > 0.1, "the mean of the boxes would not do"


def test_sums_add_up():
    parts = WedgeWeightedSum.of(SEEN[:1], WEDGES[:1]) + WedgeWeightedSum.of(SEEN[1:], WEDGES[1:])
    whole = WedgeWeightedSum.of(SEEN, WEDGES)
    torch.testing.assert_close(parts.spectrum, whole.spectrum)
    torch.testing.assert_close(parts.weights, whole.weights)


def test_it_says_what_was_seen():
    assert (WedgeWeightedSum.of(SEEN, WEDGES).seen() == 1).all()
    one = WedgeWeightedSum.of(SEEN[:1], WEDGES[:1]).seen()
    assert one[8, 0, 0] == 0
    assert one[0, 3, 3] == 1


def test_the_average_of_a_symmetry_has_it():
    symmetric = torch.from_numpy(molecule(BOX, fold=3))
    plain = WedgeWeightedSum.of(REFERENCE[None], torch.ones(1, BOX, BOX, BOX // 2 + 1))
    average = plain.symmetrised(spins_about_axis(3)).average()
    assert torch.corrcoef(torch.stack([average.flatten(), symmetric.flatten()]))[0, 1] > 0.99
    assert plain.symmetrised(spins_about_axis(1)) is plain
