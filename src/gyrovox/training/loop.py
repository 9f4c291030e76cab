"""The training loop."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox import devices
from gyrovox.errors import TrainingError
from gyrovox.models import HyperbolicVAE
from gyrovox.progress import progress
from gyrovox.settings import TrainingSettings
from gyrovox.training.checkpoint import Facts, read_checkpoint, run_facts, write_checkpoint
from gyrovox.training.dense_step import DenseStep
from gyrovox.training.distributed import ProcessGroup, check_shares, current_group
from gyrovox.training.patch_step import PatchStep
from gyrovox.training.precision import encoding_in
from gyrovox.training.random_streams import RandomStream
from gyrovox.training.state import TrainingRecord, TrainingState
from gyrovox.training.step import Step

# Of the loss a voxel of the rebuilt patch: the ELBO is a sum over them.
_LARGEST_GRADIENT = 1.0
_WARM_UP = 0.1


def never() -> bool:
    """No reason to stop.

    Returns:
        False.
    """
    return False


def train(
    vae: HyperbolicVAE,
    volumes: Sequence[Float[Tensor, "... channels _z _y _x"]],
    settings: TrainingSettings,
    *,
    seed: int,
    quiet: bool = False,
    checkpoint: Path | None = None,
    checkpoint_every_s: float = 30.0,
    should_stop: Callable[[], bool] = never,
) -> TrainingRecord:
    """Train a model, in place, and leave it ready to be used.

    With a checkpoint, a run that was cut off goes on where that was written: on a CPU, with as
    many threads and processes as before, it ends with the same bits as a run that was not.

    Args:
        vae: The model, on the device to train on.
        volumes: Normalised volumes on their working grids, on the same device, shape
            ``(channels, z, y, x)`` each, or ``(boxes, channels, z, y, x)`` for a sample of one.
        settings: How it learns.
        seed: Seed of all that is drawn. The global random state is left as it was.
        quiet: Show no progress.
        checkpoint: File to keep the state of the run in, and to go on from if it is there. It stays
            when the run is finished.
        checkpoint_every_s: Time between two checkpoints, in seconds; the last is at the end.
        should_stop: Asked after every step; where it says so, training ends early.

    Returns:
        What each step's loss was, those before a checkpoint included.

    Raises:
        TrainingError: If the loss stops being a finite number.
        SettingsError: If the processes that share the run cannot share a step evenly.
        CheckpointError: If the checkpoint is damaged.
        RunMismatchError: If it is that of another run.
        WorkerLostError: If another process that shares the run is gone.
    """
    group = current_group()
    where = volumes[0].device
    state = _beginning(vae, settings, seed, where, group)
    keeper = None
    if checkpoint is not None:
        facts = run_facts(vae, volumes, settings, seed=seed)
        keeper = _Keeper(checkpoint, facts, state, group, every_s=checkpoint_every_s)
    update = _Update(state, volumes, settings, group)
    shown = progress("train", settings.steps, quiet=quiet or not group.leads)
    vae.train()
    with devices.seeded(seed, where), encoding_in(settings.precision, vae.encoder, where), shown:
        shown.advance(state.record.steps)
        stop = False
        while not stop and state.record.steps < settings.steps:
            update.take()
            shown.advance(1, loss=state.record.loss[-1])
            # Any process may be told to stop, and then all do, after the same step.
            stop = group.total([float(should_stop())])[0] > 0
            if keeper:
                keeper.keep(at_once=stop or state.record.steps == settings.steps)
    vae.eval()
    return state.record


def _beginning(
    vae: HyperbolicVAE,
    settings: TrainingSettings,
    seed: int,
    where: torch.device,
    group: ProcessGroup,
) -> TrainingState:
    """The state before the first step, with the streams that are this process' to run.

    Raises:
        SettingsError: If the processes cannot share a step evenly.
    """
    check_shares(settings.batches, group)
    streams = {n: RandomStream(seed, n, where) for n in group.share(settings.batches)}
    optimiser = torch.optim.Adam(vae.parameters(), settings.learning_rate)
    return TrainingState(vae, optimiser, streams, TrainingRecord([], [], [], []))


@final
class _Update:
    """One step after the other: a batch from each stream, their mean gradient, one update."""

    def __init__(
        self,
        state: TrainingState,
        volumes: Sequence[Float[Tensor, "... channels _z _y _x"]],
        settings: TrainingSettings,
        group: ProcessGroup,
    ) -> None:
        self._state = state
        self._volumes = volumes
        self._settings = settings
        self._group = group
        vae = state.vae
        self._step: Step = (
            DenseStep(vae, settings)
            if vae.settings.encoder == "dense"
            else PatchStep(vae, settings)
        )
        # A voxel of the rebuilt patch adds as much to the loss whatever the patch's size.
        voxels = vae.in_channels * vae.settings.output_size**3
        self._largest_gradient = _LARGEST_GRADIENT * voxels

    def take(self) -> None:
        """Take a step, and put it on the record.

        Raises:
            TrainingError: If the loss is no finite number; the model is then as it was before.
        """
        vae, optimiser = self._state.vae, self._state.optimiser
        record, settings = self._state.record, self._settings
        optimiser.zero_grad(set_to_none=True)
        sums = self._group.total(self._backward())
        loss, reconstruction, divergence, triplet = (one / settings.batches for one in sums)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss must stay finite, and is {loss} after {record.steps} steps. Lower "
                f"training.learning_rate (now {settings.learning_rate:g})."
            )
        self._group.add_gradients(vae)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), self._largest_gradient)
        for parameters in optimiser.param_groups:
            share = _share_of_rate(record.steps, settings.steps)
            parameters["lr"] = settings.learning_rate * share
        optimiser.step()
        record.loss.append(loss)
        record.reconstruction.append(reconstruction)
        record.divergence.append(divergence)
        record.triplet.append(triplet)

    def _backward(self) -> list[float]:
        """Gradients of this process' batches; the sums of their losses, whole and in parts."""
        sums = [0.0] * 4
        for stream in self._state.streams.values():
            with stream.drawing() as generator:
                losses = self._step.loss(self._drawn(generator), generator=generator)
            torch.autograd.backward(losses.total / self._settings.batches)
            # Together: on a GPU every number that is asked for waits for all work.
            parts = [losses.total, losses.reconstruction, losses.divergence, losses.triplet]
            values = torch.stack(parts).detach().tolist()
            sums = [one + float(value) for one, value in zip(sums, values, strict=True)]
        return sums

    def _drawn(self, generator: torch.Generator) -> Float[Tensor, "channels z y x"]:
        """One of the volumes, or one of its boxes."""
        drawn = self._volumes[_index(len(self._volumes), generator)]
        return drawn if drawn.ndim == 4 else drawn[_index(len(drawn), generator)]


@final
class _Keeper:
    """Writes the state of a run to its checkpoint now and then; goes on from one that is there."""

    def __init__(
        self,
        path: Path,
        facts: Facts,
        state: TrainingState,
        group: ProcessGroup,
        *,
        every_s: float,
    ) -> None:
        self._path = path
        self._facts = facts
        self._state = state
        self._group = group
        self._every_s = every_s
        # The leader's file counts: the others may be on machines that do not have it.
        stored = group.of_leader(read_checkpoint(path, facts) if group.leads else None)
        if stored is not None:
            state.go_on_from(stored)
        self._last = time.monotonic()

    def keep(self, *, at_once: bool) -> None:
        """Write the checkpoint, if the time has come or it is to be at once."""
        due = self._group.leads and time.monotonic() - self._last >= self._every_s
        if not (at_once or self._group.total([float(due)])[0]):
            return
        arrays = self._state.arrays(self._group.gathered(self._state.stream_states()))
        if self._group.leads:
            write_checkpoint(self._path, arrays, self._facts)
        self._last = time.monotonic()


def _index(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))


def _share_of_rate(done: int, steps: int) -> float:
    """A linear warm-up over the first tenth, then half a cosine down to 0."""
    warm_up = max(1, round(_WARM_UP * steps))
    if done < warm_up:
        return (done + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(1, steps - warm_up)))
