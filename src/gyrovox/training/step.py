"""What one update of the network is computed from."""

import abc
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.models import Evidence
from gyrovox.settings import TrainingSettings


@final
@dataclass(frozen=True)
class StepLoss:
    """The loss of one step and its parts.

    Args:
        total: What is made small.
        reconstruction: Mean of log p(x | z) over the patches, in nats a patch.
        divergence: Mean of log q(z | x) - log p(z), in nats a patch.
        triplet: The hierarchical triplet loss, a length in latent space.
    """

    total: Float[Tensor, ""]
    reconstruction: Float[Tensor, ""]
    divergence: Float[Tensor, ""]
    triplet: Float[Tensor, ""]


class Step(abc.ABC):
    """Draws what a step sees from a volume, and computes its loss."""

    @abc.abstractmethod
    def loss(
        self, voxels: Float[Tensor, "channels z y x"], *, generator: torch.Generator
    ) -> StepLoss:
        """The loss on patches drawn from one volume.

        Args:
            voxels: The normalised volume on its working grid, shape ``(channels, z, y, x)``.
            generator: Where the places of the patches come from.

        Returns:
            The loss, differentiable in the network's parameters.
        """


def step_loss(parts: Evidence, triplet: Float[Tensor, ""], settings: TrainingSettings) -> StepLoss:
    """Put the parts together: -ELBO + beta * triplet.

    Args:
        parts: The parts of the ELBO of every patch.
        triplet: The hierarchical triplet loss.
        settings: The weights.

    Returns:
        The loss and its parts.
    """
    reconstruction = parts.reconstruction.mean()
    divergence = parts.divergence.mean()
    total = settings.kl_weight * divergence - reconstruction + settings.triplet_weight * triplet
    return StepLoss(total, reconstruction, divergence, triplet)
