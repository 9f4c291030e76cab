"""Where tensors live: the one place that decides on CPU or GPU, and on threads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gyrovox.errors import SettingsError

if TYPE_CHECKING:
    import torch


def share_processors() -> None:
    """Let idle CPU threads sleep rather than spin; to be called before torch is loaded.

    Where another program computes too, spinning threads take the processor from the ones that they
    wait for: measured on 2 cores, a training step took 1.5 s instead of 0.15 s. Alone on the
    machine no difference was found. Environment variables that are set already are kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Without it GNU's OpenMP, which torch brings, still spins for a while.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


def device(name: str = "auto") -> "torch.device":
    """The device that work runs on.

    Args:
        name: ``auto`` (a CUDA GPU where there is one, else the CPU), ``cpu``, ``cuda`` or
            ``cuda:N``.

    Returns:
        The torch device.

    Raises:
        SettingsError: If the name is no device, or the device is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(
            f"device must be 'auto', 'cpu', 'cuda' or 'cuda:N', got {name!r}."
        ) from error
    if chosen.type not in {"cpu", "cuda"}:
        raise SettingsError(f"device must be 'auto', 'cpu', 'cuda' or 'cuda:N', got {name!r}.")
    count = torch.cuda.device_count()
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise SettingsError(
            f"device {name!r} must be one of the {count} CUDA GPUs that torch sees here. "
            f"Pass --device cpu, or install a CUDA build of torch."
        )
    return chosen


@contextmanager
def seeded(seed: int, where: "torch.device") -> Iterator[None]:
    """Inside, torch's global generators start at a seed; afterwards they are as they were before.

    Args:
        seed: Seed of the CPU's generator, and of the device's.
        where: The device that numbers are drawn on besides the CPU.

    Yields:
        Nothing.
    """
    import torch

    gpus = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        # Not torch.manual_seed, which also seeds every GPU that is not restored here.
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def limit_threads(threads: int | None) -> None:
    """Let torch compute on at most this many CPU threads.

    Args:
        threads: Number of threads, at least 1, of which no more than `cores` are used; None
            leaves torch's own choice.

    Raises:
        SettingsError: If ``threads`` is less than 1.
    """
    if threads is None:
        return
    if threads < 1:
        raise SettingsError(f"threads must be at least 1, got {threads}.")
    import torch

    # With very many, OpenMP takes the process down.
    torch.set_num_threads(min(threads, cores()))


def cores() -> int:
    """How many CPU cores this process may run on."""
    # Not os.cpu_count, which counts cores that a batch system keeps for others.
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
