"""What training makes small: the negative ELBO and the hierarchical triplet loss."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.geometry import Manifold
from gyrovox.models.hyperbolic_vae import HyperbolicVAE
from gyrovox.models.posterior import Posterior


@final
@dataclass(frozen=True)
class Evidence:
    """The two parts of the ELBO, in nats a patch: ELBO = reconstruction - divergence.

    Args:
        reconstruction: log p(x | z), shape ``(patches,)``.
        divergence: log q(z | x) - log p(z), shape ``(patches,)``; its mean estimates the KL.
    """

    reconstruction: Float[Tensor, "patches"]
    divergence: Float[Tensor, "patches"]


def evidence(
    vae: HyperbolicVAE,
    posterior: Posterior,
    targets: Float[Tensor, "patches channels z y x"],
) -> Evidence:
    """One Monte-Carlo sample of the ELBO of each patch.

    .. math:: E_q[ log p(x | z) + log p(z) - log q(z | x) ]

    Args:
        vae: The model.
        posterior: q(z | x), batch shape ``(patches,)``.
        targets: The patches to rebuild, shape ``(patches, channels, size, size, size)``.

    Returns:
        The parts of the ELBO, summed over the voxels of a patch.

    Source:
        Mathieu et al. (2019), eq. 7. https://arxiv.org/abs/1901.06033
    """
    codes, log_posterior = vae.distribution(posterior).rsample_with_log_prob()
    log_prior = vae.prior(codes).log_prob(codes)
    log_likelihood = torch.as_tensor(vae.decode(codes).log_prob(targets))
    return Evidence(log_likelihood.flatten(1).sum(-1), log_posterior - log_prior)


def triplet_loss(
    manifold: Manifold,
    parent: Float[Tensor, "triplets dim"],
    child: Float[Tensor, "triplets dim"],
    stranger: Float[Tensor, "triplets dim"],
    *,
    margin: float,
) -> Float[Tensor, ""]:
    """How far parents are from having their children nearer than strangers, by a margin.

    .. math:: mean max(0, d(parent, child) - d(parent, stranger) + margin)

    Args:
        manifold: Where the codes live.
        parent: Codes of the anchors, shape ``(triplets, dim)``.
        child: Codes of patches inside them, same shape.
        stranger: Codes of patches elsewhere, same shape.
        margin: Required difference of the distances, in lengths of latent space.

    Returns:
        The mean over the triplets; 0 where there are none.

    Source:
        Hsu et al. (2021), eq. 9. https://arxiv.org/abs/2012.01644
    """
    if len(parent) == 0:
        return parent.new_zeros(())
    near = manifold.code_distance(parent, child)
    far = manifold.code_distance(parent, stranger)
    return torch.relu(near - far + margin).mean()
