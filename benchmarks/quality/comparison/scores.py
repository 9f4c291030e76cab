"""What the lines of one method say together: means and spreads over volumes and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.comparison.data import Data
from benchmarks.quality.comparison.records import Record


@dataclass(frozen=True)
class Scores:
    """One method with one training budget on one device and one set of data.

    Args:
        method: Its name.
        seconds: Its training budget.
        device: Where it ran: `cpu` or `cuda`.
        dice: Shape (seeds, volumes, levels); of volumes that every seed has.
        steps: Mean steps of training.
        fit_s: Mean seconds of a training: of the CPU, on a GPU of the clock.
        segment_s: Mean seconds of a volume, all levels; likewise.
        peak_mib: Most memory of any run.
        gpu_mib: Most memory of tensors on a GPU, of any run.
        volumes: Names of the volumes.
    """

    method: str
    seconds: float
    device: str
    dice: NDArray[np.float64]
    steps: float
    fit_s: float
    segment_s: float
    peak_mib: float
    gpu_mib: float
    volumes: tuple[str, ...]

    @property
    def per_volume(self) -> NDArray[np.float64]:
        """Mean over seeds, shape (volumes, levels)."""
        return self.dice.mean(axis=0)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over seeds and volumes, shape (levels,)."""
        return self.per_volume.mean(axis=0)

    @property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation over volumes of the mean over seeds, shape (levels,)."""
        return self.per_volume.std(axis=0, ddof=min(1, len(self.volumes) - 1))

    @property
    def over_seeds(self) -> NDArray[np.float64] | None:
        """Standard deviation over seeds of the mean over volumes; None for one seed."""
        if len(self.dice) < 2:
            return None
        return self.dice.mean(axis=1).std(axis=0, ddof=1)


def scores_of(data: Data, records: Sequence[Record]) -> list[Scores]:
    """Scores of every method, budget and device, the best first by the mean of its levels."""
    groups: dict[tuple[str, float, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.method, record.seconds, record.device), []).append(record)
    found = [_together(data, several) for several in groups.values()]
    return sorted(found, key=lambda one: -float(one.mean.mean()))


def _together(data: Data, several: list[Record]) -> Scores:
    by_seed: dict[int, dict[str, list[float]]] = {}
    for record in several:
        for number, volume in enumerate(record.volumes):
            row = [_score(record.dice[str(k)][number], data) for k in data.levels]
            by_seed.setdefault(record.seed, {})[volume] = row
    shared = set.intersection(*(set(rows) for rows in by_seed.values()))
    volumes = tuple(sorted(shared))
    return Scores(
        method=several[0].method,
        seconds=several[0].seconds,
        device=several[0].device,
        dice=np.array([[rows[one] for one in volumes] for _, rows in sorted(by_seed.items())]),
        steps=float(np.mean([record.steps for record in several])),
        fit_s=float(np.mean([record.fit_s for record in several])),
        segment_s=float(np.mean([one for record in several for one in record.segment_s])),
        peak_mib=max(record.peak_mib for record in several),
        gpu_mib=max(record.gpu_mib for record in several),
        volumes=volumes,
    )


def _score(classes: list[float], data: Data) -> float:
    return classes[-1] if data.one_class else float(np.mean(classes))
