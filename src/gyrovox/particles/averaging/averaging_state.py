"""Where an averaging has come to, and the file that it goes on from."""

import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from gyrovox.errors import FileFormatError

from .pose_search import FoundPoses


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class AveragingState:
    """Where an averaging has come to.

    Args:
        iteration: Alignments done.
        rows: The particles of the table that are averaged, shape (n,).
        second: Which of them are of the second half, shape (n,).
        positions: Centres (z, y, x) in voxels of the tomogram, shape (n, 3).
        rotations: What takes the reference to each particle, shape (n, 3, 3).
        scores: Constrained correlations of the last alignment, shape (n,).
        halves: The averages of both halves, dense matter bright, shape (2, box, box, box).
        seen: How much of each frequency both have seen, shape (box, box, box // 2 + 1).
        cutoff: Frequency in cycles per voxel up to which the next alignment compares.
        grown: Whether the reference came from the particles, and so has no frame of its own.
    """

    iteration: int
    rows: Int64[np.ndarray, " n"]
    second: Bool[np.ndarray, " n"]
    positions: Float64[np.ndarray, "n 3"]
    rotations: Float64[np.ndarray, "n 3 3"]
    scores: Float64[np.ndarray, " n"]
    halves: Float32[np.ndarray, "2 box box box"]
    seen: Float32[np.ndarray, "box box half"]
    cutoff: float
    grown: bool

    def moved(
        self,
        rows: Int64[np.ndarray, " m"],
        turns: Float64[np.ndarray, "m 3 3"],
        shifts: Float64[np.ndarray, "m 3"],
        scores: Float64[np.ndarray, " m"],
    ) -> "AveragingState":
        """The state with other poses of some particles.

        Args:
            rows: Which ones.
            turns: How the reference turned out to be turned in the box of each one.
            shifts: Where its centre was, (z, y, x) in voxels of the box.
            scores: How well it fitted.

        Returns:
            The new state.
        """
        positions, rotations, kept = (
            self.positions.copy(),
            self.rotations.copy(),
            self.scores.copy(),
        )
        positions[rows] += np.einsum("nij,nj->ni", rotations[rows], shifts)
        rotations[rows] = _orthonormal(rotations[rows] @ turns)
        kept[rows] = scores
        return replace(self, positions=positions, rotations=rotations, scores=kept)

    def moved_as(
        self,
        rows: Int64[np.ndarray, " m"],
        turns: Float64[np.ndarray, "turns 3 3"],
        found: FoundPoses,
    ) -> "AveragingState":
        """The state with the poses that a search found for some particles."""
        return self.moved(rows, turns[found.rotations], found.shifts, found.scores)

    def save(self, path: Path) -> None:
        """Write the state to a file of NumPy's, .npz."""
        with path.open("wb") as file:
            np.savez(file, **self._arrays())  # type: ignore[arg-type]  # no name is allow_pickle

    @classmethod
    def load(cls, path: Path) -> "AveragingState":
        """The state that was saved.

        Raises:
            FileFormatError: If the file holds none.
        """
        try:
            with path.open("rb") as file, np.load(file) as kept:
                arrays = {name: kept[name] for name in kept.files}
            iteration, cutoff = int(arrays.pop("iteration")), float(arrays.pop("cutoff"))
            grown = bool(arrays.pop("grown"))
            return cls(iteration=iteration, cutoff=cutoff, grown=grown, **arrays)
        except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise FileFormatError(
                f"{path}: the file must hold the state of an averaging, and does not. Remove it."
            ) from error

    def _arrays(self) -> dict[str, np.ndarray]:
        own = vars(self)
        return {field.name: np.asarray(own[field.name]) for field in fields(self)}


def _orthonormal(matrices: Float64[np.ndarray, "m 3 3"]) -> Float64[np.ndarray, "m 3 3"]:
    """The nearest rotations: products of many drift away."""
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right)
