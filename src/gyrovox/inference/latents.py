"""How codes are kept on a disk, and how far what is read back lies from them."""

import math
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from numpy.typing import NDArray

from gyrovox.geometry.manifold import Manifold

LatentDtype = Literal["float32", "float16", "int8"]
"""Types that codes are stored as.

Not bfloat16, which zarr has no name for: of the same size as float16, it is 8 times as coarse.
"""

_MOST = 127  # steps from 0 to the largest int8 that has a negative
_HEADROOM = 1.5  # what a sample of codes does not reach, the others may
_ROUNDING = 2.0**-11  # of a float16, relative
_SMALLEST = 2.0**-25  # half the distance between the smallest float16s


@final
@dataclass(frozen=True)
class LatentStorage:
    """A type for codes, and what its integers count.

    Args:
        dtype: The type.
        steps: What one unit of the stored number is of each coordinate; 1 but for int8.
    """

    dtype: LatentDtype
    steps: tuple[float, ...]

    def stored(self, codes: Float32[np.ndarray, "z y x dim"]) -> Shaped[np.ndarray, "dim z y x"]:
        """Codes as they are stored, each coordinate a channel.

        Args:
            codes: Codes, shape ``(z, y, x, dim)``.

        Returns:
            Shape ``(dim, z, y, x)``. Coordinates beyond 127 steps of int8 become 127 steps.
        """
        channels = np.moveaxis(codes, -1, 0)
        if self.dtype != "int8":
            return channels.astype(self.dtype)
        counted = np.rint(channels / self._steps)
        counts: NDArray[np.int8] = np.clip(counted, -_MOST, _MOST).astype(np.int8)
        return counts

    def codes(self, stored: Shaped[np.ndarray, "dim z y x"]) -> Float32[np.ndarray, "z y x dim"]:
        """Codes from what is stored.

        Args:
            stored: Shape ``(dim, z, y, x)``.

        Returns:
            Shape ``(z, y, x, dim)``.
        """
        channels = stored.astype(np.float32) * self._steps if self.dtype == "int8" else stored
        return np.moveaxis(channels, 0, -1).astype(np.float32)

    def largest_error(self, codes: Float32[np.ndarray, "z y x dim"], manifold: Manifold) -> float:
        """The largest distance, in latent space, between codes and what is read back of them.

        Args:
            codes: Codes, shape ``(z, y, x, dim)``.
            manifold: The space that they lie in.

        Returns:
            The distance; 0 for float32.
        """
        if self.dtype == "float32":
            return 0.0
        back = self.codes(self.stored(codes))
        largest = 0.0
        for one, other in zip(codes, back, strict=True):  # a slice at a time: distances take room
            found = manifold.code_distance(torch.from_numpy(one), torch.from_numpy(other))
            largest = max(largest, float(found.max()))
        return largest

    def error_bound(self, length: float, *, curvature: float) -> float:
        r"""No code that is not longer is read back farther away than this.

        .. math::
            d \le 2 δ \frac{\sinh(2 \sqrt{-κ} R)}{2 \sqrt{-κ} R}, \quad R = \text{length} + δ

        Moving a code by δ, the longest error of a tangent vector, moves its point the farthest
        across the ray it lies on, where circles of radius 2R are longest.

        Args:
            length: Largest length of a code. For int8, no coordinate may exceed 127 steps.
            curvature: Sectional curvature κ ≤ 0, in 1 / length²; 0 for flat space.

        Returns:
            The bound, in units of latent distance.
        """
        error = self._longest_error(length)
        size = 2 * math.sqrt(-curvature) * (length + error)
        return 2 * error * (math.sinh(size) / size if size > 0 else 1.0)

    def _longest_error(self, length: float) -> float:
        """Largest length of the difference of a code and what is read back of it."""
        if self.dtype == "float32":
            return 0.0
        if self.dtype == "float16":
            return math.hypot(_ROUNDING * length, _SMALLEST * math.sqrt(len(self.steps)))
        return math.hypot(*self.steps) / 2

    @property
    def _steps(self) -> Float32[np.ndarray, "dim 1 1 1"]:
        return np.asarray(self.steps, np.float32).reshape(-1, 1, 1, 1)

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The type, as NumPy knows it."""
        return np.dtype(self.dtype)


def latent_storage(dtype: LatentDtype, sample: Float32[np.ndarray, "codes dim"]) -> LatentStorage:
    """The storage of a run whose codes are like those of a sample.

    Args:
        dtype: The type.
        sample: Codes, shape ``(codes, dim)``; only int8 looks at their values.

    Returns:
        The storage. Steps of int8 are so large that coordinates half again as large as the
        sample's largest have room.
    """
    dim = sample.shape[1]
    if dtype != "int8":
        return LatentStorage(dtype, (1.0,) * dim)
    largest = np.abs(sample).max(axis=0).astype(np.float64)
    # A coordinate that is always 0 needs a step that is none.
    steps = np.where(largest > 0, _HEADROOM * largest / _MOST, 1.0)
    return LatentStorage(dtype, tuple(float(np.float32(step)) for step in steps))
