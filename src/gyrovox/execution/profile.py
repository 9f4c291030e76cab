"""Where the time of a run went, in whichever process it was spent."""

import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gyrovox.progress import duration, quantity

_HEAD = ("stage", "pieces", "time", "share", "voxels/s", "peak memory")


@final
@dataclass(frozen=True)
class Spent:
    """What one piece of work took; small, so that a task can return it with its result.

    Attributes:
        stage: What was done.
        seconds: Wall time.
        voxels: How many it was done with, 0 where that says nothing.
        peak_bytes: The most memory that its process has held so far.
    """

    stage: str
    seconds: float
    voxels: int
    peak_bytes: int


@final
class StageTimes:
    """Collects what the stages of a run took.

    A task measures its parts with a `StageTimes` of its own and returns its `spent`; whoever
    drives the run adds them to one.
    """

    def __init__(self) -> None:
        self._spent: list[Spent] = []

    @property
    def spent(self) -> tuple[Spent, ...]:
        """Every piece of work so far, in order."""
        return tuple(self._spent)

    def add(self, *spent: Spent) -> None:
        """Count what was measured elsewhere.

        Args:
            *spent: What pieces of work took.
        """
        self._spent.extend(spent)

    @contextmanager
    def measure(self, stage: str, voxels: int = 0) -> Iterator[None]:
        """Measure a block, even one that an error ends.

        Args:
            stage: What it does.
            voxels: How many voxels it does it with.

        Yields:
            Nothing.
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.add(Spent(stage, seconds, voxels, peak_memory_bytes()))

    def table(self) -> str:
        """A row for each stage, in the order in which they began; several lines of plain text.

        Times of pieces that ran side by side are added up, so that with several workers their sum
        is more than the clock says; voxels/s are those of one worker.

        Returns:
            The table, without a newline at its end.
        """
        total = math.fsum(one.seconds for one in self._spent)
        stages = dict.fromkeys(one.stage for one in self._spent)
        rows: list[tuple[str, ...]] = [_HEAD]
        for stage in stages:
            spent = [one for one in self._spent if one.stage == stage]
            rows.append(_row(stage, spent, total))
        # Not with a rate: the stages go over the same voxels.
        rows.append(_row("all", self._spent, total, rate=False))
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        return "\n".join(
            "  ".join([
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]).rstrip()
            for row in rows
        )


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far; 0 where the system does not tell it.

    Returns:
        Bytes of resident memory.
    """
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":
        # Not getrusage: a process that another one started has the peak of that one there.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB elsewhere


def _row(stage: str, spent: Sequence[Spent], total: float, *, rate: bool = True) -> tuple[str, ...]:
    seconds = math.fsum(one.seconds for one in spent)
    voxels = sum(one.voxels for one in spent)
    peak = max((one.peak_bytes for one in spent), default=0)
    return (
        stage,
        str(len(spent)),
        duration(seconds),
        f"{100 * seconds / total:.0f} %" if total else "",
        quantity(voxels / seconds) if rate and voxels and seconds else "",
        f"{quantity(peak)}B" if peak else "",
    )
