"""What runs a task on many items: one interface, whatever computes."""

import abc
import reprlib
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar, final

Item = TypeVar("Item")
Result = TypeVar("Result")

RERUNS = 3
"""How often an item is run again after the worker that ran it was lost."""


class Executor(abc.ABC):
    """Runs a task on every item of a list; a context manager, which lets its workers go at the end.

    A task must not care which worker runs it, when, or how often: it depends on its item only, and
    writes nothing but whole files. Where there are several workers, tasks, items and results
    travel between processes: a task is a function of a module, or a frozen dataclass with
    `__call__`.
    """

    @abc.abstractmethod
    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index of every item and what the task made of it, as they are finished.

        An error of the task is raised, and what is not finished by then is given up; so it is if
        no more results are asked for. An executor runs one `map` at a time.

        Args:
            task: What is to be done with an item.
            items: What it is to be done with.

        Returns:
            Pairs of index and result, each index once, in any order.

        Raises:
            WorkerLostError: If an item took down its worker, and those that ran it again.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let the workers go; whatever they still do is given up."""

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@final
class Serial(Executor):
    """One item after another, in this process."""

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        for index, item in enumerate(items):
            yield index, task(item)

    def close(self) -> None:
        pass


def shown(item: object) -> str:
    """An item as a message names it: its representation, cut where it is long.

    Args:
        item: Anything.

    Returns:
        At most some 120 characters.
    """
    short = reprlib.Repr()
    short.maxother = short.maxstring = 120
    return short.repr(item)
