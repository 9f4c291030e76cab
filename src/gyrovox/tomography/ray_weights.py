"""Which pixels of a row each voxel of a section falls on, and how much of it."""

import functools
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy import sparse
from torch import Tensor

_ENTRIES_AT_ONCE = 4_000_000  # of a matrix: 12 bytes each


@final
class RayWeights:
    """The matrix from a section (z, x) of the specimen to its rows of pixels, one for each tilt.

    All sections across the tilt axis share it, so that it is made once and multiplied with many
    of them: volumes are matrices (z · x, y) here, and images (tilts · s, y).

    A voxel covers of a row what its side along x covers, as a pixel does, and is shared between
    them by overlap. So the projection of a uniform slab is uniform, and so is the back-projection
    of uniform images, which no other pair of two pixels per voxel has. Of rows with several samples
    a pixel, a voxel takes what lies at its centre instead, on a straight line between samples: that
    is sharper, and for back-projection only.

    Args:
        tilt_degrees: Tilts, shape (tilts,).
        z_range: First section, and the one after the last, in voxels from the centre.
        x_shape: Voxels along x.
        samples: Samples of a row; that of the pixel in its centre is the centre.
        samples_per_pixel: How many samples of a row are as wide as a voxel.

    Source:
        De Man & Basu (2004), Phys. Med. Biol. 49:2463 (distance-driven projection).
    """

    def __init__(
        self,
        tilt_degrees: Float64[np.ndarray, " tilts"],
        z_range: tuple[int, int],
        x_shape: int,
        samples: int,
        *,
        samples_per_pixel: int = 1,
    ) -> None:
        tilt = np.deg2rad(tilt_degrees)
        cosine = np.cos(tilt)
        z = np.arange(*z_range)[:, None, None]
        x = (np.arange(x_shape) - x_shape // 2)[None, :, None]
        centre = samples // samples_per_pixel // 2 * samples_per_pixel
        place = (x * cosine + z * np.sin(tilt)) * samples_per_pixel + centre  # (z, x, tilts)
        left = np.floor(place).astype(np.int32)
        # The share of the right pixel rises from 0 to 1 over the voxel's shadow, cosine wide.
        shadow = cosine if samples_per_pixel == 1 else np.ones_like(cosine)
        right_share = np.clip((place - left - (1 - shadow) / 2) / shadow, 0, 1)
        pixel = np.stack([left, left + 1], axis=-1)
        share = np.stack([1 - right_share, right_share], axis=-1, dtype=np.float32)
        share[(pixel < 0) | (pixel >= samples)] = 0
        row_start = (np.arange(len(tilt), dtype=np.int32) * samples)[:, None]
        column = np.clip(pixel, 0, samples - 1) + row_start
        per_voxel = 2 * len(tilt)
        self._matrix = sparse.csr_matrix(
            (
                share.reshape(-1),
                column.reshape(-1),
                np.arange(0, share.size + 1, per_voxel, dtype=np.int32),
            ),
            shape=(z.size * x.size, len(tilt) * samples),
        )

    @functools.cached_property
    def _transposed(self) -> sparse.csr_matrix:
        return self._matrix.T.tocsr()

    def backproject(self, rows: Float[Tensor, "pixels y"]) -> Float[Tensor, "voxels y"]:
        """What the rows of pixels give to the voxels."""
        return _multiplied(self._matrix, rows)

    def project(self, section: Float[Tensor, "voxels y"]) -> Float[Tensor, "pixels y"]:
        """What the voxels give to the rows of pixels: the adjoint."""
        return _multiplied(self._transposed, section)


def sections_at_once(tilts: int, x_shape: int) -> int:
    """How many z are worked on at a time, so that their weights take some ten megabytes."""
    return max(1, _ENTRIES_AT_ONCE // (2 * tilts * x_shape))


def _multiplied(
    matrix: sparse.csr_matrix, columns: Float[Tensor, "inner y"]
) -> Float[Tensor, "outer y"]:
    """A sparse matrix times a dense one; sums in the same order every time, on a GPU too."""
    # Not torch's own sparse product, which exists for few kinds of processor.
    where = columns.device
    return torch.nn.functional.embedding_bag(
        torch.from_numpy(matrix.indices).to(where),
        columns.contiguous(),
        torch.from_numpy(matrix.indptr).to(where),
        mode="sum",
        per_sample_weights=torch.from_numpy(matrix.data).to(where, columns.dtype),
        include_last_offset=True,
    )
