"""What training makes small, the negative ELBO and the triplet loss, and a bound to judge by."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.geometry import Manifold, product_distance
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
        posterior: q(z | x), batch shape ``(patches,)``; of latent volumes, whose codes are
            independent of one another, ``(patches, side, side, side)``.
        targets: The patches to rebuild, shape ``(patches, channels, size, size, size)``.

    Returns:
        The parts of the ELBO, summed over the voxels and over the codes of a patch.

    Source:
        Mathieu et al. (2019), eq. 7. https://arxiv.org/abs/1901.06033
    """
    codes, log_posterior = vae.distribution(posterior).rsample_with_log_prob()
    log_prior = vae.prior(codes).log_prob(codes)
    log_likelihood = torch.as_tensor(vae.decode(codes).log_prob(targets))
    # A product over codes: the logarithms add up. A single point is a volume of one.
    divergence = (log_posterior - log_prior).unsqueeze(-1).flatten(1).sum(-1)
    return Evidence(log_likelihood.flatten(1).sum(-1), divergence)


def importance_weighted_bound(
    vae: HyperbolicVAE,
    posterior: Posterior,
    targets: Float[Tensor, "patches channels z y x"],
    *,
    samples: int,
) -> Float[Tensor, "patches"]:
    r"""A lower bound of log p(x), tighter than the ELBO with every sample: for evaluation.

    .. math::
        \log \frac1K \sum_{k=1}^K \frac{p(x | z_k) \, p(z_k)}{q(z_k | x)}, \quad z_k \sim q(z | x)

    With one sample this is an estimate of the ELBO. Its expectation does not fall as K grows, and
    tends to log p(x).

    Args:
        vae: The model.
        posterior: q(z | x), of a batch shape as for `evidence`.
        targets: The patches to judge, shape ``(patches, channels, size, size, size)``.
        samples: Number K of samples of every patch, at least 1. They are decoded one after the
            other; under ``torch.no_grad`` the memory does not grow with them.

    Returns:
        The bound of every patch, in nats, shape ``(patches,)``.

    Raises:
        ValueError: If there is no sample.

    Source:
        Burda, Grosse & Salakhutdinov (2016), section 3. https://arxiv.org/abs/1509.00519
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1, and is {samples}.")
    parts = [evidence(vae, posterior, targets) for _ in range(samples)]
    log_weights = torch.stack([one.reconstruction - one.divergence for one in parts])
    return torch.logsumexp(log_weights, dim=0) - math.log(samples)


def triplet_loss(
    manifold: Manifold,
    parent: Float[Tensor, "triplets *sides dim"],
    child: Float[Tensor, "triplets *sides dim"],
    stranger: Float[Tensor, "triplets *sides dim"],
    *,
    margin: float,
) -> Float[Tensor, ""]:
    """How far parents are from having their children nearer than strangers, by a margin.

    .. math:: mean max(0, d(parent, child) - d(parent, stranger) + margin)

    Latent volumes are points of a product of manifolds, and so is their distance.

    Args:
        manifold: Where the codes live.
        parent: Codes of the anchors, shape ``(triplets, dim)``; of latent volumes
            ``(triplets, side, side, side, dim)``.
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
    # A single point is a volume of one.
    parent, child, stranger = (
        codes.unsqueeze(1).flatten(1, -2) for codes in (parent, child, stranger)
    )
    near = product_distance(manifold, parent, child)
    far = product_distance(manifold, parent, stranger)
    return torch.relu(near - far + margin).mean()
