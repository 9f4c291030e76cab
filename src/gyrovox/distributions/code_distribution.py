r"""What all distributions over codes share: a mean, scales there, and a walk along geodesics.

A sample is a tangent vector v at the mean μ, in an orthonormal frame, walked out along its
geodesic: z = exp_μ(v / λ_μ), at the distance ‖v‖. Densities are with respect to the Riemannian
volume.
"""

import abc
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints

from gyrovox.geometry import Manifold

Shape = tuple[int, ...] | list[int]
"""A shape of samples or of a batch; ``torch.Size`` is one."""


class CodeDistribution(Distribution, abc.ABC):
    """A distribution of ``torch.distributions`` whose events are codes, symmetric about a mean.

    Args:
        mean_code: Code of the mean μ, shape ``(*batch, dim)``.
        scale: Standard deviations, lengths > 0, shape ``(*batch, 1)`` or ``(*batch, dim)``.
        manifold: Where the codes live.
        validate_args: Whether parameters, and the codes of ``log_prob``, are checked. None checks,
            too: torch's own default is to check until something has been compiled.

    Attributes:
        batch_shape: Shape of the batch: that of mean and scale, broadcast.
        event_shape: ``(dim,)``.
        support: All real vectors: a code is a tangent vector at the origin.

    Raises:
        ValueError: If shapes do not fit together, or a scale is not positive.
    """

    arg_constraints: Mapping[str, constraints.Constraint] = {  # type: ignore[assignment]
        "mean_code": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),  # type: ignore[no-untyped-call]
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        mean_code: Float[Tensor, "*#batch dim"],
        scale: Float[Tensor, "*#batch scales"],
        *,
        manifold: Manifold,
        validate_args: bool | None = None,
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
        batch = (mean_code[..., 0] + scale[..., 0]).shape
        # torch's own check takes no tensor without elements, and there is nothing to check.
        checked = validate_args is not False and batch.numel() > 0
        super().__init__(batch, torch.Size((dim,)), validate_args=checked)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(batch_shape={tuple(self.batch_shape)}, "
            f"event_shape={tuple(self.event_shape)}, manifold={self.manifold!r})"
        )

    @property
    def mean(self) -> Float[Tensor, "*batch dim"]:
        """Code of the Fréchet mean, shape ``(*batch, dim)``.

        The reflection in μ is an isometry that keeps the distribution, so it keeps the mean, and μ
        is its one fixed point.
        """
        return self.mean_code.expand(self.batch_shape + self.event_shape)

    @property
    def mode(self) -> Float[Tensor, "*batch dim"]:
        """Code of the point of the highest density, ``(*batch, dim)``: the mean."""
        return self.mean

    def expand(self, batch_shape: Shape, _instance: object = None) -> "CodeDistribution":
        """The same distribution with a larger batch; no memory is taken.

        Args:
            batch_shape: The new shape, to which the present one can be broadcast.

        Returns:
            A distribution of that batch shape.

        Raises:
            ValueError: If the present shape cannot be broadcast to the new one.
        """
        shape = torch.Size(batch_shape)
        if len(shape) < len(self.batch_shape) or any(
            old not in {1, new}
            for old, new in zip(self.batch_shape[::-1], shape[::-1], strict=False)
        ):
            raise ValueError(
                f"batch_shape must be one that {tuple(self.batch_shape)} can be broadcast to, "
                f"and is {tuple(shape)}."
            )
        # The scale stays as small as it is: a normalising constant is then computed once.
        return self._with_mean(self.mean_code.expand(shape + self.event_shape))

    def rsample(self, sample_shape: Shape = ()) -> Float[Tensor, "*shape dim"]:
        """Codes of samples, differentiable in all parameters.

        Args:
            sample_shape: Shape of the samples of each member of the batch.

        Returns:
            Codes, shape ``(*sample_shape, *batch, dim)``.
        """
        return self._walk(self._tangent_samples(torch.Size(sample_shape) + self.batch_shape))

    def rsample_with_log_prob(
        self, sample_shape: Shape = ()
    ) -> tuple[Float[Tensor, "*shape dim"], Float[Tensor, "*shape"]]:
        """Codes of samples and the logarithms of their densities, which need no logarithm map.

        Args:
            sample_shape: Shape of the samples of each member of the batch.

        Returns:
            Codes, shape ``(*sample_shape, *batch, dim)``, and log densities per Riemannian volume,
            shape ``(*sample_shape, *batch)``.
        """
        v = self._tangent_samples(torch.Size(sample_shape) + self.batch_shape)
        mahalanobis = (v / self.scale).square().sum(-1)
        radius = torch.linalg.vector_norm(v, dim=-1)
        return self._walk(v), self._log_density(mahalanobis, radius)

    def log_prob(self, value: Float[Tensor, "*#shape dim"]) -> Float[Tensor, "*shape"]:
        """Logarithms of the density per Riemannian volume at codes ``(..., *batch, dim)``.

        Args:
            value: Codes, shape ``(..., *batch, dim)``.

        Returns:
            Shape ``(..., *batch)``.

        Raises:
            ValueError: If arguments are validated, and codes do not fit or are NaN.
        """
        if self._validate_args and value.numel():
            self._validate_sample(value)
        if self.scale.shape[-1] == 1:
            # The distance is all it takes, and it keeps more digits than the vector.
            radius = self.manifold.code_distance(self.mean_code, value)
            mahalanobis = (radius / self.scale.squeeze(-1)).square()
        else:
            v = 2 * self.manifold.code_add(-self.mean_code, value)
            radius = torch.linalg.vector_norm(v, dim=-1)
            mahalanobis = (v / self.scale).square().sum(-1)
        return self._log_density(mahalanobis, radius)

    @abc.abstractmethod
    def _with_mean(self, mean_code: Float[Tensor, "*batch dim"]) -> "CodeDistribution":
        """The same distribution about means of a larger batch."""

    @abc.abstractmethod
    def _tangent_samples(self, shape: torch.Size) -> Float[Tensor, "*shape dim"]:
        """Tangent vectors v at the mean, in an orthonormal frame, shape ``(*shape, dim)``."""

    @abc.abstractmethod
    def _log_density(
        self, mahalanobis: Float[Tensor, "*shape"], radius: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Log density from the squared Mahalanobis length of v and its length."""

    def _walk(self, v: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape dim"]:
        """Codes of exp_μ(v / λ_μ): by parallel transport, μ ⊕ exp_0(v / 2)."""
        return self.manifold.code_add(self.mean_code, v / 2)

    def _noise(self, shape: torch.Size) -> Float[Tensor, "*shape dim"]:
        """Standard normal numbers, shape ``(*shape, dim)``."""
        return torch.randn(
            shape + self.event_shape, dtype=self.mean_code.dtype, device=self.mean_code.device
        )
