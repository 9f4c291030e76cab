"""Where the nodes of a tree lie in the Poincaré disk, whatever the dimension of their codes."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from gyrovox.clustering.trunk import Trunk
from gyrovox.geometry import codes as hyperbolic_codes
from gyrovox.geometry.frechet_mean import frechet_mean

_INSIDE = 1 - 1e-9  # of the unit disk, whose rim no point reaches


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DiskMap:
    """Where codes are shown in the unit disk. Made by `disk_map`.

    Attributes:
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        middle: The code that is shown in the middle; None for the origin, shape ``(dim,)``.
        axes: The two directions that are shown, shape ``(dim, 2)``; None for the two there are.
        scale: What flat codes are multiplied by.
    """

    curvature: float
    middle: NDArray[np.float64] | None
    axes: NDArray[np.float64] | None
    scale: float

    @property
    def is_exact(self) -> bool:
        """Whether all distances are kept, since codes have no more dimensions than the disk."""
        return self.axes is None

    def positions(self, codes: Float[np.ndarray, "codes dim"]) -> Float64[np.ndarray, "codes 2"]:
        """Points of the unit disk for codes, which may be of voxels.

        Args:
            codes: Tangent vectors at the origin, shape ``(codes, dim)``.

        Returns:
            Points (x, y), shape ``(codes, 2)``; within the unit circle if space is hyperbolic.
        """
        seen = _seen_from(codes.astype(np.float64), self.middle, self.curvature)
        plane = seen @ self.axes if self.axes is not None else _padded(seen)
        if self.curvature == 0:
            return np.asarray(plane * self.scale)
        lengths = np.linalg.norm(plane, axis=1, keepdims=True)
        stretch = np.minimum(np.tanh(np.sqrt(-self.curvature) * lengths), _INSIDE)
        return np.asarray(plane / np.maximum(lengths, 1e-300) * stretch)


def disk_map(trunk: Trunk) -> DiskMap:
    r"""How codes of a tree's space are shown in the unit disk.

    Codes of two dimensions are shown as they are, on the ball scaled to radius 1: exp_0(u) with
    curvature −1. Of more dimensions the two are shown in which the leaves spread most, by tangent
    PCA: codes are seen from the Fréchet mean of the leaves, each with the weight of its voxels,
    projected onto the two first principal axes of these tangent vectors, and led back to the disk,

    .. math::
        x = \exp_0\left(P \log_0(-m \oplus y)\right), \quad
        P \text{ the axes of } \textstyle\sum_i w_i \log(\ldots)_i \log(\ldots)_i^T .

    So the mean is the middle of the disk, and distances from it are those in the plane: of points
    in a two-dimensional geodesic plane through the mean all distances are kept, of others they
    shrink. Flat codes are shown in a plane, or by their own PCA, scaled to [−1, 1].

    Args:
        trunk: The tree.

    Returns:
        The map.

    Source:
        Fletcher et al. (2004), Principal geodesic analysis for the study of nonlinear statistics
        of shape, algorithm 2. https://doi.org/10.1109/TMI.2004.831793
    """
    codes = trunk.codes.astype(np.float64)
    middle = axes = None
    if codes.shape[1] > 2:
        middle = _mean(codes, trunk)
        axes = _principal_axes(_seen_from(codes, middle, trunk.curvature), trunk)
    scale = 1.0
    if trunk.curvature == 0:
        seen = _seen_from(codes, middle, 0.0)
        plane = seen if axes is None else seen @ axes
        farthest = float(np.linalg.norm(plane, axis=1).max())
        scale = _INSIDE / farthest if farthest > 0 else 1.0
    return DiskMap(curvature=trunk.curvature, middle=middle, axes=axes, scale=scale)


def disk_positions(trunk: Trunk) -> Float64[np.ndarray, "nodes 2"]:
    """Points of the unit disk for the mean codes of all nodes, as `disk_map` shows them.

    Args:
        trunk: The tree.

    Returns:
        Points (x, y), shape ``(nodes, 2)``, of lengths below 1.
    """
    return disk_map(trunk).positions(trunk.codes)


def _shares(trunk: Trunk) -> NDArray[np.float64]:
    """The part of all voxels that every leaf has, shape (leaves,)."""
    sizes = trunk.sizes[: trunk.n_leaves].astype(np.float64)
    return np.asarray(sizes / sizes.sum())


def _padded(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes of one dimension as points of a plane."""
    return np.asarray(np.pad(codes, ((0, 0), (0, max(0, 2 - codes.shape[1])))))


def _mean(codes: NDArray[np.float64], trunk: Trunk) -> NDArray[np.float64]:
    """The mean code of all voxels, shape (dim,)."""
    leaves, shares = codes[: trunk.n_leaves], _shares(trunk)
    if trunk.curvature == 0:
        return np.asarray(shares @ leaves)
    mean = frechet_mean(
        torch.from_numpy(leaves), torch.from_numpy(shares), curvature=trunk.curvature
    )
    return np.asarray(mean.numpy())


def _seen_from(
    codes: NDArray[np.float64], middle: NDArray[np.float64] | None, curvature: float
) -> NDArray[np.float64]:
    """Tangent vectors at a code that lead to others, shape (codes, dim)."""
    if middle is None:
        return codes
    if curvature == 0:
        return np.asarray(codes - middle)
    start = -torch.from_numpy(middle)
    return hyperbolic_codes.add(start, torch.from_numpy(codes), curvature=curvature).numpy()


def _principal_axes(vectors: NDArray[np.float64], trunk: Trunk) -> NDArray[np.float64]:
    """The two axes along which the leaves spread most, shape (dim, 2)."""
    leaves = vectors[: trunk.n_leaves]
    _, axes = np.linalg.eigh((leaves * _shares(trunk)[:, np.newaxis]).T @ leaves)
    plane = axes[:, :-3:-1]
    # An axis has no sign of its own: its largest coordinate is positive.
    largest = np.take_along_axis(plane, np.abs(plane).argmax(axis=0)[np.newaxis], axis=0)
    return np.asarray(plane * np.where(largest < 0, -1.0, 1.0))
