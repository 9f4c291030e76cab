"""Connected components of nodes: how many there are, where, and how large."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import NDArray
from scipy import ndimage

from gyrovox.clustering.components import linked
from gyrovox.errors import SettingsError
from gyrovox.volumes import ArraySource, slabs

from .node_voxels import node_voxels
from .result_folder import ResultFolder

_SLAB_BYTES = 2**22  # of a mask; what is known of its voxels takes some thirty times as much
_TOUCHING = np.ones((3, 3, 3), np.bool_)  # by faces, edges and corners
_SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


@final
@dataclass(frozen=True, eq=False)
class Components:
    """Components of some nodes, the largest first; of equally large ones the first in the volume.

    Attributes:
        name: Name of the volume.
        centroids: Mean index (z, y, x) of the voxels of each, 0 the centre of the first voxel,
            shape ``(components, 3)``.
        sizes: Voxels of each, shape ``(components,)``.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        affine: Voxel index (z, y, x) to position (z, y, x) in nm, shape ``(4, 4)``.
    """

    name: str
    centroids: Float64[np.ndarray, "components 3"] = field(repr=False)
    sizes: Int64[np.ndarray, "components"] = field(repr=False)
    voxel_size_nm: tuple[float, float, float] | None
    affine: Float64[np.ndarray, "4 4"] = field(repr=False)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sizes)

    @property
    def centroids_nm(self) -> Float64[np.ndarray, "components 3"] | None:
        """Where the file of the volume says that they are, (z, y, x) in nm; None if unknown."""
        if self.voxel_size_nm is None:
            return None
        return np.asarray(self.centroids @ self.affine[:3, :3].T + self.affine[:3, 3])

    @property
    def volumes_nm3(self) -> Float64[np.ndarray, "components"] | None:
        """Their volumes in nm³; None where the voxel size is unknown."""
        if self.voxel_size_nm is None:
            return None
        return self.sizes * float(np.prod(self.voxel_size_nm))


def components(
    result: ResultFolder, nodes: Iterable[int], *, smallest_voxels: int = 1
) -> Components:
    """The connected components of some nodes, which hang together by faces, edges or corners.

    Args:
        result: The result.
        nodes: At least one node, from 0; they are taken together.
        smallest_voxels: Components of fewer voxels are left out; at least 1.

    Returns:
        The components.

    Raises:
        TreeError: If a node is not there, or none came.
        SettingsError: If `smallest_voxels` is less than 1.
    """
    if smallest_voxels < 1:
        raise SettingsError(
            f"the smallest component must have at least 1 voxel, and {smallest_voxels} came."
        )
    centroids, sizes = mask_components(node_voxels(result, nodes))
    kept = sizes >= smallest_voxels
    return Components(
        name=result.name,
        centroids=centroids[kept],
        sizes=sizes[kept],
        voxel_size_nm=result.trunk.voxel_size_nm,
        affine=result.leaves().affine,
    )


def mask_components(
    mask: ArraySource, *, slab_bytes: int = _SLAB_BYTES
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The components of a mask, put together from those of its slabs.

    Args:
        mask: 1 inside, 0 outside; one channel.
        slab_bytes: Most bytes of a slab of the mask.

    Returns:
        Mean indices (z, y, x) and numbers of voxels, in the order of `Components`; the same
        whatever the slabs.
    """
    parts = [_Parts.none()]
    links = [np.empty((2, 0), np.int64)]
    count = 0
    below: NDArray[np.int64] | None = None
    for region in slabs(mask, max_bytes=slab_bytes):
        labels, found = ndimage.label(mask.read(region)[0], structure=_TOUCHING)
        parts.append(_Parts.of(labels, found, first=region.start[0]))
        numbers = np.where(labels > 0, labels.astype(np.int64) + (count - 1), -1)
        if below is not None:
            links.append(_facing(below, numbers[0]))
        below = numbers[-1]
        count += found
    one, other = np.concatenate(links, axis=1)
    owner = linked(one, other, count)
    sums = np.zeros((int(owner.max(initial=-1)) + 1, 4), np.int64)
    np.add.at(sums, owner, np.concatenate([part.sums for part in parts]))
    # Parts come in the order of their slabs, so that the first of a whole has its first voxel.
    firsts = np.concatenate([part.firsts for part in parts])
    first = np.full(len(sums), np.iinfo(np.int64).max)
    np.minimum.at(first, owner, firsts)
    order = np.lexsort((first, -sums[:, 0]))
    sizes = sums[order, 0]
    return sums[order, 1:] / np.maximum(sizes, 1)[:, np.newaxis], sizes


@final
@dataclass(frozen=True)
class _Parts:
    """Components of a slab: their voxels and sums of (z, y, x), (n, 4); their first voxels."""

    sums: NDArray[np.int64]
    firsts: NDArray[np.int64]

    @classmethod
    def none(cls) -> "_Parts":
        return cls(np.empty((0, 4), np.int64), np.empty(0, np.int64))

    @classmethod
    def of(cls, labels: NDArray[Any], count: int, *, first: int) -> "_Parts":
        """Those of labels 1 to `count` of a slab that begins at a z."""
        height, width = labels.shape[1:]
        places = np.flatnonzero(labels)
        label = labels.reshape(-1)[places]
        places += first * height * width
        zyx = (places // (height * width), places // width % height, places % width)
        # Sums of whole numbers below 2^53 are exact in float64.
        columns = [np.bincount(label, minlength=count + 1)]
        columns += [np.bincount(label, weights=axis, minlength=count + 1) for axis in zyx]
        firsts = np.zeros(count + 1, np.int64)
        # Backwards: of voxels that share a component, the one that is written last counts.
        firsts[label[::-1]] = places[::-1]
        return cls(np.stack(columns, axis=1)[1:].astype(np.int64), firsts[1:])


def _facing(below: NDArray[np.int64], above: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of components of two planes that touch, shape (2, pairs); −1 is none."""
    height, width = below.shape
    span = int(above.max()) + 1
    keys = [np.empty(0, np.int64)]  # numbers sort ten times as fast as pairs
    for dy, dx in _SHIFTS:
        lower = below[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
        upper = above[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
        both = (lower >= 0) & (upper >= 0)
        keys.append(np.unique(lower[both] * span + upper[both]))
    return np.stack(np.divmod(np.unique(np.concatenate(keys)), max(span, 1)))
