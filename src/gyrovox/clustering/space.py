r"""How k-means sees a space: products for its speed, stable distances where products fail.

A code is lifted to a column of features and a centre to a covector, so that their product orders
the centres by distance: all distances are one matrix product. Codes are in units of 1/√−κ here,
so the curvature is −1 or 0.
"""

import abc
from typing import final

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from gyrovox.geometry import codes as hyperbolic_codes

FARTHEST = 300.0
"""Codes longer than this are moved to it: beyond, e^(2‖u‖) leaves float64."""

_LARGEST_RADIUS = {np.dtype(np.float32): 35.0, np.dtype(np.float64): FARTHEST}
# A product is off by eps · e^(4‖c‖) / 2 of itself: 1e-4 (float32), 1e-6 (float64) at these ‖c‖.
_LARGEST_CENTRE = {np.dtype(np.float32): 2.0, np.dtype(np.float64): 6.0}
# Distances below acosh(1 + this) count as that: the weight D / sinh D is 1 there to 1e-4, 1e-9.
_NEAREST = {np.dtype(np.float32): 3e-4, np.dtype(np.float64): 1e-9}


class Space(abc.ABC):
    """What a Lloyd iteration needs to know about a space."""

    @abc.abstractmethod
    def features(self, codes: NDArray[np.floating], dtype: DTypeLike) -> NDArray[np.floating]:
        """Columns of features of codes (points, dim), shape (features, points).

        The first dim + 1 rows are what is summed into centres.
        """

    @abc.abstractmethod
    def covectors(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of centres (clusters, dim) that multiply features, shape (clusters, features)."""

    @abc.abstractmethod
    def holds(self, centres: NDArray[np.float64], dtype: DTypeLike, *, farthest: float) -> bool:
        """Whether products of this precision tell near centres from far ones.

        `farthest` is at least the length of every code.
        """

    @abc.abstractmethod
    def pull(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating] | None, NDArray[np.floating]]:
        """Weights of features in the next centre (None for 1), and squared distances, (points,)."""

    @abc.abstractmethod
    def squared_distance(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Squared distances of products (..., points), to all digits that are there."""

    @abc.abstractmethod
    def centres_of(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Centres (clusters, dim) of weighted sums of features (clusters, dim + 1)."""

    @abc.abstractmethod
    def stable_squared_distance(
        self, codes: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Squared distances of codes (points, dim) to centres that broadcast, however far."""

    @abc.abstractmethod
    def stable_centre(
        self, codes: NDArray[np.float64], weights: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The next centre (dim,) of the codes of one cluster, however far from the origin."""


@final
class HyperbolicSpace(Space):
    r"""Curvature −1: features are e^(−R) (L_space, L_time, 1), R = 2‖u‖, L on the hyperboloid.

    Scaled so, no code overflows; the product with (−L_space, L_time) of a centre is e^(−R) cosh D.
    """

    def features(self, codes: NDArray[np.floating], dtype: DTypeLike) -> NDArray[np.floating]:
        points, dim = codes.shape
        lifted = np.empty((dim + 2, points), dtype)
        for start in range(0, points, 65536):
            block = slice(start, start + 65536)
            u = codes[block].T.astype(np.float64)
            size = np.sqrt(np.einsum("dn,dn->n", u, u))
            shrunk = np.exp(-2 * size)
            ratio = -np.expm1(-4 * size) / (2 * np.maximum(size, 1e-300))
            lifted[:dim, block] = u * np.where(size > 0, ratio, 2.0)
            lifted[dim, block] = (1 + shrunk * shrunk) / 2
            lifted[dim + 1, block] = shrunk
        return lifted

    def covectors(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        size = np.linalg.norm(centres, axis=1, keepdims=True)
        direction = centres / np.maximum(size, 1e-300)
        unused = np.zeros_like(size)
        return np.hstack([-np.sinh(2 * size) * direction, np.cosh(2 * size), unused])

    def holds(self, centres: NDArray[np.float64], dtype: DTypeLike, *, farthest: float) -> bool:
        kind = np.dtype(dtype)
        if not farthest <= _LARGEST_RADIUS[kind]:
            return False
        return float(np.linalg.norm(centres, axis=1).max()) <= _LARGEST_CENTRE[kind]

    def pull(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating] | None, NDArray[np.floating]]:
        shrunk = features[-1]
        # e^(−R) cosh D, then e^(−R) sinh D, then D itself: one root and one logarithm a point.
        sinh = shrunk * shrunk.dtype.type(1 + _NEAREST[shrunk.dtype])
        cosh = np.maximum(product, sinh, out=product)
        distance = np.multiply(cosh, cosh)
        np.multiply(shrunk, shrunk, out=sinh)
        np.subtract(distance, sinh, out=sinh)
        np.sqrt(sinh, out=sinh)
        np.add(cosh, sinh, out=distance)
        distance /= shrunk
        np.log(distance, out=distance)
        weights = np.divide(distance, sinh, out=sinh)
        return weights, np.multiply(distance, distance, out=distance)

    def squared_distance(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        beyond = np.maximum(product / features[-1] - 1, 0.0)
        far = np.log1p(beyond + np.sqrt(beyond) * np.sqrt(beyond + 2))
        return np.asarray(far * far)

    def centres_of(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        space, time = sums[:, :-1], sums[:, -1:]
        size = np.linalg.norm(space, axis=1, keepdims=True)
        # tanh of twice the code's length; a rounding past 1 would be a centre at infinity.
        slope = np.minimum(size / time, 1 - 1e-16)
        return np.asarray(space / np.maximum(size, 1e-300) * np.arctanh(slope) / 2)

    def stable_squared_distance(
        self, codes: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        far = hyperbolic_codes.distance(torch.from_numpy(codes), torch.from_numpy(centre))
        return np.asarray(far.square().numpy(), dtype=np.float64)

    def stable_centre(
        self, codes: NDArray[np.float64], weights: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        # Seen from the centre: there the members are near, and the mean of tangent vectors says
        # where to go. D / sinh D · sinh D is all that is left of the Lorentz sum's space part.
        middle = torch.from_numpy(centre)
        local = hyperbolic_codes.add(-middle, torch.from_numpy(codes)).numpy()
        distance = np.maximum(2 * np.linalg.norm(local, axis=1), 1e-8)
        pull = 2 * local.T @ weights
        time = weights @ (distance / np.tanh(distance))
        size = float(np.linalg.norm(pull))
        if size == 0.0:
            return centre
        step = pull / size * np.arctanh(min(size / time, 1 - 1e-16)) / 2
        moved = hyperbolic_codes.add(middle, torch.from_numpy(step))
        return np.asarray(moved.numpy(), dtype=np.float64)


@final
class FlatSpace(Space):
    """Curvature 0, metric 4 I: features are (x, 1, ‖x‖²), x from the mean of the codes.

    Args:
        middle: Where x is counted from, shape (dim,), so that ‖x − c‖² loses few digits.
    """

    def __init__(self, middle: NDArray[np.float64]) -> None:
        self._middle = middle

    def features(self, codes: NDArray[np.floating], dtype: DTypeLike) -> NDArray[np.floating]:
        points, dim = codes.shape
        lifted = np.empty((dim + 2, points), dtype)
        for start in range(0, points, 65536):
            block = slice(start, start + 65536)
            x = codes[block].T - self._middle[:, None]
            lifted[:dim, block] = x
            lifted[dim, block] = 1.0
            lifted[dim + 1, block] = np.einsum("dn,dn->n", x, x)
        return lifted

    def covectors(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        c = centres - self._middle
        square = np.einsum("kd,kd->k", c, c)[:, None]
        return 4 * np.hstack([-2 * c, square, np.ones_like(square)])

    def holds(self, centres: NDArray[np.float64], dtype: DTypeLike, *, farthest: float) -> bool:
        return True

    def pull(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating] | None, NDArray[np.floating]]:
        return None, np.maximum(product, 0.0, out=product)

    def squared_distance(
        self, product: NDArray[np.floating], features: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        return np.asarray(np.maximum(product, 0.0))

    def centres_of(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(sums[:, :-1] / sums[:, -1:] + self._middle)

    def stable_squared_distance(
        self, codes: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.asarray(4 * np.square(codes - centre).sum(axis=-1))

    def stable_centre(
        self, codes: NDArray[np.float64], weights: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.asarray(weights @ codes / weights.sum())
