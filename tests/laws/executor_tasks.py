"""Tasks for the tests of executors: worker processes import them from here, and no pytest."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


def square(number: int) -> int:
    return number * number


def process_id(_item: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def refuse(number: int) -> int:
    if number == 2:
        raise ValueError(f"{number} must not be two")
    time.sleep(0.05)
    return number


class PeculiarError(Exception):
    """One that cannot travel: it can be made of two numbers only, and forgets them."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")

    # As without it, if nobody has taught pickle better; dask brings a library that does.
    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return PeculiarError, self.args


class RewordedError(Exception):
    """One that says more each time it is made again."""

    def __init__(self, what: str) -> None:
        super().__init__(f"it must be three and is {what}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return RewordedError, self.args


def refuse_in_a_peculiar_way(_item: int) -> int:
    raise PeculiarError(1, 2)


def unsendable(_item: int) -> object:
    return lambda: None


def loaded_threads(_item: int) -> dict[str, int]:
    """Threads of torch and of the libraries under numpy in this process."""
    import numpy as np
    import torch
    from threadpoolctl import threadpool_info

    np.ones((4, 4)) @ np.ones((4, 4))
    pools = {pool["prefix"]: pool["num_threads"] for pool in threadpool_info()}
    return {**pools, "torch": torch.get_num_threads()}


@dataclass(frozen=True)
class Deadly:
    """Kills its own process as the kernel does when memory runs out, the first times it is run.

    Attributes:
        folder: Where it notes how often it was run.
        deaths: How many times it dies for each of `items`.
        items: The items that it dies of.
    """

    folder: Path
    deaths: int
    items: tuple[int, ...]

    def __call__(self, item: int) -> int:
        with (self.folder / f"{item}.runs").open("a") as file:
            file.write(f"{os.getpid()}\n")
        runs = len((self.folder / f"{item}.runs").read_text().splitlines())
        if item in self.items and runs <= self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@dataclass(frozen=True)
class Slow:
    """Says who runs an item, waits, and answers with its square.

    Attributes:
        folder: Where it leaves a file, named after the item, that holds its process' id.
        seconds: How long it waits.
    """

    folder: Path
    seconds: float

    def __call__(self, item: int) -> int:
        beside = self.folder / f".{item}.{os.getpid()}"
        beside.write_text(str(os.getpid()))
        beside.replace(self.folder / f"{item}.pid")
        time.sleep(self.seconds)
        return item * item


@dataclass(frozen=True)
class Large:
    """Takes and gives more bytes than a pipe holds at once.

    Attributes:
        size: How many.
    """

    size: int

    def __call__(self, item: bytes) -> bytes:
        return item[:1] * self.size
