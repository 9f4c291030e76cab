"""Training shared by several processes that `torchrun` started, on one machine or on several.

Every process holds the whole model and runs its share of a step's batches; gradients are added up
over all of them, so that all make the same update.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, final

import torch
from jaxtyping import Float64
from torch import Tensor, distributed, nn

from gyrovox import devices
from gyrovox.errors import SettingsError, WorkerLostError

Value = TypeVar("Value")


@final
@dataclass(frozen=True)
class ProcessGroup:
    """The processes that share a training run; one alone is a group too.

    Args:
        rank: Number of this process, from 0.
        size: Number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """The numbers below ``count`` that are this process' to work on."""
        return range(self.rank, count, self.size)

    def total(self, values: Sequence[float]) -> list[float]:
        """Numbers added up over all processes, in double precision.

        Args:
            values: This process' numbers; as many as every other's.

        Returns:
            The sums, the same everywhere.

        Raises:
            WorkerLostError: If another process is gone.
        """
        if self.size == 1:
            return list(values)
        numbers: Float64[Tensor, "values"] = torch.tensor(values, dtype=torch.float64)
        with _others_alive():
            distributed.all_reduce(numbers)
        return [float(number) for number in numbers.tolist()]

    def add_gradients(self, module: nn.Module) -> None:
        """Put the sum of all processes' gradients in place of each one's own.

        Args:
            module: The model, which has the same parameters in every process.

        Raises:
            WorkerLostError: If another process is gone.
        """
        if self.size == 1:
            return
        for parameter in module.parameters():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [one.grad for one in module.parameters() if one.grad is not None]
        # One message: the model is small, so what a message costs is its start.
        joined = torch.cat([one.flatten() for one in gradients])
        with _others_alive():
            distributed.all_reduce(joined)
        lengths = [one.numel() for one in gradients]
        for own, whole in zip(gradients, torch.split(joined, lengths), strict=True):
            own.copy_(whole.view(own.shape))

    def of_leader(self, value: Value) -> Value:
        """What the leader passes, in every process.

        Args:
            value: Anything that can be pickled; that of other processes is not looked at.

        Returns:
            The leader's.

        Raises:
            WorkerLostError: If another process is gone.
        """
        if self.size == 1:
            return value
        box: list[Value | None] = [value if self.leads else None]
        with _others_alive():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        (sent,) = box
        return sent  # type: ignore[return-value]

    def gathered(self, value: Value) -> list[Value]:
        """What every process passes, in the order of their ranks.

        Args:
            value: Anything that can be pickled.

        Returns:
            The values, the same everywhere.

        Raises:
            WorkerLostError: If another process is gone.
        """
        if self.size == 1:
            return [value]
        found: list[Value | None] = [None] * self.size
        with _others_alive():
            distributed.all_gather_object(found, value)
        return [one for one in found if one is not None]


def current_group() -> ProcessGroup:
    """The processes that this one shares its work with.

    Returns:
        The group; of this process alone where no other was set up.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return ProcessGroup()
    return ProcessGroup(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def process_group() -> Iterator[ProcessGroup]:
    """Join the processes that `torchrun` started together with this one.

    Messages about tensors of a GPU go by NCCL, all others by gloo.

    Yields:
        The group; of this process alone where `torchrun` did not start it.

    Raises:
        SettingsError: If this torch cannot talk between processes.
        WorkerLostError: If another process is gone at the end.
    """
    if not _by_torchrun():
        yield ProcessGroup()
        return
    if not distributed.is_available():
        raise SettingsError(
            "torchrun needs a torch that was built with torch.distributed, and this one was not. "
            "Start one process without torchrun, or install another build of torch."
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(_local_rank() % torch.cuda.device_count())
        distributed.init_process_group("cpu:gloo,cuda:nccl")
    else:
        distributed.init_process_group("gloo")
    yield current_group()
    # Not after an error: the other processes may be in the middle of a message to this one.
    with _others_alive():
        # All leave together, the leader once it has written its files. Until then gloo's threads
        # have let go of the tensors of earlier messages: one that does so while Python ends takes
        # the process down ("terminate called without an active exception").
        distributed.barrier()
    distributed.destroy_process_group()


def own_device(name: str) -> str:
    """The device of this process: `torchrun`'s processes on a machine each take a GPU of their own.

    Args:
        name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, as a user gave it.

    Returns:
        The same, or ``cuda:N`` for the N-th process on this machine.

    Raises:
        SettingsError: If all processes would share one GPU, or there are fewer GPUs than processes.
    """
    if not _by_torchrun() or devices.device(name).type == "cpu":
        return name
    count, processes = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if ":" in name and processes > 1:
        raise SettingsError(
            f"under torchrun every process takes a GPU of its own: device must be 'auto', 'cuda' "
            f"or 'cpu', got {name!r}."
        )
    if processes > count:
        raise SettingsError(
            f"under torchrun every process takes a GPU of its own, and {processes} processes came "
            f"for {count} GPUs. Pass --nproc-per-node {count}, or --device cpu."
        )
    return name if ":" in name else f"cuda:{_local_rank()}"


def check_shares(batches: int, group: ProcessGroup) -> None:
    """Refuse a step whose batches cannot be shared out evenly.

    Args:
        batches: Batches of a step.
        group: The processes.

    Raises:
        SettingsError: If some processes would have more of them than others.
    """
    if batches % group.size:
        fitting = group.size * math.ceil(batches / group.size)
        raise SettingsError(
            f"training.batches must be a multiple of the number of processes, {group.size}, and "
            f"is {batches}. Pass --training.batches {fitting}; a step then averages over so many, "
            f"so fewer --training.steps may do."
        )


def _by_torchrun() -> bool:
    # Not by RANK and WORLD_SIZE alone, which batch systems set for other purposes.
    return "TORCHELASTIC_RUN_ID" in os.environ


def _local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def _others_alive() -> Iterator[None]:
    """Say in plain words that another process is gone.

    Raises:
        WorkerLostError: If it is.
    """
    try:
        yield
    except RuntimeError as error:
        raise WorkerLostError(
            f"all processes of a training run must stay alive, and one is gone: "
            f"{str(error).splitlines()[0]}. Start the same command again; it goes on from the last "
            f"checkpoint."
        ) from error
