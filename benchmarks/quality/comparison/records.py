"""What runs leave: a line of JSON for every method, seed and fold, which later runs go on from."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Record:
    """One method, trained once, on the test volumes of one fold.

    Args:
        data: Name of the data.
        fold: Name of the fold.
        method: Name of the method.
        seed: Of the training.
        seconds: Training budget: CPU seconds, on a GPU those of the clock, as all times here are;
            0 for methods that do not learn.
        steps: Steps of training that were made in it.
        volumes: Names of the test volumes.
        dice: Number of classes -> for each volume the Dice of every class of the truth.
        fit_s: Seconds of `fit`, reading of volumes not included.
        segment_s: Seconds of `segment`, for each volume, all levels.
        peak_mib: Most memory of the process, with Python and all libraries.
        empty_mib: What it held before it was given anything.
        device: Where it ran: `cpu` or `cuda`.
        gpu_mib: Most memory that tensors took on a GPU.
    """

    data: str
    fold: str
    method: str
    seed: int
    seconds: float
    steps: int
    volumes: tuple[str, ...]
    dice: dict[str, list[list[float]]]
    fit_s: float
    segment_s: list[float]
    peak_mib: float
    empty_mib: float
    device: str = "cpu"
    gpu_mib: float = 0.0

    @property
    def job(self) -> tuple[str, str, str, int, float, str]:
        """What makes it the same run."""
        return self.data, self.fold, self.method, self.seed, self.seconds, self.device


class Ledger:
    """The lines of one file, in the order in which they came.

    Args:
        path: File of JSON lines; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> list[Record]:
        """All that is there; of two records of one run the later one.

        Raises:
            ValueError: If a line is no record. A last line that was cut off does not count.
        """
        if not self.path.is_file():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        found: dict[tuple[str, str, str, int, float, str], Record] = {}
        # What stands behind the last line's end was cut off as it was written.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                given = json.loads(line)
                record = Record(**{**given, "volumes": tuple(given["volumes"])})
            except (TypeError, KeyError, json.JSONDecodeError) as error:
                raise ValueError(
                    f"line {number} of {self.path.name} must be a record of a run, got "
                    f"{line[:60]!r}: take the line out, and run again."
                ) from error
            found[record.job] = record
        return list(found.values())

    def add(self, record: Record) -> None:
        """Write a record behind the others; a line that was cut off before is dropped first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            file.seek(0)
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
            file.write((json.dumps(asdict(record)) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())


def rounded(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Dice as they are kept."""
    return [[round(float(one), 4) for one in row] for row in rows]
