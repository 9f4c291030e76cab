"""The sub-volumes of all particles that are averaged, as they stand in a state."""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor

from gyrovox.patches.tilt_wedge import TiltRange
from gyrovox.progress import track

from ..subvolumes import SubvolumeSampler
from .averaging_state import AveragingState
from .pose_search import FoundPoses, PoseSearch
from .turned_wedges import turned_wedges
from .wedge_weighted_sum import WedgeWeightedSum

_BATCH = 32


@final
class ParticleStack:
    """Cuts particles out as their reference stands, and keeps those of the last state.

    Args:
        sampler: Cuts a box out.
        tilt_range: What the tilt series has seen.
        spins: The turns of the symmetry.
        device: Where sums and comparisons are made.
        quiet: Show no progress.
    """

    def __init__(
        self,
        sampler: SubvolumeSampler,
        tilt_range: TiltRange | None,
        spins: Float64[np.ndarray, "fold 3 3"],
        *,
        device: torch.device,
        quiet: bool,
    ) -> None:
        self.device = device
        self._sampler = sampler
        self._tilt_range = tilt_range
        self._spins = spins
        self._quiet = quiet
        self._poses: tuple[np.ndarray, np.ndarray] | None = None
        self._boxes = torch.empty(0, *(sampler.box,) * 3)

    def batches(
        self, state: AveragingState, rows: Int64[np.ndarray, " m"]
    ) -> Iterator[tuple[Float32[Tensor, "b box box box"], Float32[Tensor, "b box box half"]]]:
        """The boxes of some particles and what was seen of each, some at a time."""
        boxes = self._boxes_of(state)
        for first in range(0, len(rows), _BATCH):
            batch = rows[first : first + _BATCH]
            yield boxes[batch].to(self.device), self.wedges(state.rotations[batch])

    def found(
        self, state: AveragingState, rows: Int64[np.ndarray, " m"], search: PoseSearch, what: str
    ) -> FoundPoses:
        """How the reference of a search lies in some particles; `what` is what it is said to be."""
        batches = track(
            self.batches(state, rows),
            what,
            -(-len(rows) // _BATCH),
            quiet=self._quiet,
            unit="batches",
        )
        found = [search.found_in(boxes, wedges) for boxes, wedges in batches]
        return FoundPoses(
            rotations=np.concatenate([each.rotations for each in found]),
            shifts=np.concatenate([each.shifts for each in found]),
            scores=np.concatenate([each.scores for each in found]),
        )

    def sum_of(self, state: AveragingState, chosen: Bool[np.ndarray, " n"]) -> WedgeWeightedSum:
        """The symmetric sum over some particles, at least one."""
        sums = (WedgeWeightedSum.of(*pair) for pair in self.batches(state, np.flatnonzero(chosen)))
        return reduce(add, sums).symmetrised(self._spins)

    def wedges(self, rotations: Float64[np.ndarray, "n 3 3"]) -> Float32[Tensor, "n box box half"]:
        """What was seen of particles that stand so."""
        return turned_wedges(rotations, self._sampler.box, self._tilt_range, device=self.device)

    def _boxes_of(self, state: AveragingState) -> Float32[Tensor, "n box box box"]:
        poses = (state.positions, state.rotations)
        if self._poses is not None and all(
            np.array_equal(kept, new) for kept, new in zip(self._poses, poses, strict=True)
        ):
            return self._boxes
        count = len(state.rows)
        boxes = torch.empty(count, *(self._sampler.box,) * 3)
        rows = track(range(count), "extraction", count, quiet=self._quiet, unit="particles")
        for row in rows:
            box = self._sampler.sample(state.positions[row], state.rotations[row])
            boxes[row] = torch.from_numpy(box)
        self._poses, self._boxes = poses, boxes
        return boxes
