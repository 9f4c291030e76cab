"""Segmentations: the classes of every voxel at several levels, from a tree or from k-means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from gyrovox.clustering import (
    HyperbolicKMeans,
    SegmentationTree,
    check_distinct,
    clean_labels,
    smooth_codes,
)
from gyrovox.errors import ClusterCountError, SettingsError
from gyrovox.progress import progress
from gyrovox.settings import MOST_REGIONS, SegmentationSettings
from gyrovox.volumes import Volume

Levels = Sequence[int] | Literal["auto"]
Labels = NDArray[np.unsignedinteger[Any]]


@final
@dataclass(frozen=True)
class Segmentation:
    """The classes of every voxel, at several levels.

    Args:
        levels: Labels by number of classes, each uint8 or uint16, shape ``(z, y, x)``. Classes
            count from 0; with a mask they count from 1, and 0 is outside.
        codes: The code of every voxel, before smoothing, float32, shape ``(z, y, x, dim)``.
        tree: The tree whose cuts the levels are; None where each is a clustering of its own.
    """

    levels: Mapping[int, Labels]
    codes: Float32[np.ndarray, "z y x dim"]
    tree: SegmentationTree | None = None


@final
@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """What becomes of specks and holes; by default, nothing.

    Args:
        smallest_nm3: Connected components of a class that are smaller go to the class around
            them; in nm³, or in voxels where the size of a voxel is unknown.
        fill_holes_nm3: Holes that are no larger go to the class that encloses them; in nm³, or in
            voxels where the size of a voxel is unknown.
        largest_component: Whether only the largest component of every class stays.

    Raises:
        SettingsError: If a size is negative or not finite.
    """

    smallest_nm3: float = 0.0
    fill_holes_nm3: float = 0.0
    largest_component: bool = False

    def __post_init__(self) -> None:
        for name, size in (("smallest", self.smallest_nm3), ("fill_holes", self.fill_holes_nm3)):
            if not 0 <= size < math.inf:
                raise SettingsError(
                    f"{name}_nm3 must be a volume in nm³, 0 or more (0 for none), got {size:g}."
                )

    @property
    def is_wanted(self) -> bool:
        """Whether anything may change."""
        return self != Cleaning()

    def in_voxels(self, voxel_size_nm: tuple[float, float, float] | None) -> tuple[int, int]:
        """The smallest component that stays, and the largest hole that is filled, in voxels.

        Args:
            voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.

        Returns:
            Both numbers.
        """
        voxel = 1.0 if voxel_size_nm is None else math.prod(voxel_size_nm)
        # Rounded, because 0.3 / 0.1 is not 3.
        return (
            math.ceil(round(self.smallest_nm3 / voxel, 6)),
            math.floor(round(self.fill_holes_nm3 / voxel, 6)),
        )

    def cleaned(
        self,
        labels: Labels,
        *,
        voxel_size_nm: tuple[float, float, float] | None,
        inside: Bool[np.ndarray, "z y x"] | None,
    ) -> Labels:
        """Labels without what does not stay.

        Args:
            labels: The class of every voxel, shape ``(z, y, x)``.
            voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
            inside: Voxels to work on, shape ``(z, y, x)``; None for all.

        Returns:
            Labels of the same shape and type.
        """
        smallest, fill_holes = self.in_voxels(voxel_size_nm)
        return clean_labels(
            labels,
            smallest=smallest,
            fill_holes=fill_holes,
            largest_component=self.largest_component,
            inside=inside,
        )


def check_levels(
    levels: Levels,
    volume: Volume,
    settings: SegmentationSettings,
    inside: Bool[np.ndarray, "z y x"] | None,
) -> None:
    """Refuse numbers of classes that no segmentation of a volume can have.

    Args:
        levels: Numbers of classes, or ``auto``.
        volume: What is to be segmented.
        settings: How.
        inside: Voxels to work in, shape ``(z, y, x)``; None for all.

    Raises:
        SettingsError: If one is out of its range or given twice, or there is none, or the tree is
            to choose them where there is none.
        ClusterCountError: If there are more classes than voxels, or than regions of the tree.
    """
    if levels == "auto":
        if settings.clustering != "tree":
            raise SettingsError(
                f"levels must be numbers of classes, and 'auto' came: only a tree suggests them, "
                f"and the clustering is {settings.clustering!r}."
            )
        return
    if not levels or len(set(levels)) < len(levels):
        raise SettingsError(f"levels must be one or more different numbers, got {list(levels)}.")
    # Labels are 16 bits wide, and 0 is outside where there is a mask.
    most = 2**16 if inside is None else MOST_REGIONS
    if not 2 <= min(levels) <= max(levels) <= most:
        raise SettingsError(
            f"levels must be numbers of classes from 2 to {most}, got {list(levels)}."
        )
    voxels = math.prod(volume.spatial_shape) if inside is None else int(inside.sum())
    if max(levels) > voxels:
        raise ClusterCountError(
            f"levels must not exceed the number of voxels, which have a code each, got "
            f"{max(levels)}, and {volume.name} has {voxels}{'' if inside is None else ' inside'}. "
            f"Ask for fewer classes."
        )
    if settings.clustering == "tree" and max(levels) > settings.regions:
        raise ClusterCountError(
            f"levels must not exceed the number of regions that the tree begins with, got "
            f"{max(levels)}, and segmentation.regions is {settings.regions}. Ask for fewer "
            f"classes, or for more regions."
        )


def tree_levels(tree: SegmentationTree, levels: Levels, cleaning: Cleaning) -> dict[int, Labels]:
    """Cuts of a tree, the finest of them cleaned, each nested in all coarser ones.

    Args:
        tree: The tree.
        levels: Numbers of classes, or ``auto`` for those that the tree suggests.
        cleaning: What becomes of specks and holes of the finest level; the coarser ones follow,
            so that they stay nested. A class may vanish; the others keep their numbers.

    Returns:
        Labels by number of classes, in the order of the levels, as `Cut.labels` counts them.

    Raises:
        ClusterCountError: If a level has more classes than the tree has leaves.
        RuntimeError: If the levels are not nested, which is a fault of this package.
    """
    chosen = tree.suggested_levels() if levels == "auto" else levels
    # First the finest: the one that there may be too few leaves for.
    found = {k: tree.cut(k).labels for k in sorted(chosen, reverse=True)}
    finest = found[max(chosen)]
    inside = tree.leaves >= 0 if tree.is_masked else None
    cleaned = cleaning.cleaned(finest, voxel_size_nm=tree.voxel_size_nm, inside=inside)
    if cleaned is not finest:
        found = {k: _parents(finest, labels)[cleaned] for k, labels in found.items()}
    _check_nested(found)
    return {k: found[k] for k in chosen}


def kmeans_levels(
    codes: Float32[np.ndarray, "z y x dim"],
    levels: Sequence[int],
    cleaning: Cleaning,
    *,
    curvature: float,
    smoothing: float,
    inside: Bool[np.ndarray, "z y x"] | None = None,
    voxel_size_nm: tuple[float, float, float] | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = True,
) -> dict[int, Labels]:
    """A clustering of the codes for every level, each cleaned by itself; they need not be nested.

    Args:
        codes: Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        levels: Numbers of classes.
        cleaning: What becomes of specks and holes.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        smoothing: Weight of the total variation that smooths the map of codes.
        inside: Voxels to work in, shape ``(z, y, x)``; None for all.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        seed: Seed of everything that is drawn.
        threads: CPU threads; None for as many as there are.
        quiet: Show no progress.

    Returns:
        Labels by number of classes: from 0, or from 1 where 0 is outside.

    Raises:
        ClusterCountError: If a level has more classes than there are distinct codes.
    """
    chosen = np.ones(codes.shape[:3], np.bool_) if inside is None else inside
    # Before they are smoothed: that makes many different codes of few.
    check_distinct(codes[chosen], max(levels))
    flat = smooth_codes(codes, smoothing)[chosen]
    first = 0 if inside is None else 1
    found: dict[int, Labels] = {}
    with progress("cluster", len(levels), unit="levels", quiet=quiet) as bar:
        for level in levels:
            kmeans = HyperbolicKMeans(
                level, curvature=curvature, random_state=seed, n_threads=threads
            )
            labels = np.zeros(codes.shape[:3], np.min_scalar_type(level - 1 + first))
            labels[chosen] = kmeans.fit_predict(flat) + first
            found[level] = cleaning.cleaned(labels, voxel_size_nm=voxel_size_nm, inside=inside)
            bar.advance(1)
    return found


def _parents(fine: Labels, coarse: Labels) -> Labels:
    """The coarse label of every fine one, shape ``(labels,)``."""
    parents = np.zeros(int(fine.max()) + 1, coarse.dtype)
    parents[fine.reshape(-1)] = coarse.reshape(-1)
    return parents


def _check_nested(levels: Mapping[int, Labels]) -> None:
    """See to it that every class lies in one class of each coarser level.

    Raises:
        RuntimeError: If one does not.
    """
    for coarse, fine in pairwise(sorted(levels)):
        if not np.array_equal(_parents(levels[fine], levels[coarse])[levels[fine]], levels[coarse]):
            raise RuntimeError(
                f"every class of the level of {fine} must lie in one class of that of {coarse}, "
                f"and one does not"
            )
