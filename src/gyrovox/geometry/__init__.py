"""Hyperbolic space and its Euclidean control, as pure functions of tensors."""

from . import codes as codes
from . import euclidean as euclidean
from . import gyroplane as gyroplane
from . import lorentz as lorentz
from . import poincare as poincare
from .frechet_mean import MeanConvergenceError as MeanConvergenceError
from .frechet_mean import MeanReport as MeanReport
from .frechet_mean import frechet_mean_report as frechet_mean_report
from .manifold import Euclidean as Euclidean
from .manifold import Manifold as Manifold
from .manifold import PoincareBall as PoincareBall
from .manifold import manifold as manifold
from .midpoint import einstein_midpoint as einstein_midpoint
from .product import product_distance as product_distance
