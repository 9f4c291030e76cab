"""Features in units of their own noise, so that a distance between means counts as evidence.

Raw features cannot be compared: one swings by 10 within an object, another by 0.1 between two. The
noise of each is measured in the volume itself, without a label, and the features are turned and
scaled until their noise has unit variance in every direction.
"""

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


def against_neighbours(
    features: Float32[np.ndarray, "z y x features"],
    inside: Bool[np.ndarray, "z y x"],
    *,
    dimensions: int = DIMENSIONS,
) -> Float32[np.ndarray, "z y x evidence"]:
    """Evidence whose noise is how much features differ between nearby voxels.

    The minimum noise fraction transform: the noise is half the covariance of differences over a
    lag, of those four fifths that are least, so that edges do not count.

    Args:
        features: Shape ``(z, y, x, features)``.
        inside: Voxels that count, shape ``(z, y, x)``.
        dimensions: Directions to keep, at most; those with the greatest variance.

    Returns:
        Shape ``(z, y, x, min(dimensions, features))``.

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
    return _turned(features, inside, noise / max(count, 1), dimensions)


def against_regions(
    features: Float32[np.ndarray, "z y x features"],
    regions: Int32[np.ndarray, "z y x"],
    *,
    dimensions: int = DIMENSIONS,
) -> Float32[np.ndarray, "z y x evidence"]:
    """Evidence whose noise is how much features swing within regions.

    Linear discriminant analysis on regions in place of classes. Only voxels at least two faces
    from a boundary count: features near it mix both sides.

    Args:
        features: Shape ``(z, y, x, features)``.
        regions: Region of every voxel, from 0, shape ``(z, y, x)``; −1 outside the mask.
        dimensions: Directions to keep, at most; those with the greatest variance.

    Returns:
        Shape ``(z, y, x, min(dimensions, features))``.

    Source:
        Fisher (1936). https://doi.org/10.1111/j.1469-1809.1936.tb02137.x
    """
    places = np.flatnonzero(interior(regions))
    owner = regions.ravel()[places]
    flat = features.reshape(-1, features.shape[-1])
    counts = np.bincount(owner, minlength=int(regions.max()) + 1)
    means = (
        np.stack(
            [np.bincount(owner, flat[places, axis], len(counts)) for axis in range(flat.shape[1])],
            1,
        )
        / np.maximum(counts, 1)[:, None]
    )
    places = _sampled(places[counts[owner] >= _FEWEST])
    residuals = _least(flat[places] - means[regions.ravel()[places]], _INLIERS)
    noise = residuals.T @ residuals / max(len(residuals), 1)
    return _turned(features, regions >= 0, noise, dimensions)


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


def _turned(
    features: Float32[np.ndarray, "z y x features"],
    inside: Bool[np.ndarray, "z y x"],
    noise: NDArray[np.float64],
    dimensions: int,
) -> Float32[np.ndarray, "z y x evidence"]:
    """Features in the directions of greatest variance for their noise, each of unit noise."""
    flat = features.reshape(-1, features.shape[-1])
    sample = flat[_sampled(np.flatnonzero(inside))].astype(np.float64)
    middle = sample.mean(axis=0)
    total = (sample - middle).T @ (sample - middle) / len(sample)
    # A feature without noise would count for infinitely much: it gets a millionth of the total.
    floor = 1e-6 * np.diag(np.maximum(np.diag(total), 1e-12))
    values, vectors = linalg.eigh(total, noise + floor)
    kept = vectors[:, np.argsort(values)[::-1][:dimensions]]
    # The sign of an eigenvector is arbitrary; its largest entry shall be positive.
    largest = kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])]
    kept = kept * np.where(largest < 0, -1.0, 1.0)
    turned = flat @ kept.astype(np.float32) - (middle @ kept).astype(np.float32)
    return np.asarray(turned.reshape(*features.shape[:-1], -1))


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
