"""The Riemannian normal distribution on codes."""

import math
from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gyrovox.geometry import Manifold, PoincareBall
from gyrovox.geometry.curvature import in_double, root_of

from . import radius_law
from .code_distribution import CodeDistribution


@final
class RiemannianNormal(CodeDistribution):
    r"""The normal distribution of the distance: of all with this Fréchet variance, most entropy.

    .. math::
        p(z) = \frac{e^{-d(μ, z)^2 / 2σ^2}}{Z}, \quad
        Z = \frac{2 π^{d/2}}{Γ(d/2)} \int_0^∞ e^{-r^2/2σ^2}
            \Bigl(\frac{\sinh s r}{s}\Bigr)^{d-1} dr, \quad s = \sqrt{-κ}

    In the manners of ``torch.distributions``, with codes for points. Sampling is exact: a uniform
    direction, and a radius by rejection, `radius_law.sample`. Samples and densities are
    differentiable in the mean, the scale, and a curvature that is a tensor. KL divergences have no
    closed form; `monte_carlo_kl` estimates them.

    Args:
        mean_code: Code of the mean μ, shape ``(*batch, dim)``.
        scale: σ > 0, a length, shape ``(*batch, 1)``. It is the standard deviation along an axis in
            the limit of a small scale or a flat space.
        manifold: Where the codes live. On `Euclidean` this is the isotropic `Normal`.
        validate_args: As for `CodeDistribution`.

    Raises:
        ValueError: If shapes do not fit together, or a scale is not positive.

    Source:
        Mathieu et al. (2019), section 3 and supplement; Said, Bombrun & Berthoumieu (2014).
        https://arxiv.org/abs/1901.06033, https://doi.org/10.3390/e16074015
    """

    def __init__(
        self,
        mean_code: Float[Tensor, "*#batch dim"],
        scale: Float[Tensor, "*#batch scales"],
        *,
        manifold: Manifold,
        validate_args: bool | None = None,
    ) -> None:
        if scale.shape[-1] != 1:
            raise ValueError(
                f"scale must end in 1: a Riemannian normal is isotropic. It has shape "
                f"{tuple(scale.shape)}; take WrappedNormal for a scale along every axis."
            )
        super().__init__(mean_code, scale, manifold=manifold, validate_args=validate_args)

    def _with_mean(self, mean_code: Float[Tensor, "*batch dim"]) -> "RiemannianNormal":
        return RiemannianNormal(mean_code, self.scale, manifold=self.manifold, validate_args=False)

    @property
    def log_normaliser(self) -> Float[Tensor, "*batch"]:
        """Logarithm of Z, shape of the scale without its last axis; computed in float64."""
        dim = self.event_shape[0]
        log_sphere = math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
        log_scale = self.scale.squeeze(-1).double().log()
        log_radial = radius_law.log_mass(self._relative_scale(), dim).squeeze(-1)
        return (log_sphere + dim * log_scale + log_radial).to(self.scale.dtype)

    def _tangent_samples(self, shape: torch.Size) -> Float[Tensor, "*shape dim"]:
        relative = self._relative_scale().squeeze(-1)
        # One radius for each mean, be there as many scales or not.
        t = radius_law.sample(relative, self.event_shape[0], shape)
        radius = self.scale * t.unsqueeze(-1)
        direction = torch.nn.functional.normalize(self._noise(shape), dim=-1)
        return radius.to(direction.dtype) * direction

    def _log_density(
        self, mahalanobis: Float[Tensor, "*shape"], radius: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        return -mahalanobis / 2 - self.log_normaliser

    def _relative_scale(self) -> Float64[Tensor, "*batch 1"]:
        """The scale in units of the radius of curvature, s σ; 0 in flat space."""
        sigma = self.scale.double()
        if isinstance(self.manifold, PoincareBall):
            return root_of(in_double(self.manifold.learned_curvature)) * sigma
        return torch.zeros_like(sigma)
