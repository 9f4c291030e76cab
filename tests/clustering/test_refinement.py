import numpy as np
import pytest

from gyrovox.clustering import refinement
from gyrovox.clustering.refinement import RIM

EVEN = (1.0, 1.0, 1.0)


def means_of(leaves, owner, evidence):
    """Mean evidence of every region."""
    regions = np.append(owner, -1)[leaves]
    return np.stack([
        evidence[regions == region].mean(axis=0) for region in range(owner.max() + 1)
    ]).astype(np.float32)


def redrawn(leaves, owner, evidence, areas):
    """Redrawn between regions with the means that they have at first."""
    means = means_of(leaves, owner, evidence)
    return refinement.redrawn(leaves, owner, means, evidence, areas)


def two_halves(shape=(12, 12, 12), at=6, contrast=8.0, seed=0):
    """Evidence that steps along x, with noise of unit variance."""
    evidence = np.random.default_rng(seed).normal(size=(*shape, 2)).astype(np.float32)
    evidence[:, :, at:, 0] += contrast
    return evidence


def halves(shape=(12, 12, 12), at=6):
    leaves = np.zeros(shape, np.int32)
    leaves[:, :, at:] = 1
    return leaves


def energy(leaves, owner, evidence):
    """Squared distances to the means of regions, and 4 for every face between two."""
    regions = owner[leaves]
    total = sum(
        ((evidence[regions == r] - evidence[regions == r].mean(axis=0)) ** 2).sum()
        for r in np.unique(regions)
    )
    for axis in range(3):
        ahead = np.moveaxis(regions, axis, 0)
        total += 4 * (ahead[1:] != ahead[:-1]).sum()
    return total


@pytest.mark.parametrize("off", [-2, -1, 1, 2])
def test_a_boundary_moves_to_where_the_evidence_steps(off):
    found = redrawn(halves(at=6 + off), np.arange(2), two_halves(), EVEN)
    np.testing.assert_array_equal(found, halves())


def test_a_right_boundary_stays():
    np.testing.assert_array_equal(redrawn(halves(), np.arange(2), two_halves(), EVEN), halves())


@pytest.mark.parametrize("seed", range(5))
def test_the_energy_never_grows(seed):
    generator = np.random.default_rng(seed)
    leaves = generator.integers(0, 6, (6, 7, 8)).astype(np.int32)
    owner = np.array([0, 0, 1, 1, 2, 2])
    evidence = generator.normal(size=(6, 7, 8, 3)).astype(np.float32)
    before = energy(leaves, owner, evidence)
    assert energy(redrawn(leaves, owner, evidence, EVEN), owner, evidence) < before


def test_leaves_of_one_region_keep_their_boundary():
    found = redrawn(halves(at=4), np.zeros(2, np.intp), two_halves(), EVEN)
    np.testing.assert_array_equal(found, halves(at=4))


def test_a_voxel_takes_the_leaf_that_it_touches():
    # Two leaves of one region on the right; each boundary voxel joins the one beside it.
    leaves = halves(at=7)
    leaves[:6] *= 2
    found = redrawn(leaves, np.array([0, 1, 1]), two_halves(), EVEN)
    assert set(np.unique(found[:5, :, 6])) == {2}
    assert set(np.unique(found[7:, :, 6])) == {1}


def test_what_is_outside_stays_outside():
    leaves = halves(at=5)
    leaves[:, :3] = -1
    found = redrawn(leaves, np.arange(2), two_halves(), EVEN)
    np.testing.assert_array_equal(found[:, :3], -1)
    np.testing.assert_array_equal(found[:, 3:], halves()[:, 3:])


def test_a_lone_voxel_of_noise_is_taken_in():
    leaves = halves()
    evidence = two_halves(contrast=3.0)
    leaves[5, 5, 2] = 1
    assert redrawn(leaves, np.arange(2), evidence, EVEN)[5, 5, 2] == 0


def test_wide_faces_cost_more():
    # A plate one voxel thin, of weak evidence: it stays where its wide faces cost little.
    leaves = np.zeros((3, 9, 9), np.int32)
    leaves[1] = 1
    evidence = np.zeros((3, 9, 9, 1), np.float32)
    evidence[1] = 2.0
    cheap = redrawn(leaves, np.arange(2), evidence, (0.1, 1.45, 1.45))
    np.testing.assert_array_equal(cheap, leaves)
    dear = redrawn(leaves, np.arange(2), evidence, (2.8, 0.1, 0.1))
    assert (dear[1] == 0).any()


def test_the_input_is_left_as_it_was():
    leaves = halves(at=4)
    redrawn(leaves, np.arange(2), two_halves(), EVEN)
    np.testing.assert_array_equal(leaves, halves(at=4))


@pytest.mark.parametrize("start", [(0, 0, 0), (5, 3, 7), (8, 4, 3)], ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_a_part_with_its_rim_is_drawn_as_in_the_whole(start, masked):
    generator = np.random.default_rng(0)
    leaves = generator.integers(-1 if masked else 0, 6, (24, 23, 25)).astype(np.int32)
    owner = np.array([0, 0, 1, 1, 2, 2])
    evidence = generator.normal(size=(*leaves.shape, 3)).astype(np.float32)
    means = means_of(leaves, owner, evidence)
    whole = refinement.redrawn(leaves, owner, means, evidence, EVEN)
    assert (whole != leaves).mean() > 0.2
    stop = tuple(first + 9 for first in start)
    box = tuple(slice(max(a - RIM, 0), b + RIM) for a, b in zip(start, stop, strict=True))
    corner = tuple(part.start for part in box)
    drawn = refinement.redrawn(leaves[box], owner, means, evidence[box], EVEN, start=corner)
    # Two voxels beyond the part, too: its interiors are read off them.
    inner = tuple(slice(max(a - 2, 0), b + 2) for a, b in zip(start, stop, strict=True))
    moved = tuple(slice(i.start - c, i.stop - c) for i, c in zip(inner, corner, strict=True))
    np.testing.assert_array_equal(drawn[moved], whole[inner])
