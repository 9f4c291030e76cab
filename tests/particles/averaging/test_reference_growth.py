"""A first reference, grown from single particles."""

from dataclasses import replace

import numpy as np
import torch
from scattered_molecules import molecule, turn

from gyrovox.particles.averaging import Averager
from gyrovox.particles.averaging.box_spectra import band_weights, boxes_of_spectra, centred_spectra
from gyrovox.particles.averaging.turned_boxes import turned_volumes


def low(box, cutoff=0.2):
    spectra = centred_spectra(torch.as_tensor(box)[None])
    return boxes_of_spectra(spectra * band_weights(box.shape[0], box.shape[0], cutoff))[0]


def test_it_looks_like_the_molecule_in_some_turn(start):
    expected = low(molecule(12))
    spins = torch.from_numpy(np.stack([turn((1, 0, 0), 10 * step) for step in range(36)])).float()
    turned = turned_volumes(expected, spins).flatten(1)
    found = low(start.halves[0]).flatten()
    correlations = torch.corrcoef(torch.cat([found[None], turned]))[0, 1:]
    assert correlations.max() > 0.8
    assert correlations.max() > correlations.mean() + 0.1, "its spin is seen, too"


def test_both_halves_begin_with_it(start):
    np.testing.assert_array_equal(start.halves[0], start.halves[1])
    assert (start.iteration, start.grown) == (0, True)


def test_it_is_the_same_for_the_same_seed(noisy):
    few = noisy.priors.chosen(np.arange(6))
    quick = replace(noisy.recipe, first_step_degrees=45.0, lean_degrees=0.0)
    one, same, other = (
        Averager(noisy.tomogram, few, replace(quick, seed=seed)).start().halves
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_poses_are_as_they_were_believed(noisy, start):
    np.testing.assert_array_equal(start.rotations, noisy.priors.rotations[start.rows])
