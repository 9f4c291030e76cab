"""Layers that take codes of a manifold, one concept per file."""

from .gyroplane import EuclideanPlane as EuclideanPlane
from .gyroplane import Gyroplane as Gyroplane
from .gyroplane import plane_layer as plane_layer
from .gyroplane_conv import EuclideanPlaneConv3d as EuclideanPlaneConv3d
from .gyroplane_conv import GyroplaneConv3d as GyroplaneConv3d
from .gyroplane_conv import plane_conv3d as plane_conv3d
from .gyroplane_conv_transpose import (
    EuclideanPlaneConvTranspose3d as EuclideanPlaneConvTranspose3d,
)
from .gyroplane_conv_transpose import GyroplaneConvTranspose3d as GyroplaneConvTranspose3d
from .gyroplane_conv_transpose import plane_conv_transpose3d as plane_conv_transpose3d
