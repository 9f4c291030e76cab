"""How well a tree of segments agrees with truths at several levels."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import VolumeError, VolumeMismatchError
from gyrovox.evaluation.agreement import Evaluation, evaluate
from gyrovox.evaluation.leaf_order import leaf_order
from gyrovox.evaluation.node_scores import NodeAgreement, tree_overlap
from gyrovox.evaluation.overlap import contingency


@final
@dataclass(frozen=True, kw_only=True)
class LevelEvaluation:
    """How a tree and one of its cuts agree with the truth of one level."""

    cut: Evaluation
    """The labels of the cut beside the truth."""

    oracle_classes: tuple[NodeAgreement, ...]
    """The best single node of the tree for every class of the truth."""

    oracle_objects: tuple[NodeAgreement, ...]
    """The best single node of the tree for every connected component of a class."""

    dendrogram_purity: float
    """Mean purity of the smallest node that holds two random voxels of one class."""

    balanced_dendrogram_purity: float
    """The same with every class of equal weight."""

    parent_child_consistency: float | None
    """Share of voxels whose class lies in the right class of the level above; None at the top."""

    @property
    def mean_oracle_dice(self) -> float:
        """Mean over the classes of the Dice of the best single node."""
        return float(np.mean([row.dice for row in self.oracle_classes]))

    @property
    def mean_oracle_object_dice(self) -> float:
        """Mean over the objects of the Dice of the best single node, small ones like large ones."""
        return float(np.mean([row.dice for row in self.oracle_objects]))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, ready for JSON."""
        return {
            "cut": self.cut.to_dict(),
            "mean_oracle_dice": self.mean_oracle_dice,
            "mean_oracle_object_dice": self.mean_oracle_object_dice,
            "dendrogram_purity": self.dendrogram_purity,
            "balanced_dendrogram_purity": self.balanced_dendrogram_purity,
            "parent_child_consistency": self.parent_child_consistency,
            "oracle_classes": [row.to_dict() for row in self.oracle_classes],
            "oracle_objects": [row.to_dict() for row in self.oracle_objects],
        }


@final
@dataclass(frozen=True, kw_only=True)
class HierarchyEvaluation:
    """How a tree agrees with truths at several levels."""

    levels: tuple[LevelEvaluation, ...]
    """Coarse to fine, one for each truth."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, ready for JSON."""
        return {"levels": [level.to_dict() for level in self.levels]}


def evaluate_hierarchy(
    leaves: NDArray[Any],
    parents: NDArray[Any],
    cuts: Sequence[NDArray[Any]],
    truths: Sequence[NDArray[Any]],
    *,
    ignore: Collection[int] = (),
) -> HierarchyEvaluation:
    """Compare a tree, and a cut of it for each level, with the truths of the levels.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the tree.
        parents: Parent of every node, shape ``(nodes,)``: leaves first, children before parents,
            the root last and its own parent.
        cuts: Labels of one cut for each truth, coarse to fine, each of shape ``(z, y, x)``.
        truths: Whole numbers, coarse to fine, each of shape ``(z, y, x)``.
        ignore: Classes whose voxels are left out, of every truth.

    Returns:
        Scores of every level.

    Raises:
        VolumeMismatchError: If there is not one cut for each truth, or the shapes differ.
        VolumeError: If a value is no whole number, or nothing is left to compare.
        TreeError: If the parents are not those of such a tree, or a leaf is none of them.
    """
    _check_levels(cuts, truths)
    order = leaf_order(parents)
    named = [evaluate(cut, truth, ignore=ignore) for cut, truth in zip(cuts, truths, strict=True)]
    steps = _consistencies(cuts, truths, named, ignore)
    levels = []
    for truth, cut, step in zip(truths, named, (None, *steps), strict=True):
        classes = tree_overlap(leaves, order, truth, ignore=ignore)
        objects = tree_overlap(leaves, order, truth, per="object", ignore=ignore)
        levels.append(
            LevelEvaluation(
                cut=cut,
                oracle_classes=classes.best_nodes(),
                oracle_objects=objects.best_nodes(),
                dendrogram_purity=classes.purity(balanced=False),
                balanced_dendrogram_purity=classes.purity(balanced=True),
                parent_child_consistency=step,
            )
        )
    return HierarchyEvaluation(levels=tuple(levels))


def class_count(leaves: NDArray[Any], truth: NDArray[Any], *, ignore: Collection[int] = ()) -> int:
    """How many classes of a truth occur within a tree: into how many it should be cut for it.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the tree.
        truth: Whole numbers, shape ``(z, y, x)``.
        ignore: Classes of the truth that do not count.

    Returns:
        A number ≥ 1.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If the truth is no label volume, or none of its classes is left.
    """
    table = contingency(leaves >= 0, truth, ignore=ignore)
    if table.labels[-1] != 1:
        raise VolumeError(
            f"the tree must hold a voxel to compare, and none is left once the classes "
            f"{sorted(ignore)} are ignored."
        )
    return int(np.count_nonzero(table.counts[-1]))


def parent_child_consistency(
    levels: Sequence[NDArray[Any]],
    truths: Sequence[NDArray[Any]],
    *,
    ignore: Collection[int] = (),
) -> tuple[float, ...]:
    """Whether the classes that a segmentation nests in each other are those that the truth nests.

    At every level, labels are matched to the classes of the truth one to one (as `evaluate` does).
    A class of the finer truth belongs to the class of the coarser that holds most of its voxels (of
    equal ones, the lowest). A voxel counts as consistent where its finer label is matched to a
    class, its coarser label is matched to a class, and the first belongs to the second. So this
    asks for right relations, not for right outlines: 1 for a tree whose labels are named without
    fault and nested as the truth is, whatever their Dice. A label without a class costs its voxels.

    Args:
        levels: Labels of each level, coarse to fine, whole numbers, each of shape ``(z, y, x)``.
        truths: Truth of each level, coarse to fine, whole numbers, each of shape ``(z, y, x)``.
        ignore: Classes of the truths whose voxels are left out; a voxel is left out of a step if
            it is of such a class at one of the two levels.

    Returns:
        Share of consistent voxels for each step from a level to the next finer one, in [0, 1],
        one less than there are levels.

    Raises:
        VolumeMismatchError: If there is not one level for each truth, or the shapes differ.
        VolumeError: If a value is no whole number, or nothing is left to compare.
    """
    _check_levels(levels, truths)
    named = [
        evaluate(labels, truth, ignore=ignore) for labels, truth in zip(levels, truths, strict=True)
    ]
    return _consistencies(levels, truths, named, ignore)


def _check_levels(levels: Sequence[NDArray[Any]], truths: Sequence[NDArray[Any]]) -> None:
    """Refuse what cannot be compared level by level.

    Raises:
        VolumeMismatchError: If there is not one level for each truth, or the shapes differ.
    """
    if not len(levels) == len(truths) > 0:
        raise VolumeMismatchError(
            f"there must be a truth, and labels for every truth, and there are {len(truths)} "
            f"truths and {len(levels)} sets of labels. Give one of each for every level."
        )
    shapes = {volume.shape for volume in (*levels, *truths)}
    if len(shapes) > 1:
        raise VolumeMismatchError(
            f"tree and truths must have the same shape, and there are {len(shapes)}: "
            f"{', '.join(map(str, sorted(shapes)))}. Compare volumes of the same grid."
        )


def _consistencies(
    levels: Sequence[NDArray[Any]],
    truths: Sequence[NDArray[Any]],
    named: Sequence[Evaluation],
    ignore: Collection[int],
) -> tuple[float, ...]:
    """Parent-child consistency of each step, given which label stands for which class."""
    shares = []
    for coarse, fine in pairwise(range(len(levels))):
        kept = ~np.isin(truths[coarse], list(ignore)) & ~np.isin(truths[fine], list(ignore))
        nesting = contingency(truths[fine][kept], truths[coarse][kept])
        parents = nesting.classes[nesting.counts.argmax(axis=1)]
        parent_of = dict(zip(nesting.labels.tolist(), parents.tolist(), strict=True))
        table = contingency(levels[fine][kept], levels[coarse][kept])
        fine_class, coarse_class = _class_of_label(named[fine]), _class_of_label(named[coarse])
        wanted = [parent_of.get(fine_class.get(label)) for label in table.labels.tolist()]
        got = [coarse_class.get(label) for label in table.classes.tolist()]
        # As floats, None is NaN, which equals nothing, itself included.
        agree = np.array(wanted, np.float64)[:, None] == np.array(got, np.float64)
        shares.append(float(table.counts[agree].sum() / table.counts.sum()))
    return tuple(shares)


def _class_of_label(evaluation: Evaluation) -> dict[int | None, int]:
    """The class that each label is matched to; labels without one are absent."""
    return {row.label: row.truth_class for row in evaluation.classes if row.label is not None}
