"""Training a detector: the loop, its checkpoint, and the threshold that it ends with."""

import json
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from gyrovox import devices
from gyrovox.errors import ParticleError, SettingsError, TrainingError
from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.detector.training_step import drawn, losses
from gyrovox.progress import progress
from gyrovox.training import never
from gyrovox.training.checkpoint import Facts, read_checkpoint, write_checkpoint

_WARM_UP = 0.3
_FIRST_RATE, _LAST_RATE = 1 / 25, 1e-4  # as shares of the highest
_LARGEST_GRADIENT = 5.0
_SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW remembers of a parameter


@final
@dataclass(frozen=True, kw_only=True)
class DetectorTraining:
    """How a detector learns."""

    steps: int = 800
    """Number of updates."""

    batch: int = 2
    """Crops in an update."""

    crop: tuple[int, int, int] = (48, 64, 64)
    """Voxels (z y x) of a crop, in the detector's voxels; multiples of 16."""

    learning_rate: float = 3e-3
    """Highest learning rate of AdamW, on a cycle that rises for a third of the steps and falls."""

    weight_decay: float = 1e-2
    """Decay of the weights in AdamW."""

    def __post_init__(self) -> None:
        """Refuse what no training can use.

        Raises:
            SettingsError: If a value is out of its range.
        """
        if min(self.steps, self.batch) < 1:
            raise SettingsError(
                f"steps and batch must be at least 1, got {self.steps} and {self.batch}."
            )
        if any(count < 16 or count % 16 for count in self.crop):
            raise SettingsError(f"sides of a crop must be multiples of 16, got {self.crop}.")
        for name, value in (("rate", self.learning_rate), ("decay", self.weight_decay)):
            if not 0 <= value < math.inf:
                raise SettingsError(f"the learning {name} must be 0 or positive, got {value:g}.")


@final
@dataclass(frozen=True)
class DetectorRecord:
    """What training looked like, one number a step.

    Args:
        classes: Focal loss, a particle.
        boxes: Smooth L1 loss, a particle.
    """

    classes: list[float]
    boxes: list[float]

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return len(self.classes)


def train_detector(
    settings: DetectorSettings,
    examples: Sequence[Example],
    training: DetectorTraining,
    *,
    seed: int,
    device: str = "auto",
    quiet: bool = False,
    checkpoint: Path | None = None,
    checkpoint_every_s: float = 30.0,
    facts: Facts | None = None,
    should_stop: Callable[[], bool] = never,
) -> tuple[RetinaNet, DetectorRecord]:
    """Train a network on examples.

    Args:
        settings: What it is.
        examples: What it learns from; at least one has a particle.
        training: How it learns.
        seed: Seed of all that is drawn.
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        quiet: Show no progress.
        checkpoint: File to keep the state of the run in, and to go on from if it is there. On a
            CPU, with as many threads as before, it then ends with the same bits.
        checkpoint_every_s: Time between two checkpoints, in seconds.
        facts: What else the run is made of; a checkpoint of other facts is refused.
        should_stop: Asked after every step; where it says so, training ends early.

    Returns:
        The trained network, and what each step's losses were.

    Raises:
        ParticleError: If no example has a particle.
        TrainingError: If the loss stops being a finite number.
        CheckpointError: If the checkpoint is damaged.
        RunMismatchError: If it is that of another run.
    """
    if not any(len(example.boxes) for example in examples):
        raise ParticleError(
            f"a detector must learn from particles, and none of {len(examples)} tomograms has one "
            f"of {settings.classes}."
        )
    where = devices.device(device)
    with devices.seeded(seed, where):
        network = RetinaNet(settings).to(where)
    run = _Run(network, training, seed)
    every = {"detector": settings.plain_values(), "training": training.crop, "seed": seed}
    every |= {"steps": training.steps, "batch": training.batch, **(facts or {})}
    every |= {"examples": [zlib.crc32(example.voxels.tobytes()) for example in examples]}
    keeper = None if checkpoint is None else _Keeper(checkpoint, every, run, checkpoint_every_s)
    with progress("train", training.steps, quiet=quiet) as shown:
        shown.advance(run.record.steps)
        stop = False
        while not stop and run.record.steps < training.steps:
            run.step(examples)
            shown.advance(1, classes=run.record.classes[-1], boxes=run.record.boxes[-1])
            stop = should_stop()
            if keeper:
                keeper.keep(at_once=stop or run.record.steps == training.steps)
    return network.eval(), run.record


@final
class _Run:
    """A training in the middle of its steps."""

    def __init__(self, network: RetinaNet, training: DetectorTraining, seed: int) -> None:
        self.network = network.train()
        self.record = DetectorRecord([], [])
        self._training = training
        self._seed = seed
        self._optimiser = torch.optim.AdamW(
            network.parameters(), training.learning_rate, weight_decay=training.weight_decay
        )

    def step(self, examples: Sequence[Example]) -> None:
        """Take a step, and put it on the record.

        Raises:
            TrainingError: If the loss is no finite number; the network is then as it was before.
        """
        done, training = self.record.steps, self._training
        # A generator of its own for every step: nothing need be kept to go on exactly.
        chance = np.random.default_rng((self._seed, done))
        crops = drawn(examples, training.crop, training.batch, chance)
        for group in self._optimiser.param_groups:
            group["lr"] = training.learning_rate * share_of_rate(done, training.steps)
        self._optimiser.zero_grad(set_to_none=True)
        found = losses(self.network, crops)
        value = found.total.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss must stay finite, and is {value} after {done} steps. Lower the learning "
                f"rate (now {training.learning_rate:g})."
            )
        torch.autograd.backward(found.total)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        self.record.classes.append(found.classes.item())
        self.record.boxes.append(found.boxes.item())

    def arrays(self) -> dict[str, Tensor]:
        """All that is needed to go on, by name, on the CPU."""
        found = {f"model.{name}": value for name, value in self.network.state_dict().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{index}.{slot}": slots[slot] for slot in _SLOTS}
        found["record.classes"] = torch.tensor(self.record.classes, dtype=torch.float64)
        found["record.boxes"] = torch.tensor(self.record.boxes, dtype=torch.float64)
        return {
            name: value.detach().to("cpu", copy=True).contiguous() for name, value in found.items()
        }

    def go_on_from(self, arrays: Mapping[str, Tensor]) -> None:
        """Put everything where `arrays` was taken."""
        model = {
            name.removeprefix("model."): value
            for name, value in arrays.items()
            if name.startswith("model.")
        }
        self.network.load_state_dict(model)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            if name.startswith("optimiser."):
                _, index, slot = name.split(".")
                slots.setdefault(int(index), {})[slot] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.record.classes[:] = arrays["record.classes"].tolist()
        self.record.boxes[:] = arrays["record.boxes"].tolist()


@final
class _Keeper:
    """Writes a run to its checkpoint now and then; goes on from one that is there."""

    def __init__(self, path: Path, facts: Facts, run: _Run, every_s: float) -> None:
        self._path, self._facts, self._run, self._every_s = path, _plain(facts), run, every_s
        stored = read_checkpoint(path, self._facts)
        if stored is not None:
            run.go_on_from(stored)
        self._last = time.monotonic()

    def keep(self, *, at_once: bool) -> None:
        """Write the checkpoint, if the time has come or it is to be at once."""
        if at_once or time.monotonic() - self._last >= self._every_s:
            write_checkpoint(self._path, self._run.arrays(), self._facts)
            self._last = time.monotonic()


def share_of_rate(done: int, steps: int) -> float:
    """Share of the highest learning rate at a step: half a cosine up, then half a cosine down.

    Args:
        done: Steps that were taken.
        steps: Steps of the whole training.

    Returns:
        From a 25th at the start to 1, and down to a ten-thousandth.

    Source:
        Smith & Topin (2017), super-convergence, fig. 1. https://arxiv.org/abs/1708.07120
    """
    rising = max(1, round(_WARM_UP * steps))
    if done < rising:
        low, high, way = _FIRST_RATE, 1.0, done / rising
    else:
        low, high, way = 1.0, _LAST_RATE, (done - rising) / max(1, steps - rising)
    return low + (high - low) * 0.5 * (1 - math.cos(math.pi * way))


def _plain(facts: Facts) -> Facts:
    plain: Facts = json.loads(json.dumps(facts))
    return plain
