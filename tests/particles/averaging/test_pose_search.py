"""A turned and moved molecule, found again."""

import numpy as np
import pytest
import torch
from scattered_molecules import apart_degrees, molecule, turn

from gyrovox.particles.averaging.box_spectra import boxes_of_spectra, centred_spectra
from gyrovox.particles.averaging.pose_search import PoseSearch
from gyrovox.particles.averaging.rotation_grids import local_rotations
from gyrovox.particles.averaging.turned_wedges import turned_wedges

BOX = 20
TURNS = local_rotations(step_degrees=15.0, lean_degrees=30.0, spin_degrees=45.0)
RANGE = (-60.0, 60.0)
REFERENCE = torch.from_numpy(molecule(BOX))


def boxes_of(poses):
    return torch.from_numpy(np.stack([molecule(BOX, TURNS[row], shift) for row, shift in poses]))


def seen_through(boxes, wedges):
    return boxes_of_spectra(centred_spectra(boxes) * wedges)


@pytest.mark.parametrize("cutoff", [0.2, 0.35, 0.5])
def test_turn_and_shift_are_found(cutoff):
    draw = np.random.default_rng(0)
    poses = [(row, draw.uniform(-1.7, 1.7, 3)) for row in (0, 17, 60, len(TURNS) - 1)]
    search = PoseSearch(REFERENCE, None, TURNS, cutoff=cutoff, shift=3.5)
    everything = torch.ones(4, BOX, BOX, BOX // 2 + 1)
    found = search.found_in(boxes_of(poses), everything)
    wanted = TURNS[[row for row, _ in poses]]
    assert apart_degrees(TURNS[found.rotations], wanted).max() < (16 if cutoff == 0.2 else 1)
    np.testing.assert_allclose(found.shifts, [shift for _, shift in poses], atol=0.35)
    assert (found.scores > 0.9).all()
    assert (found.scores <= 1.0001).all()


def test_what_neither_has_seen_does_not_count():
    poses = [(40, np.zeros(3)), (71, np.zeros(3))]
    wedges = turned_wedges(np.stack([np.eye(3), turn((0, 0, 1), 90)]), BOX, RANGE)
    boxes = seen_through(boxes_of(poses), wedges)
    search = PoseSearch(REFERENCE, None, TURNS, cutoff=0.4, shift=2.0)
    found = search.found_in(boxes, wedges)
    assert found.rotations.tolist() == [40, 71]
    assert (found.scores > 0.97).all(), "as if nothing were missing"
    unaware = search.found_in(boxes, torch.ones_like(wedges))
    assert (unaware.scores < found.scores - 0.05).all()


def test_what_the_reference_has_not_seen_does_not_count_either():
    seen = turned_wedges(np.eye(3)[None], BOX, RANGE)[0]
    reference = seen_through(REFERENCE[None], seen[None])[0]
    boxes = boxes_of([(0, np.zeros(3)), (50, np.zeros(3))])
    everything = torch.ones(2, BOX, BOX, BOX // 2 + 1)
    aware = PoseSearch(reference, seen, TURNS, cutoff=0.4, shift=2.0)
    unaware = PoseSearch(reference, None, TURNS, cutoff=0.4, shift=2.0)
    found, blind = aware.found_in(boxes, everything), unaware.found_in(boxes, everything)
    assert found.rotations.tolist() == [0, 50]
    assert (found.scores > 0.95).all()
    assert (blind.scores < found.scores - 0.05).all()


def test_the_correlation_is_that_of_its_formula():
    """The score of a pair without turn and shift, from NumPy's transform."""
    draw = np.random.default_rng(1)
    box = (molecule(BOX) + 0.3 * draw.normal(size=(BOX,) * 3)).astype(np.float32)
    wedge = turned_wedges(np.eye(3)[None], BOX, RANGE)
    whole = np.fft.fftfreq(BOX)
    radius = np.linalg.norm(np.meshgrid(whole, whole, whole, indexing="ij"), axis=0)
    search = PoseSearch(REFERENCE, None, np.eye(3)[None], cutoff=0.3, shift=0.1)
    score = search.found_in(torch.from_numpy(box)[None], wedge).scores[0]
    weight = np.clip(0.5 + (0.3 - radius) * BOX, 0, 1)
    weight[0, 0, 0] = weight[BOX // 2] = 0
    weight[:, BOX // 2] = weight[:, :, BOX // 2] = 0
    half = wedge[0].numpy()
    opposite = -np.arange(BOX) % BOX
    mask = np.zeros((BOX,) * 3)
    mask[..., : BOX // 2 + 1] = half
    mask[..., BOX // 2 + 1 :] = half[opposite][:, opposite][..., 1 : BOX // 2][..., ::-1]
    spectrum, other = np.fft.fftn(box) * mask, np.fft.fftn(molecule(BOX)) * weight
    cross = (spectrum * other.conj()).real.sum()
    power = (weight * mask * np.abs(np.fft.fftn(box)) ** 2).sum()
    reference = (weight * mask * np.abs(np.fft.fftn(molecule(BOX))) ** 2).sum()
    assert score == pytest.approx(cross / np.sqrt(power * reference), rel=1e-4)


def test_no_shift_is_farther_than_allowed():
    boxes = boxes_of([(0, (3.0, 0.0, 0.0))])
    search = PoseSearch(REFERENCE, None, TURNS, cutoff=0.4, shift=1.0)
    found = search.found_in(boxes, torch.ones(1, BOX, BOX, BOX // 2 + 1))
    assert np.linalg.norm(found.shifts) <= 1.9


def test_a_search_finds_the_nearest_of_its_turns():
    between = turn((1, 0, 0), 4.0)
    box = torch.from_numpy(molecule(BOX, between))[None]
    search = PoseSearch(REFERENCE, None, TURNS, cutoff=0.4, shift=1.0)
    found = search.found_in(box, torch.ones(1, BOX, BOX, BOX // 2 + 1))
    assert apart_degrees(TURNS[found.rotations], between[None])[0] < 5
