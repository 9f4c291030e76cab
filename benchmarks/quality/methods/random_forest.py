"""What a user can paint: a random forest on scikit-image's features of the painted voxels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.feature import multiscale_basic_features
from sklearn.ensemble import RandomForestClassifier

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume

_COARSEST = 8.0  # standard deviation of the largest Gaussian, in voxels
_TREES = 50
_DEPTH = 10
_AT_ONCE = 200_000  # voxels that are classified at a time


class RandomForestScribbles(Method):
    """A trainable segmentation, as in ilastik or scikit-image, of a volume that was painted into.

    Features: intensity, edges and the Hessian's eigenvalues after Gaussians of 0.5 to 8 voxels, of
    every channel. A forest of 50 trees of depth 10 is trained for every level, on 1 % of the voxels
    of the very volume. Those are drawn at random over all of it, which no user's brush does: they
    show every object, so the score is an upper bound of what as much painting gives.
    """

    name = "random-forest"
    title = "Random forest on painted voxels (scikit-image features)"
    labels = "1 % of the voxels of the volume itself"
    learns = False
    scribbles = 0.01
    reference = "van der Walt et al. (2014), scikit-image; https://doi.org/10.7717/peerj.453"

    def shown(self, classes: Truth) -> None:
        """Keep the painted classes for the next volume."""
        self._painted = classes

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Train a forest for every level, and classify all voxels."""
        features = painted_features(normalised(volume))
        return {k: self._classified(features, self._painted[k]) for k in levels}

    def _classified(
        self, features: NDArray[np.float32], painted: NDArray[np.integer]
    ) -> NDArray[np.integer]:
        rows = features.reshape(-1, features.shape[-1])
        known = painted.reshape(-1) >= 0
        if not known.any():
            return np.zeros(painted.shape, np.int64)
        forest = RandomForestClassifier(_TREES, max_depth=_DEPTH, random_state=self.seed)
        forest.fit(rows[known], painted.reshape(-1)[known])
        found = [
            forest.predict(rows[first : first + _AT_ONCE])
            for first in range(0, len(rows), _AT_ONCE)
        ]
        return np.concatenate(found).reshape(painted.shape)


def painted_features(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of every voxel of channels (channels, z, y, x), shape (z, y, x, features)."""
    return multiscale_basic_features(
        voxels, sigma_min=0.5, sigma_max=_COARSEST, channel_axis=0
    ).astype(np.float32, copy=False)
