"""Cut triplets of cubes at real-valued places and sizes, and encode each by itself."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.models import HyperbolicVAE, PatchEncoder, Posterior, evidence, triplet_loss
from gyrovox.patches import Cubes, TripletSizes, resize_cubes, sample_triplets
from gyrovox.settings import TrainingSettings
from gyrovox.training.step import Step, StepLoss, step_loss

# Interpolating equal voxels gives values that differ by less than this, in standard deviations.
_ROUNDING = 1e-4


@final
class PatchStep(Step):
    """One step of the published training: a batch of parents, children and strangers.

    Args:
        vae: A model with a `PatchEncoder`.
        settings: How it learns.

    Raises:
        TypeError: If the model's encoder is not the patch encoder.
    """

    def __init__(self, vae: HyperbolicVAE, settings: TrainingSettings) -> None:
        if not isinstance(vae.encoder, PatchEncoder):
            raise TypeError(
                f"the encoder must be a patch encoder, and is {type(vae.encoder).__name__}."
            )
        self.vae = vae
        self.encoder = vae.encoder
        self.settings = settings
        self.sizes = TripletSizes(
            parent=(float(settings.parent_sides[0]), float(settings.parent_sides[1])),
            child=(float(settings.child_sides[0]), float(settings.child_sides[1])),
            gap=float(settings.child_gap),
            sampling=settings.scale_sampling,
        )

    def loss(
        self, voxels: Float[Tensor, "channels z y x"], *, generator: torch.Generator
    ) -> StepLoss:
        """The loss on one batch of triplets of a volume."""
        z, y, x = voxels.shape[1:]
        triplets = sample_triplets(
            (z, y, x), self.settings.batch_size, self.sizes, generator=generator
        )
        roles = (triplets.parent, triplets.child, triplets.stranger)
        cubes = Cubes(
            torch.cat([role.start for role in roles]), torch.cat([role.side for role in roles])
        )
        patches = resize_cubes(voxels, cubes, self.encoder.patch_size)
        posterior = self.encoder(patches)
        parent, child, stranger = posterior.mean_code.chunk(3)
        flat = patches.flatten(1)
        varied = flat.amax(-1) - flat.amin(-1) > _ROUNDING
        triplet = triplet_loss(
            self.vae.manifold,
            *(codes[varied.view(3, -1).all(0)] for codes in (parent, child, stranger)),
            margin=self.settings.triplet_margin,
        )
        kept = Posterior(posterior.mean_code[varied], posterior.scale[varied])
        return step_loss(evidence(self.vae, kept, patches[varied]), triplet, self.settings)
