"""Codes of so many of a volume's voxels as pictures need, with where they are and what they are."""

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, Integer

from gyrovox.geometry import codes as hyperbolic_codes
from gyrovox.geometry import euclidean
from gyrovox.report.pictures.code_source import CodeSource
from gyrovox.volumes import Region

if TYPE_CHECKING:
    from gyrovox.results import ResultFolder

_MOST_VOXELS = 1_500_000
_MOST_NUMBERS = 8_000_000  # of all codes together: 32 MB
_ALONG = 3  # boxes along each axis of a volume that is too large to be looked at whole


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class VoxelCodes:
    """Some voxels of a result, or all: where their codes lie, and what else is known of them.

    Args:
        codes: Tangent vectors at the origin, shape ``(voxels, dim)``.
        scales: Scales of their posteriors, lengths in latent space, shape ``(voxels,)``; None
            where they are not known.
        places: Voxels (z, y, x), shape ``(voxels, 3)``.
        leaves: Leaf of the tree, from 0, shape ``(voxels,)``.
        intensities: The image's first channel, shape ``(voxels,)``; None where it is gone.
        curvature: Sectional curvature κ ≤ 0 of their space.
        said: Which voxels they are, for a caption.
    """

    codes: Float32[np.ndarray, "voxels dim"]
    scales: Float32[np.ndarray, "voxels"] | None
    places: Int32[np.ndarray, "voxels 3"]
    leaves: Int32[np.ndarray, "voxels"]
    intensities: Float32[np.ndarray, "voxels"] | None
    curvature: float
    said: str

    def __len__(self) -> int:
        return len(self.codes)

    def some(self, most: int) -> Integer[np.ndarray, "_"]:
        """Indices of at most so many of them, ascending; the same ones every time.

        Args:
            most: How many at most.

        Returns:
            Indices, without a pattern that could follow the rows of the volume.
        """
        if len(self) <= most:
            return np.arange(len(self))
        chosen = np.random.default_rng(0).choice(len(self), most, replace=False)
        return np.sort(chosen)

    def distances(
        self, members: Integer[np.ndarray, "members"], centre: Float[np.ndarray, "dim"]
    ) -> Float32[np.ndarray, "members"]:
        """How far some of them lie from a code.

        Args:
            members: Which of the voxels, shape ``(members,)``.
            centre: A code, shape ``(dim,)``.

        Returns:
            Distances in latent space, shape ``(members,)``.
        """
        ours = torch.from_numpy(self.codes[members])
        theirs = torch.from_numpy(centre.astype(np.float32))
        if self.curvature == 0:
            return euclidean.distance(ours, theirs).numpy()
        return hyperbolic_codes.distance(ours, theirs, curvature=self.curvature).numpy()


def voxel_codes(result: "ResultFolder", source: CodeSource) -> VoxelCodes:
    """Codes of all voxels within the mask; of a large volume, of boxes spread all over it.

    Args:
        result: The result.
        source: Where codes come from.

    Returns:
        At most about 1.5 million voxels, fewer where codes are long.
    """
    most = min(_MOST_VOXELS, _MOST_NUMBERS // source.dim)
    regions = looked_at(result.shape, most)
    leaves_of, image = result.leaves(), result.image()
    numbers, places, leaves, intensities = [], [], [], []
    for region in regions:
        labels = leaves_of.read(region)[0].astype(np.int32)
        inside = labels > 0
        if not inside.any():
            continue
        numbers.append(source.read(region)[inside])
        where = np.argwhere(inside) + np.array(region.start)
        places.append(where.astype(np.int32))
        leaves.append(labels[inside] - 1)
        if image is not None:
            intensities.append(image.read(region)[0][inside].astype(np.float32))
    together = np.concatenate(numbers)
    return VoxelCodes(
        codes=np.ascontiguousarray(together[:, : source.dim]),
        scales=together[:, source.dim].copy() if source.has_scales else None,
        places=np.concatenate(places),
        leaves=np.concatenate(leaves).astype(np.int32),
        intensities=np.concatenate(intensities) if intensities else None,
        curvature=result.trunk.curvature,
        said=_said(regions),
    )


def looked_at(shape: tuple[int, int, int], most: int) -> list[Region]:
    """The whole volume if it is small enough, else 27 boxes, in the middle of its 27ths.

    Args:
        shape: Voxels along (z, y, x).
        most: About how many voxels, at least 27.

    Returns:
        Regions that do not overlap.
    """
    if math.prod(shape) <= most:
        return [Region.whole(shape)]
    # The same share of each axis, so that thin volumes get thin boxes.
    share = (most / math.prod(shape)) ** (1 / 3)
    spans = []
    for length in shape:
        side = max(1, math.floor(length * share / _ALONG))
        middles = [(2 * part + 1) * length / (2 * _ALONG) for part in range(_ALONG)]
        starts = [round(middle - side / 2) for middle in middles]
        spans.append([(max(0, start), max(0, start) + side) for start in starts])
    return [Region((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in product(*spans)]


def _said(regions: list[Region]) -> str:
    if len(regions) == 1:
        return "every voxel"
    sides = " × ".join(map(str, regions[0].shape))
    return f"voxels of {len(regions)} boxes of {sides}"
