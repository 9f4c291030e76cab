"""Distributions over codes of a manifold, in the manners of torch.distributions."""

from .wrapped_normal import Normal as Normal
from .wrapped_normal import WrappedNormal as WrappedNormal
