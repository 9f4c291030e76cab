"""Layers that take codes of a manifold, one concept per file."""

from .gyroplane import EuclideanPlane as EuclideanPlane
from .gyroplane import Gyroplane as Gyroplane
from .gyroplane import plane_layer as plane_layer
