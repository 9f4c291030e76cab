"""How far a piece of work has come: a bar on a terminal, plain lines elsewhere, nothing if quiet.

Everything is written to the standard error, so that what a command prints stays clean.
"""

import abc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Protocol, TypeVar, cast, final, runtime_checkable

Item = TypeVar("Item")

# Both are named: beartype, which checks the tests, takes no int for a float.
Amount = float | int
"""How many units of work."""

Fact = float | int | str
"""A value worth showing beside the bar: a loss, a level."""


@runtime_checkable
class Stream(Protocol):
    """What text is shown on: `sys.stderr`, or what stands in for it in a notebook."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Progress(abc.ABC):
    """How far one piece of work has come; a context manager.

    ``with progress("train", 300, unit="steps") as bar: bar.advance(1, loss=0.3)``
    """

    @abc.abstractmethod
    def advance(self, amount: Amount = 1, **facts: Fact) -> None:
        """Count `amount` more units as done and show `facts`, such as ``loss=0.3``."""

    @abc.abstractmethod
    def start(self) -> None:
        """Begin to show it; the clock starts here."""

    @abc.abstractmethod
    def stop(self, *, finished: bool) -> None:
        """Show no more; `finished` is False where an error ended the work."""

    def __enter__(self) -> "Progress":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(finished=kind is None)


@final
class SilentProgress(Progress):
    """Shows nothing."""

    def advance(self, amount: Amount = 1, **facts: Fact) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self, *, finished: bool) -> None:
        pass


@final
class LineProgress(Progress):
    """Plain lines for logs and pipes: one every few seconds, and one at the end.

    Args:
        description: What is being done.
        total: How many units there are; None where that is not known.
        unit: What is counted, such as ``"steps"``.
        stream: Where the lines go.
        interval_s: Least time between two lines, in seconds.
        clock: Time in seconds; tests pass their own.
    """

    def __init__(
        self,
        description: str,
        total: Amount | None,
        *,
        unit: str,
        stream: Stream,
        interval_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._description = description
        self._total = total
        self._unit = unit
        self._stream = stream
        self._interval_s = interval_s
        self._clock = clock
        self._done = 0.0
        self._facts: dict[str, Fact] = {}
        self._start = self._last = clock()

    def advance(self, amount: Amount = 1, **facts: Fact) -> None:
        self._done += amount
        self._facts.update(facts)
        now = self._clock()
        if now - self._last < self._interval_s:
            return
        self._last = now
        elapsed = now - self._start
        parts = [_share(self._done, self._total, self._unit)]
        if self._done > 0 and elapsed > 0:
            rate = self._done / elapsed
            parts.append(f"{quantity(rate)} {self._unit}/s")
            if self._total is not None:
                parts.append(f"{duration(max(self._total - self._done, 0) / rate)} left")
        self._write([*parts, *_shown(self._facts)])

    def _write(self, parts: list[str]) -> None:
        self._stream.write(f"{self._description}: {', '.join(parts)}\n")
        self._stream.flush()

    def start(self) -> None:
        self._start = self._last = self._clock()

    def stop(self, *, finished: bool) -> None:
        if finished:
            elapsed = duration(self._clock() - self._start)
            done = f"{quantity(self._done)} {self._unit} in {elapsed}"
            self._write([done, *_shown(self._facts)])


@final
class BarProgress(Progress):
    """A bar with the rate and an estimate of the time that is left, for a terminal.

    Args:
        description: What is being done.
        total: How many units there are; None where that is not known.
        unit: What is counted, such as ``"steps"``.
        stream: The terminal.
    """

    def __init__(
        self, description: str, total: Amount | None, *, unit: str, stream: Stream
    ) -> None:
        # Imported here: rich costs 50 ms, which a library call without a terminal never needs.
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column
        from rich.text import Text

        class _Rate(ProgressColumn):
            """What is done, the rate, and the time that has passed and is left."""

            def render(self, task: Task) -> Text:
                elapsed = task.finished_time if task.finished else task.elapsed
                parts = [_share(task.completed, task.total, unit).partition(" (")[0]]
                if task.completed > 0 and elapsed:
                    rate = task.completed / elapsed
                    parts.append(f"{quantity(rate)} {unit}/s")
                    if task.finished or task.total is None:
                        parts.append(f"took {duration(elapsed)}")
                    else:
                        parts.append(f"{duration((task.total - task.completed) / rate)} left")
                return Text("  ".join([*parts, *_shown(task.fields["facts"])]), style="dim")

        self._bar = RichProgress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=16),
            # In a narrow terminal the last facts are cut off: a second line would flicker.
            _Rate(Column(no_wrap=True, overflow="ellipsis")),
            console=Console(file=cast(IO[str], stream)),
        )
        self._facts: dict[str, Fact] = {}
        self._task = self._bar.add_task(description, total=total, start=False, facts=self._facts)

    def advance(self, amount: Amount = 1, **facts: Fact) -> None:
        self._facts.update(facts)
        self._bar.advance(self._task, amount)

    def start(self) -> None:
        self._bar.start()
        self._bar.start_task(self._task)

    def stop(self, *, finished: bool) -> None:
        self._bar.stop()


def progress(
    description: str,
    total: Amount | None = None,
    *,
    quiet: bool = False,
    unit: str = "steps",
    stream: Stream | None = None,
) -> Progress:
    """The progress that suits where it is shown.

    Args:
        description: What is being done, in a word or two.
        total: How many units there are; None where that is not known.
        quiet: Show nothing.
        unit: What is counted, such as ``"steps"`` or ``"voxels"``.
        stream: Where it is shown; the standard error if None.

    Returns:
        A bar on a terminal, lines elsewhere, nothing if `quiet`.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        return SilentProgress()
    if stream.isatty():
        return BarProgress(description, total, unit=unit, stream=stream)
    return LineProgress(description, total, unit=unit, stream=stream)


def track(
    iterable: Iterable[Item],
    description: str,
    total: Amount | None = None,
    *,
    quiet: bool = False,
    unit: str = "steps",
) -> Iterator[Item]:
    """Yield the items of `iterable` and show how far it has come.

    Args:
        iterable: The work, item by item.
        description: What is being done, in a word or two.
        total: How many items there are; None where that is not known.
        quiet: Show nothing.
        unit: What an item is, in the plural.

    Yields:
        The items.
    """
    with progress(description, total, quiet=quiet, unit=unit) as shown:
        for item in iterable:
            yield item
            shown.advance()


@contextmanager
def stopwatch(timings_s: dict[str, float], stage: str) -> Iterator[None]:
    """Add the wall time of the block to ``timings_s[stage]``, in seconds.

    Args:
        timings_s: Seconds by stage; written to.
        stage: What the block does.

    Yields:
        Nothing.
    """
    start = time.perf_counter()
    try:
        yield
    finally:
        timings_s[stage] = timings_s.get(stage, 0.0) + time.perf_counter() - start


def quantity(value: Amount) -> str:
    """Three digits with a decimal prefix: ``"125 k"`` for 125000, ``"0.25"`` for 0.25."""
    for power, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= power * 0.9995 and value >= 9999.5:  # up to 9999 is read as it is
            return f"{value / power:.3g}{prefix}"
    return f"{value:.0f}" if value >= 99.95 or value == round(value) else f"{value:.2g}"


def duration(seconds: Amount) -> str:
    """A time as a person says it: ``"0.4 s"``, ``"12 s"``, ``"3 min 05 s"``, ``"2 h 10 min"``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _share(done: Amount, total: Amount | None, unit: str) -> str:
    if not total:
        return f"{quantity(done)} {unit}"
    return f"{quantity(done)}/{quantity(total)} {unit} ({100 * done / total:.0f} %)"


def _shown(facts: dict[str, Fact]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value:.3g}"
        if isinstance(value, float)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
    ]
