"""Kullback-Leibler divergences of distributions over codes: in closed form, and by sampling."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import register_kl

from .code_distribution import CodeDistribution
from .wrapped_normal import Normal


@final
@dataclass(frozen=True)
class DivergenceEstimate:
    """A Kullback-Leibler divergence found by sampling, in nats.

    Args:
        value: The estimate, shape ``(*batch,)``; unbiased, so it may be negative.
        standard_error: Standard deviation of the estimate, shape ``(*batch,)``.
    """

    value: Float[Tensor, "*batch"]
    standard_error: Float[Tensor, "*batch"]


def monte_carlo_kl(
    posterior: CodeDistribution, prior: CodeDistribution, *, samples: int
) -> DivergenceEstimate:
    """KL(posterior, prior) as the mean of log q(z) − log p(z) over samples z of the posterior.

    Differentiable in the parameters of both. Where there is a closed form (two `Normal`),
    ``torch.distributions.kl_divergence`` gives it.

    Args:
        posterior: q, batch shape ``(*batch,)``.
        prior: p, on the same manifold, of a batch shape that broadcasts to that of q.
        samples: Number of samples of every member of the batch, at least 2.

    Returns:
        The estimate and its standard error.

    Raises:
        ValueError: If there are fewer than 2 samples, or the two live on different manifolds.
    """
    _check_same_space(posterior, prior)
    if samples < 2:
        raise ValueError(f"samples must be at least 2 for a standard error, and is {samples}.")
    codes, log_posterior = posterior.rsample_with_log_prob((samples,))
    difference = log_posterior - prior.log_prob(codes)
    error = difference.detach().std(0) / math.sqrt(samples)
    return DivergenceEstimate(difference.mean(0), error)


def _kl_of_normals(posterior: Normal, prior: Normal) -> Float[Tensor, "*batch"]:
    """Both volumes are that of the metric 4 I, so the factor 2 of lengths is all that is left."""
    _check_same_space(posterior, prior)
    ratio = posterior.scale / prior.scale
    ratio = ratio.expand(ratio.shape[:-1] + posterior.event_shape)
    gap = 2 * (posterior.mean_code - prior.mean_code) / prior.scale
    return (ratio.square() + gap.square() - 1 - 2 * ratio.log()).sum(-1) / 2


def _check_same_space(posterior: CodeDistribution, prior: CodeDistribution) -> None:
    """Refuse what broadcasts to a number and is none.

    Raises:
        ValueError: If dimensions or curvatures differ.
    """
    same = posterior.event_shape == prior.event_shape
    if not torch.compiler.is_compiling():
        same = same and posterior.manifold.curvature == prior.manifold.curvature
    if not same:
        raise ValueError(
            f"posterior and prior must live on one manifold, and are {posterior!r} and {prior!r}. "
            f"Give both the same dimension and curvature."
        )


register_kl(Normal, Normal)(_kl_of_normals)  # type: ignore[no-untyped-call]
