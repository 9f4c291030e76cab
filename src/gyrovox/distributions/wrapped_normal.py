r"""The wrapped normal distribution, on codes.

v ~ N(0, Σ) in an orthonormal frame at the mean, walked out along a geodesic: z = exp_μ(v / λ_μ).
Densities are with respect to the Riemannian volume.
"""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.geometry import Euclidean, Manifold


@final
class WrappedNormal:
    r"""Normal distribution of a tangent space, wrapped onto the manifold.

    .. math::
        \log p(z) = \log N(λ_μ \log_μ z; 0, Σ) + (d - 1) \log \frac{s r}{\sinh s r},
        \quad r = d(μ, z), \; s = \sqrt{-κ}

    Manners of ``torch.distributions``, with codes for points.

    Args:
        mean_code: Code of the mean μ, shape ``(*batch, dim)``.
        scale: Standard deviations of v, lengths > 0, shape ``(*batch, 1)`` (isotropic) or
            ``(*batch, dim)`` (diagonal: along the axes of the ball, carried from 0 to μ).
        manifold: Where the codes live. On `Euclidean` this is N(mean_code, (scale / 2)²).

    Attributes:
        batch_shape: Shape of the batch.
        event_shape: ``(dim,)``.

    Raises:
        ValueError: If shapes do not fit together.

    Source:
        Mathieu et al. (2019), section 3.2 and eq. 4; Nagano et al. (2019).
        https://arxiv.org/abs/1901.06033
    """

    def __init__(
        self,
        mean_code: Float[Tensor, "*#batch dim"],
        scale: Float[Tensor, "*#batch scales"],
        *,
        manifold: Manifold,
    ) -> None:
        dim = mean_code.shape[-1]
        if scale.shape[-1] not in {1, dim}:
            raise ValueError(
                f"scale must end in 1 (isotropic) or {dim} (diagonal) for codes of dimension "
                f"{dim}, and has shape {tuple(scale.shape)}. Unsqueeze or expand it."
            )
        self.mean_code = mean_code
        self.scale = scale
        self.manifold = manifold
        self.batch_shape = (mean_code[..., 0] + scale[..., 0]).shape
        self.event_shape = torch.Size((dim,))

    def __repr__(self) -> str:
        return (
            f"WrappedNormal(batch_shape={tuple(self.batch_shape)}, "
            f"event_shape={tuple(self.event_shape)}, manifold={self.manifold!r})"
        )

    def rsample(self, sample_shape: tuple[int, ...] = ()) -> Float[Tensor, "*shape dim"]:
        """Codes of samples, differentiable in mean and scale, ``(*sample_shape, *batch, dim)``."""
        return self._walk(self._noise(sample_shape) * self.scale)

    def rsample_with_log_prob(
        self, sample_shape: tuple[int, ...] = ()
    ) -> tuple[Float[Tensor, "*shape dim"], Float[Tensor, "*shape"]]:
        """Codes of samples and the logarithms of their densities, which need no logarithm map.

        Args:
            sample_shape: Shape of the samples of each member of the batch.

        Returns:
            Codes, shape ``(*sample_shape, *batch, dim)``, and log densities per Riemannian volume,
            shape ``(*sample_shape, *batch)``.
        """
        noise = self._noise(sample_shape)
        v = noise * self.scale
        radius = torch.linalg.vector_norm(v, dim=-1)
        return self._walk(v), self._log_density(noise.square().sum(-1), radius)

    def log_prob(self, codes: Float[Tensor, "*#shape dim"]) -> Float[Tensor, "*shape"]:
        """Logarithms of the density per Riemannian volume at codes ``(..., *batch, dim)``."""
        if self.scale.shape[-1] == 1:
            # The distance is all it takes, and it keeps more digits than the vector.
            radius = self.manifold.code_distance(self.mean_code, codes)
            mahalanobis = (radius / self.scale.squeeze(-1)).square()
        else:
            v = 2 * self.manifold.code_add(-self.mean_code, codes)
            radius = torch.linalg.vector_norm(v, dim=-1)
            mahalanobis = (v / self.scale).square().sum(-1)
        return self._log_density(mahalanobis, radius)

    def _noise(self, sample_shape: tuple[int, ...]) -> Float[Tensor, "*shape dim"]:
        """Standard normal numbers."""
        shape = torch.Size(sample_shape) + self.batch_shape + self.event_shape
        return torch.randn(shape, dtype=self.mean_code.dtype, device=self.mean_code.device)

    def _walk(self, v: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape dim"]:
        """Codes of exp_μ(v / λ_μ): by parallel transport, μ ⊕ exp_0(v / 2)."""
        return self.manifold.code_add(self.mean_code, v / 2)

    def _log_density(
        self, mahalanobis: Float[Tensor, "*shape"], radius: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Log density from the squared Mahalanobis length of v and its length."""
        dim = self.event_shape[0]
        log_scale = self.scale.log()
        log_determinant = (
            log_scale.sum(-1) if log_scale.shape[-1] == dim else (dim * log_scale.squeeze(-1))
        )
        flat = -0.5 * (mahalanobis + dim * math.log(2 * math.pi)) - log_determinant
        return flat - (dim - 1) * self.manifold.log_volume_ratio(radius)


def Normal(  # noqa: N802 - a distribution by its name; only the manifold is filled in
    mean_code: Float[Tensor, "*#batch dim"], scale: Float[Tensor, "*#batch scales"]
) -> WrappedNormal:
    """The Euclidean twin: N(mean_code, (scale / 2)²) in coordinates, lengths being doubled there.

    Args:
        mean_code: Means, shape ``(*batch, dim)``.
        scale: Standard deviations in the metric 4 I, shape ``(*batch, 1)`` or ``(*batch, dim)``.

    Returns:
        `WrappedNormal` on the Euclidean manifold.
    """
    return WrappedNormal(mean_code, scale, manifold=Euclidean())
