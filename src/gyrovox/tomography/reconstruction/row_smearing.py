"""A tomogram whose voxels are made when they are read: filtered rows, smeared back."""

from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float32, Float64

from gyrovox.tomography.ray_weights import RayWeights, sections_at_once
from gyrovox.volumes import Region

_ROWS_AT_ONCE = 64  # of y: some 100 MB of the widest images


@final
class SmearedRows:
    """Voxels of a weighted back-projection, a region at a time.

    Nothing of it lies in memory but the region that is read; rows may be a memory map.

    Args:
        rows: Filtered rows, (tilts, samples, y): what is read together lies together.
        tilt_degrees: Their tilts, shape (tilts,).
        shape: Voxels (z, y, x).
        samples_per_pixel: Samples of a row for each of its pixels.
        where: The device to compute on.
    """

    def __init__(
        self,
        rows: Float32[np.ndarray, "tilts samples y"],
        tilt_degrees: Float64[np.ndarray, " tilts"],
        shape: tuple[int, int, int],
        *,
        samples_per_pixel: int,
        where: torch.device,
    ) -> None:
        self._rows = rows
        self._tilt_degrees = tilt_degrees
        self._shape = shape
        self._samples_per_pixel = samples_per_pixel
        self._where = where

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return (1, *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return np.dtype(np.float32)

    def read(self, region: Region) -> Float32[np.ndarray, "1 z y x"]:
        """The voxels of a region."""
        (z0, y0, x0), (z1, y1, x1) = region.start, region.stop
        depth, _, width = self._shape
        out = np.empty((1, *region.shape), np.float32)
        step = sections_at_once(len(self._tilt_degrees), width)
        for start in range(z0, z1, step):
            stop = min(start + step, z1)
            weights = RayWeights(
                self._tilt_degrees,
                (start - depth // 2, stop - depth // 2),
                width,
                self._rows.shape[1],
                samples_per_pixel=self._samples_per_pixel,
            )
            for first in range(y0, y1, _ROWS_AT_ONCE):
                last = min(first + _ROWS_AT_ONCE, y1)
                columns = np.ascontiguousarray(self._rows[:, :, first:last])
                columns = columns.reshape(-1, last - first)
                section = weights.backproject(torch.from_numpy(columns).to(self._where))
                voxels = section.cpu().numpy().reshape(stop - start, width, last - first)
                out[0, start - z0 : stop - z0, first - y0 : last - y0] = voxels[:, x0:x1].transpose(
                    0, 2, 1
                )
        return out
