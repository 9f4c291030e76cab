"""Distributions over codes of a manifold, in the manners of torch.distributions."""

from .code_distribution import CodeDistribution as CodeDistribution
from .divergence import DivergenceEstimate as DivergenceEstimate
from .divergence import monte_carlo_kl as monte_carlo_kl
from .radius_law import SamplingError as SamplingError
from .riemannian_normal import RiemannianNormal as RiemannianNormal
from .wrapped_normal import Normal as Normal
from .wrapped_normal import WrappedNormal as WrappedNormal
