"""Where the codes of a volume lie in a two-dimensional space, coloured by class."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Integer

_MOST_POINTS = 400_000
_BINS = 260


@dataclass(frozen=True)
class LatentPlane:
    """Codes of a volume as points of a picture: the Poincaré disk, or the flat plane."""

    points: Float64[np.ndarray, "n 2"]
    """Points, scaled so that the picture spans -1 to 1 along both axes."""

    chosen: Integer[np.ndarray, "n"]
    """Which voxels (of the flattened volume) they are."""

    is_disk: bool
    """Whether the unit circle is the boundary of the hyperbolic plane."""

    def density(
        self,
        labels: Integer[np.ndarray, "z y x"],
        colours: Float[np.ndarray, "classes 3"],
    ) -> Float64[np.ndarray, "bins bins 4"]:
        """The density of the points, each in the colour of its class.

        Args:
            labels: 0-based classes of the volume.
            colours: Colour of each class, sRGB in 0..1.

        Returns:
            sRGB and opacity in 0..1; rows run upwards from -1 to 1.
        """
        classes = labels.reshape(-1)[self.chosen]
        cells = np.clip(((self.points + 1) / 2 * _BINS).astype(np.int64), 0, _BINS - 1)
        flat = cells[:, 1] * _BINS + cells[:, 0]
        size = _BINS * _BINS
        count = np.bincount(flat, minlength=size).astype(np.float64)
        picture = np.zeros((size, 4))
        for channel in range(3):
            weights = colours[classes, channel].astype(np.float64)
            total = np.bincount(flat, weights=weights, minlength=size)
            picture[:, channel] = total / np.maximum(count, 1)
        # On a logarithmic scale, because a background puts most of its voxels into a few cells.
        picture[:, 3] = np.where(count > 0, 0.3 + 0.7 * np.log1p(count) / np.log1p(count.max()), 0)
        return picture.reshape(_BINS, _BINS, 4)


def latent_plane(codes: Float[np.ndarray, "z y x 2"], *, curvature: float) -> LatentPlane:
    """The codes of a volume as points of the Poincaré disk.

    Args:
        codes: Tangent vectors at the origin.
        curvature: Sectional curvature, negative; 0 for the flat plane.

    Returns:
        The points of at most 400,000 voxels, evenly taken; without the outermost of a flat plane.

    Source:
        exp_0(u) = tanh(s|u|) u / (s|u|), s = sqrt(-curvature): Ganea, Bécigneul & Hofmann
        (2018), section 2. https://arxiv.org/abs/1805.09112
    """
    flat = codes.reshape(-1, 2)
    step = max(1, -(-len(flat) // _MOST_POINTS))
    chosen = np.arange(0, len(flat), step)
    points = flat[chosen].astype(np.float64)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    if curvature < 0:
        # The ball is scaled to radius 1, whatever the curvature.
        root = np.sqrt(-curvature)
        points *= np.tanh(root * lengths) / np.maximum(lengths, 1e-12)
        return LatentPlane(points, chosen, is_disk=True)
    reach = max(float(np.percentile(lengths, 99.5)), 1e-12)
    inside = (np.abs(points) < 1.05 * reach).all(axis=1)
    return LatentPlane(points[inside] / (1.05 * reach), chosen[inside], is_disk=False)
