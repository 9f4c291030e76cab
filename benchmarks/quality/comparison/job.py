"""One method on one fold, in a process of its own: its memory is its own, its seeds are too.

Of a test case it asks for the volume only; the labels go to files, and whoever started it scores
them. The exception is a method for painting, which is shown the classes of the voxels that
`painted` draws: these go to the file too, as they are not scored.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.comparison.data import Case, Fold, coarse_truth, data_of
from benchmarks.quality.comparison.found_methods import found_methods
from benchmarks.quality.comparison.method import Method, Truth
from gyrovox.devices import device
from gyrovox.execution import peak_memory_bytes
from gyrovox.volumes import Volume

_MI_B = 2**20


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a process is asked to do.

    Args:
        data: Word of the data, as on the command line.
        small: Whether phantoms are few and small.
        fold: Name of the fold.
        method: Name of the method.
        extra: Files with methods besides those of the repository.
        seed: Of the training.
        seconds: Training budget.
        most_steps: Steps after which training ends whatever the time; None: no bound.
        device: As gyrovox names devices.
        threads: Of torch.
    """

    data: str
    small: bool = False
    fold: str = ""
    method: str = ""
    extra: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = 60.0
    most_steps: int | None = None
    device: str = "cpu"
    threads: int = 1

    @property
    def where(self) -> str:
        """`cpu` or `cuda`: whichever GPU it is."""
        return device(self.device).type


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What it took."""

    steps: int
    fit_s: float
    segment_s: list[float]
    peak_mib: float
    empty_mib: float
    gpu_mib: float = 0.0


def painted(truth: Truth, share: float) -> NDArray[np.bool_]:
    """Voxels that a user paints: an equal share of every class of the finest level.

    Args:
        truth: Classes of the voxels.
        share: Part of each class's voxels; at least one voxel of each.

    Returns:
        Shape (z, y, x); the same for the same truth.
    """
    finest = truth[max(truth)]
    chance = np.random.default_rng(0)
    chosen = np.zeros(finest.size, bool)
    for one in np.unique(finest):
        where = np.flatnonzero(finest == one)
        chosen[chance.choice(where, max(1, round(share * len(where))), replace=False)] = True
    return chosen.reshape(finest.shape)


def done(job: Job, folder: Path) -> Spent:
    """Fit, segment, and leave the labels in a folder: `N.npz` for the N-th test case.

    Raises:
        ValueError: If labels have another shape than their volume, or more classes than asked for.
    """
    torch.set_num_threads(job.threads)
    data = data_of(job.data, small=job.small)
    fold = next(one for one in data.folds if one.name == job.fold)
    kind = found_methods(tuple(map(Path, job.extra)))[job.method]
    budget = Budget(job.seconds, job.most_steps, device(job.device))
    empty = peak_memory_bytes()
    method = kind(seed=job.seed, budget=budget)
    volumes = [case.volume() for case in fold.train]
    truths = _truths(kind, fold, volumes)
    begun = budget.now()
    method.fit(volumes, truths)
    fit_s = budget.now() - begun
    spent = []
    for number, case in enumerate(fold.tests):
        spent.append(_segmented(method, case, data.levels, folder / f"{number}.npz"))
    return Spent(
        steps=budget.made,
        fit_s=fit_s,
        segment_s=spent,
        peak_mib=peak_memory_bytes() / _MI_B,
        empty_mib=empty / _MI_B,
        gpu_mib=_gpu_memory(budget.device) / _MI_B,
    )


def _gpu_memory(where: torch.device) -> int:
    return torch.cuda.max_memory_allocated(where) if where.type == "cuda" else 0


def _truths(kind: type[Method], fold: Fold, volumes: Sequence[Volume]) -> list[Truth] | None:
    """Truths of the training cases, for methods that take them."""
    if not kind.uses_truths:
        return None
    pairs = zip(fold.train, volumes, strict=True)
    return [coarse_truth(case.truth(), volume.spatial_shape) for case, volume in pairs]


def _segmented(method: Method, case: Case, levels: tuple[int, ...], path: Path) -> float:
    """Labels of a test case in a file; the seconds that they took."""
    volume = case.volume()
    shape = volume.spatial_shape
    chosen = np.zeros(shape, bool)
    if method.scribbles:
        truth = coarse_truth(case.truth(), shape)
        chosen = painted(truth, method.scribbles)
        method.shown({k: np.where(chosen, one.astype(np.int64), -1) for k, one in truth.items()})
    begun = method.budget.now()
    found = method.segment(volume, levels)
    seconds = method.budget.now() - begun
    for k in levels:
        if found[k].shape != shape or len(np.unique(found[k])) > k:
            raise ValueError(
                f"labels for {k} classes must have shape {shape} and at most {k} values, got "
                f"shape {found[k].shape} and {len(np.unique(found[k]))} values: mend "
                f"{type(method).__name__}.segment."
            )
    kept = {str(k): found[k].astype(np.int32) for k in levels}
    np.savez_compressed(path, painted=chosen, **kept)
    return seconds


def main(place: Path) -> None:
    """Do what `job.json` in a folder asks for, and leave labels and `spent.json` there."""
    given = json.loads((place / "job.json").read_text(encoding="utf-8"))
    spent = done(Job(**{**given, "extra": tuple(given["extra"])}), place)
    (place / "spent.json").write_text(json.dumps(asdict(spent)), encoding="utf-8")
