"""How many voxels each label shares with each class, and the overlaps that follow."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import VolumeError, VolumeMismatchError

_BLOCK = 1 << 20
_LARGEST_TABLE = 1 << 26


@dataclass(frozen=True)
class Contingency:
    """Voxels that each label shares with each class of the truth."""

    counts: NDArray[np.int64]
    """Voxels with a label (rows) and a class (columns), shape (labels, classes)."""

    labels: NDArray[np.int64]
    """Values of the labels that occur, ascending, shape (labels,)."""

    classes: NDArray[np.int64]
    """Values of the classes that occur, ascending, shape (classes,)."""


def contingency(
    labels: NDArray[Any], truth: NDArray[Any], *, ignore: Collection[int] = ()
) -> Contingency:
    """Count the voxels that each label shares with each class.

    Args:
        labels: Whole numbers, any shape.
        truth: Whole numbers, the same shape.
        ignore: Classes of the truth whose voxels are left out, such as "not annotated".

    Returns:
        The table, without labels and classes that occur nowhere.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If a value is no whole number, or nothing is left to compare, or there are
            too many distinct values for a table.
    """
    if labels.shape != truth.shape:
        raise VolumeMismatchError(
            f"labels and truth must have the same shape, and they are {labels.shape} and "
            f"{truth.shape}. Compare volumes of the same grid."
        )
    rows, row_values = _numbered(labels, "labels")
    columns, column_values = _numbered(truth, "truth")
    size = len(row_values) * len(column_values)
    if size > _LARGEST_TABLE:
        raise VolumeError(
            f"labels and truth must be classes, and they have {len(row_values)} and "
            f"{len(column_values)} distinct values, too many for a table. Are they label volumes?"
        )
    counts = np.zeros(size, dtype=np.int64)
    # Block by block: the joint index of a whole volume would be eight times its labels.
    for start in range(0, rows.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        joint = rows[block].astype(np.intp) * len(column_values)
        joint += columns[block].astype(np.intp)
        counts += np.bincount(joint, minlength=size)
    table = counts.reshape(len(row_values), len(column_values))

    kept = table[:, ~np.isin(column_values, list(ignore))]
    classes = column_values[~np.isin(column_values, list(ignore))]
    if kept.sum() == 0:
        raise VolumeError(
            f"there must be a voxel to compare, and none of {truth.size} is left once the "
            f"classes {sorted(ignore)} are ignored."
        )
    seen_rows, seen_columns = kept.any(axis=1), kept.any(axis=0)
    return Contingency(
        counts=kept[seen_rows][:, seen_columns],
        labels=row_values[seen_rows],
        classes=classes[seen_columns],
    )


def dice(table: Contingency) -> NDArray[np.float64]:
    r"""Overlap of each label with each class, 2 \|A ∩ B\| / (\|A\| + \|B\|).

    Args:
        table: Voxels shared by labels and classes.

    Returns:
        Dice coefficients in [0, 1], shape (labels, classes).

    Source:
        Dice (1945). https://doi.org/10.2307/1932409
    """
    return 2.0 * table.counts / _sizes(table)


def intersection_over_union(table: Contingency) -> NDArray[np.float64]:
    r"""Overlap of each label with each class, \|A ∩ B\| / \|A ∪ B\|.

    Args:
        table: Voxels shared by labels and classes.

    Returns:
        Jaccard indices in [0, 1], shape (labels, classes).

    Source:
        Jaccard (1912). https://doi.org/10.1111/j.1469-8137.1912.tb05611.x
    """
    return table.counts / (_sizes(table) - table.counts)


def _sizes(table: Contingency) -> NDArray[np.float64]:
    """Voxels of a label plus voxels of a class, shape (labels, classes)."""
    rows = table.counts.sum(axis=1, keepdims=True)
    return np.asarray(rows + table.counts.sum(axis=0, keepdims=True), dtype=np.float64)


def _numbered(array: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Indices (voxels,) into the ascending values, and the values, some of which may not occur.

    Raises:
        VolumeError: If a value is no whole number.
    """
    flat = array.ravel()
    if flat.size == 0:
        raise VolumeError(f"{name} must have voxels, and the shape is {array.shape}.")
    if flat.dtype.kind not in "buif":
        raise VolumeError(f"{name} must be whole numbers, and the type is {flat.dtype}.")
    if flat.dtype.kind == "b":
        flat = flat.view(np.uint8)
    if flat.dtype.kind == "f":
        if not (np.isfinite(flat).all() and (flat == np.rint(flat)).all()):
            raise VolumeError(
                f"{name} must be whole numbers, and some of its {flat.dtype} values are not. "
                f"Is it an image, or a label volume resampled with interpolation?"
            )
        flat = flat.astype(np.int64)
    low, high = int(flat.min()), int(flat.max())
    if high > np.iinfo(np.int64).max:
        raise VolumeError(f"{name} must fit 64 bits with a sign, and its largest value is {high}.")
    if high - low < 1024:
        # In numpy's own width, so that nothing is copied where the labels start at 0.
        indices = flat if low == 0 else flat.astype(np.int64) - low
        return indices, np.arange(low, high + 1, dtype=np.int64)
    values, indices = np.unique(flat, return_inverse=True)
    return indices, values.astype(np.int64)
