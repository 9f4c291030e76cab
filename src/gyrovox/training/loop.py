"""The training loop."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox import devices
from gyrovox.errors import TrainingError
from gyrovox.models import HyperbolicVAE
from gyrovox.progress import progress
from gyrovox.settings import TrainingSettings
from gyrovox.training.dense_step import DenseStep
from gyrovox.training.patch_step import PatchStep
from gyrovox.training.step import Step

# Of the loss a voxel of the rebuilt patch: the ELBO is a sum over them.
_LARGEST_GRADIENT = 1.0
_WARM_UP = 0.1


@final
@dataclass(frozen=True)
class TrainingRecord:
    """What training looked like, one number a step.

    Args:
        loss: What was made small.
        reconstruction: log p(x | z), in nats a patch.
        divergence: log q(z | x) - log p(z), in nats a patch.
        triplet: Hierarchical triplet loss, a length in latent space.
    """

    loss: list[float]
    reconstruction: list[float]
    divergence: list[float]
    triplet: list[float]


def train(
    vae: HyperbolicVAE,
    volumes: Sequence[Float[Tensor, "channels _z _y _x"]],
    settings: TrainingSettings,
    *,
    seed: int,
    quiet: bool = False,
) -> TrainingRecord:
    """Train a model, in place.

    Args:
        vae: The model, on the device to train on.
        volumes: Normalised volumes on their working grids, shape ``(channels, z, y, x)`` each,
            on the same device; every step draws one of them.
        settings: How it learns.
        seed: Seed of all that is drawn. The global random state is left as it was.
        quiet: Show no progress.

    Returns:
        What each step's loss was.

    Raises:
        TrainingError: If the loss stops being a finite number.
    """
    step = _step(vae, settings)
    optimiser = torch.optim.Adam(vae.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda done: _share_of_rate(done, settings.steps)
    )
    generator = torch.Generator().manual_seed(seed)
    record = TrainingRecord([], [], [], [])
    voxels = vae.in_channels * vae.settings.output_size**3
    vae.train()
    with (
        devices.seeded(seed, volumes[0].device),
        progress("train", settings.steps, unit="steps", quiet=quiet) as bar,
    ):
        for number in range(settings.steps):
            chosen = int(torch.randint(len(volumes), (), generator=generator))
            losses = step.loss(volumes[chosen], generator=generator)
            loss = losses.total.item()
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss must stay finite, and is {loss} after {number} steps. Lower "
                    f"training.learning_rate (now {settings.learning_rate:g})."
                )
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.total)
            torch.nn.utils.clip_grad_norm_(vae.parameters(), _LARGEST_GRADIENT * voxels)
            optimiser.step()
            schedule.step()
            record.loss.append(loss)
            record.reconstruction.append(losses.reconstruction.item())
            record.divergence.append(losses.divergence.item())
            record.triplet.append(losses.triplet.item())
            bar.advance(1, loss=loss)
    vae.eval()
    return record


def _step(vae: HyperbolicVAE, settings: TrainingSettings) -> Step:
    return DenseStep(vae, settings) if vae.settings.encoder == "dense" else PatchStep(vae, settings)


def _share_of_rate(done: int, steps: int) -> float:
    """A linear warm-up over the first tenth, then half a cosine down to 0."""
    warm_up = max(1, round(_WARM_UP * steps))
    if done < warm_up:
        return (done + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(1, steps - warm_up)))
