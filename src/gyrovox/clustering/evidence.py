"""Features in units of their own noise, so that a distance between means counts as evidence.

Raw features cannot be compared: one swings by 10 within an object, another by 0.1 between two. The
noise of each is measured in the volume itself, without a label, and the features are turned and
scaled until their noise has unit variance in every direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray
from scipy import linalg, ndimage

DIMENSIONS = 4
"""Directions of evidence that are kept: those with the most signal for their noise."""

_LAG = 5  # voxels: beyond what windows of features share, within what objects measure
_SAMPLE = 400_000  # voxels that covariances are estimated from
_CALM = 0.8  # share of the differences over a lag that no edge is in
_INLIERS = 0.95  # share of the residuals that belong to their region
_FEWEST = 5  # voxels that a region needs for a mean


@final
@dataclass(frozen=True, kw_only=True)
class Spread:
    """How features spread in a part of a volume, and how much of that is noise.

    Args:
        voxels: Number of voxels that the spread is known from.
        middle: Mean of their features, shape ``(features,)``.
        scatter: Sum of products of deviations from it, shape ``(features, features)``.
        residuals: Number of residuals that the noise is known from.
        noise: Sum of products of residuals, shape ``(features, features)``.
    """

    voxels: int
    middle: NDArray[np.float64]
    scatter: NDArray[np.float64]
    residuals: int
    noise: NDArray[np.float64]


def pooled(parts: Sequence[Spread]) -> Spread:
    """The spread of several parts of a volume together.

    Args:
        parts: Spreads of the same features, at least one.

    Returns:
        Their sum; of one part, that itself.
    """
    total = parts[0]
    for part in parts[1:]:
        voxels = total.voxels + part.voxels
        share = part.voxels / max(voxels, 1)
        apart = part.middle - total.middle
        between = total.voxels * share * np.outer(apart, apart)
        total = Spread(
            voxels=voxels,
            middle=total.middle + share * apart,
            scatter=total.scatter + part.scatter + between,
            residuals=total.residuals + part.residuals,
            noise=total.noise + part.noise,
        )
    return total


def neighbour_spread(
    features: Float32[np.ndarray, "z y x features"], inside: Bool[np.ndarray, "z y x"]
) -> Spread:
    """Spread of features whose noise is how much they differ between nearby voxels.

    The minimum noise fraction transform: the noise is half the covariance of differences over a
    lag, of those four fifths that are least, so that edges do not count.

    Args:
        features: Shape ``(z, y, x, features)``.
        inside: Voxels that count, shape ``(z, y, x)``.

    Returns:
        The spread.

    Source:
        Green, Berman, Switzer & Craig (1988). https://doi.org/10.1109/36.3001
    """
    noise = np.zeros((features.shape[-1],) * 2)
    count = 0
    for axis in range(3):
        lag = min(_LAG, features.shape[axis] - 1)
        if lag < 1:
            continue
        ahead, both = np.moveaxis(features, axis, 0), np.moveaxis(inside, axis, 0)
        places = _sampled(np.flatnonzero(both[lag:] & both[:-lag]))
        if not places.size:
            continue
        z, y, x = np.unravel_index(places, both[lag:].shape)
        differences = (ahead[z + lag, y, x] - ahead[z, y, x]).astype(np.float64)
        calm = _least(differences, _CALM)
        noise += calm.T @ calm / 2
        count += len(calm)
    return _spread(features, inside, noise, count)


def region_spread(
    features: Float32[np.ndarray, "z y x features"], regions: Int32[np.ndarray, "z y x"]
) -> Spread:
    """Spread of features whose noise is how much they swing within regions.

    Linear discriminant analysis on regions in place of classes. Only voxels at least two faces
    from a boundary count: features near it mix both sides.

    Args:
        features: Shape ``(z, y, x, features)``.
        regions: Region of every voxel, from 0, shape ``(z, y, x)``; −1 outside the mask.

    Returns:
        The spread.

    Source:
        Fisher (1936). https://doi.org/10.1111/j.1469-1809.1936.tb02137.x
    """
    places = np.flatnonzero(interior(regions))
    owner = regions.ravel()[places]
    flat = features.reshape(-1, features.shape[-1])
    counts = np.bincount(owner, minlength=int(regions.max()) + 1)
    sums = [np.bincount(owner, column[places], len(counts)) for column in flat.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
    places = _sampled(places[counts[owner] >= _FEWEST])
    residuals = _least(flat[places] - means[regions.ravel()[places]], _INLIERS)
    return _spread(features, regions >= 0, residuals.T @ residuals, len(residuals))


@final
@dataclass(frozen=True)
class Turn:
    """The linear map from features to directions of greatest variance for their noise.

    Args:
        middle: Features that become 0, shape ``(features,)``.
        directions: Shape ``(features, evidence)``; each of unit noise, that with most signal
            first.
    """

    middle: NDArray[np.float64]
    directions: NDArray[np.float64]

    @classmethod
    def of(cls, spread: Spread, *, dimensions: int = DIMENSIONS) -> "Turn":
        """The map that a spread asks for.

        Args:
            spread: How features spread; of at least one voxel.
            dimensions: Directions to keep, at most; those with the greatest variance.

        Returns:
            The map to ``min(dimensions, features)`` columns of evidence.
        """
        total = spread.scatter / spread.voxels
        # A feature without noise would count for infinitely much: it gets a millionth of the total.
        floor = 1e-6 * np.diag(np.maximum(np.diag(total), 1e-12))
        values, vectors = linalg.eigh(total, spread.noise / max(spread.residuals, 1) + floor)
        kept = vectors[:, np.argsort(values)[::-1][:dimensions]]
        # The sign of an eigenvector is arbitrary; its largest entry shall be positive.
        largest = kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])]
        return cls(spread.middle, kept * np.where(largest < 0, -1.0, 1.0))

    def __call__(
        self, features: Float32[np.ndarray, "z y x features"]
    ) -> Float32[np.ndarray, "z y x evidence"]:
        """Features as evidence, shape ``(z, y, x, evidence)``."""
        flat = features.reshape(-1, features.shape[-1])
        turned = flat @ self.directions.astype(np.float32)
        turned -= (self.middle @ self.directions).astype(np.float32)
        return np.asarray(turned.reshape(*features.shape[:-1], -1))


def interior(regions: Int32[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    """Voxels of regions that are at least two faces away from any other region.

    Args:
        regions: Region of every voxel, shape ``(z, y, x)``; −1 outside the mask.

    Returns:
        Shape ``(z, y, x)``. The faces of the volume are no boundaries.
    """
    calm = regions >= 0
    for axis in range(3):
        ahead, kept = np.moveaxis(regions, axis, 0), np.moveaxis(calm, axis, 0)
        differ = ahead[1:] != ahead[:-1]
        kept[1:] &= ~differ
        kept[:-1] &= ~differ
    return np.asarray(ndimage.binary_erosion(calm, border_value=1))


def _spread(
    features: Float32[np.ndarray, "z y x features"],
    inside: Bool[np.ndarray, "z y x"],
    noise: NDArray[np.float64],
    residuals: int,
) -> Spread:
    """Features about their middle, beside a noise that is known."""
    flat = features.reshape(-1, features.shape[-1])
    sample = flat[_sampled(np.flatnonzero(inside))].astype(np.float64)
    middle = sample.sum(axis=0) / max(len(sample), 1)
    return Spread(
        voxels=len(sample),
        middle=middle,
        scatter=(sample - middle).T @ (sample - middle),
        residuals=residuals,
        noise=noise,
    )


def _least(rows: NDArray[np.floating], share: float) -> NDArray[np.float64]:
    """The rows of least length, each column in units of its own spread."""
    wide = rows.astype(np.float64)
    if not len(wide):
        return wide
    lengths = (wide**2 / np.maximum((wide**2).mean(axis=0), 1e-30)).sum(axis=1)
    return np.asarray(wide[lengths <= np.quantile(lengths, share)])


def _sampled(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most so many of the places, evenly spread, the same every time."""
    if len(places) <= _SAMPLE:
        return places
    return places[np.linspace(0, len(places) - 1, _SAMPLE).astype(np.intp)]
