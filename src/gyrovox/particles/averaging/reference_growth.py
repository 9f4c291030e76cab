"""A first reference, grown from single particles where nobody knows what they look like."""

from functools import reduce
from operator import add

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from .averaging_state import AveragingState
from .box_spectra import boxes_of_spectra, centred_spectra
from .particle_stack import ParticleStack
from .pose_search import FoundPoses, PoseSearch
from .turned_boxes import turned_each
from .wedge_weighted_sum import WedgeWeightedSum

_SEEDS = 4  # particles that a reference is grown from, of which the best is taken
_ROUNDS = 3
_PARTICLES = 100  # that take part at most


def grown_reference(
    stack: ParticleStack,
    state: AveragingState,
    turns: Float64[np.ndarray, "turns 3 3"],
    spins: Float64[np.ndarray, "fold 3 3"],
    mask: Float32[np.ndarray, "box box box"],
    *,
    shift: float,
    seed: int,
) -> Float32[np.ndarray, "box box box"]:
    """The reference that some particles agree on best.

    A particle is taken for the reference; others are aligned to it, and their average is the next
    reference. Of several particles to begin with, that is taken whose last reference correlates
    best.

    Args:
        stack: The particles.
        state: How they stand; the cutoff says how fine the reference is.
        turns: The turns to try.
        spins: The turns of the symmetry.
        mask: What to look at.
        shift: Farthest shift in voxels.
        seed: Draws the particles.

    Returns:
        The reference, dense matter bright.
    """
    order = np.random.default_rng(seed).permutation(len(state.rows))
    few = np.sort(order[:_PARTICLES])
    looked_at = torch.from_numpy(mask).to(stack.device)
    grown = []
    for number, first in enumerate(order[:_SEEDS], start=1):
        reference = stack.sum_of(state, np.arange(len(order)) == first).average()
        for _ in range(_ROUNDS):
            search = PoseSearch(
                reference * looked_at, None, turns, cutoff=state.cutoff, shift=shift
            )
            found = stack.found(state, few, search, f"reference {number}")
            total = _sum_as_found(stack, state, few, turns, found)
            reference = total.symmetrised(spins).average()
        grown.append((float(found.scores.mean()), reference))
    return max(grown, key=lambda pair: pair[0])[1].cpu().numpy()


def _sum_as_found(
    stack: ParticleStack,
    state: AveragingState,
    rows: Int64[np.ndarray, " m"],
    turns: Float64[np.ndarray, "turns 3 3"],
    found: FoundPoses,
) -> WedgeWeightedSum:
    """The sum of boxes that are turned back, which is cheaper than to cut them out anew."""
    moved = state.moved_as(rows, turns, found)
    sums, first = [], 0
    for boxes, _ in stack.batches(state, rows):
        batch = slice(first, first + len(boxes))
        first += len(boxes)
        back = turned_each(
            _shifted(boxes, -found.shifts[batch]),
            torch.from_numpy(turns[found.rotations[batch]].swapaxes(1, 2)).to(boxes),
        )
        sums.append(WedgeWeightedSum.of(back, stack.wedges(moved.rotations[rows[batch]])))
    return reduce(add, sums)


def _shifted(
    boxes: Float32[Tensor, "n box box box"], shifts: Float64[np.ndarray, "n 3"]
) -> Float32[Tensor, "n box box box"]:
    """Boxes moved by (z, y, x) voxels, periodically."""
    box = boxes.shape[1]
    whole = torch.fft.fftfreq(box, device=boxes.device)
    half = torch.fft.rfftfreq(box, device=boxes.device)
    z, y, x = torch.from_numpy(shifts).to(boxes).T[..., None, None, None]
    waves = z * whole[:, None, None] + y * whole[:, None] + x * half
    phases = torch.exp(-2j * torch.pi * waves)
    return boxes_of_spectra(centred_spectra(boxes) * phases)
