"""Everything that is said about a segmentation beside its truth, from one table of counts."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyrovox.evaluation.matching import match
from gyrovox.evaluation.overlap import (
    Contingency,
    contingency,
    dice,
    intersection_over_union,
)
from gyrovox.evaluation.partition import adjusted_rand, conditional_entropies


@dataclass(frozen=True, kw_only=True)
class ClassAgreement:
    """One class of the truth and the label that was matched to it."""

    truth_class: int
    """Value of the class in the truth."""

    label: int | None
    """Value of the label matched to it, or None where none was left."""

    dice: float
    """Dice coefficient of the two; 0 without a label."""

    iou: float
    """Intersection over union of the two; 0 without a label."""

    truth_voxels: int
    """Voxels of the class."""

    label_voxels: int
    """Voxels of the label."""

    shared_voxels: int
    """Voxels of both."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How labels agree with a truth."""

    classes: tuple[ClassAgreement, ...]
    """Every class of the truth, background included, ascending."""

    adjusted_rand: float
    """1 for equal partitions, about 0 for random ones."""

    split_bits: float
    """H(labels | truth): grows where classes are split."""

    merge_bits: float
    """H(truth | labels): grows where classes are merged."""

    @property
    def mean_dice(self) -> float:
        """Mean Dice over the classes of the truth, background included."""
        return float(np.mean([row.dice for row in self.classes]))

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union over the classes of the truth, background included."""
        return float(np.mean([row.iou for row in self.classes]))

    @property
    def variation_of_information(self) -> float:
        """Bits by which the partitions differ: `split_bits` + `merge_bits`."""
        return self.split_bits + self.merge_bits

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, ready for JSON."""
        return {
            "mean_dice": self.mean_dice,
            "mean_iou": self.mean_iou,
            "adjusted_rand": self.adjusted_rand,
            "variation_of_information": self.variation_of_information,
            "split_bits": self.split_bits,
            "merge_bits": self.merge_bits,
            "classes": [asdict(row) for row in self.classes],
        }


def evaluate(
    labels: NDArray[Any], truth: NDArray[Any], *, ignore: Collection[int] = ()
) -> Evaluation:
    """Compare a label volume with a truth, whatever names the labels have.

    Labels are matched to classes one to one, so that the sum of their Dice is largest. A class
    without a label scores 0; a label without a class counts only through the voxels it holds.

    Args:
        labels: Whole numbers, any shape.
        truth: Whole numbers, the same shape.
        ignore: Classes of the truth whose voxels are left out, such as "not annotated".

    Returns:
        Overlap of every class, and the agreement of the partitions.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If a value is no whole number, or nothing is left to compare.
    """
    table = contingency(labels, truth, ignore=ignore)
    split, merged = conditional_entropies(table)
    return Evaluation(
        classes=_class_by_class(table),
        adjusted_rand=adjusted_rand(table),
        split_bits=split,
        merge_bits=merged,
    )


def _class_by_class(table: Contingency) -> tuple[ClassAgreement, ...]:
    dices, ious = dice(table), intersection_over_union(table)
    matched = match(dices)
    in_label, in_class = table.counts.sum(axis=1), table.counts.sum(axis=0)
    rows = []
    for column, row in enumerate(matched.tolist()):
        found = row >= 0
        rows.append(
            ClassAgreement(
                truth_class=int(table.classes[column]),
                label=int(table.labels[row]) if found else None,
                dice=float(dices[row, column]) if found else 0.0,
                iou=float(ious[row, column]) if found else 0.0,
                truth_voxels=int(in_class[column]),
                label_voxels=int(in_label[row]) if found else 0,
                shared_voxels=int(table.counts[row, column]) if found else 0,
            )
        )
    return tuple(rows)
