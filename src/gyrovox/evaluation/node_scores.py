"""What the nodes of a tree are worth beside a truth, over all nodes, whatever the cut."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from gyrovox.errors import TreeError, VolumeError, VolumeMismatchError
from gyrovox.evaluation.leaf_order import LeafOrder, leaf_order

TruthPart = Literal["class", "object"]
"""A whole class of the truth, or one of its connected components."""


@final
@dataclass(frozen=True, kw_only=True)
class NodeAgreement:
    """One class, or one object, of the truth and the single node that agrees with it best."""

    truth_class: int
    """Value of the class in the truth."""

    node: int | None
    """The node, counted from 0 as in `parents`; None where no node shares a voxel with it."""

    dice: float
    """Dice coefficient of the two; 0 without a node."""

    truth_voxels: int
    """Voxels of the class or object, those outside the tree included."""

    node_voxels: int
    """Voxels of the node."""

    shared_voxels: int
    """Voxels of both."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, ready for JSON; `node_id` counts from 1, as ids in a tree file do."""
        return {
            "truth_class": self.truth_class,
            "node_id": None if self.node is None else self.node + 1,
            "dice": self.dice,
            "truth_voxels": self.truth_voxels,
            "node_voxels": self.node_voxels,
            "shared_voxels": self.shared_voxels,
        }


def oracle_dice(
    leaves: NDArray[Any],
    parents: NDArray[Any],
    truth: NDArray[Any],
    *,
    per: TruthPart = "class",
    ignore: Collection[int] = (),
) -> tuple[NodeAgreement, ...]:
    """The best that a single node of the tree can do for each class, or each object, of the truth.

    What an oracle would choose: an upper bound for every segmentation that names nodes of this
    tree, and 1 exactly where the class is a node. An object is a connected component of a class,
    of voxels that share faces: one mitochondrion rather than all of them.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the tree.
        parents: Parent of every node, shape ``(nodes,)``: leaves first, children before parents,
            the root last and its own parent.
        truth: Whole numbers, shape ``(z, y, x)``.
        per: Whether to look for nodes for classes or for objects.
        ignore: Classes of the truth whose voxels are left out, of nodes as well.

    Returns:
        One row per class or object, by ascending class; objects of a class in the order in which
        a scan along x, then y, then z meets them. Of nodes as good as each other, the lowest.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If the truth is no label volume, or nothing is left to compare.
        TreeError: If the parents are not those of such a tree, or a leaf is none of them.

    Source:
        Arbeláez, Maire, Fowlkes & Malik (2011): "segmentation covering" by the best region of a
        hierarchy, here with Dice in place of IoU. https://doi.org/10.1109/TPAMI.2010.161
    """
    return tree_overlap(leaves, leaf_order(parents), truth, per=per, ignore=ignore).best_nodes()


def dendrogram_purity(
    leaves: NDArray[Any],
    parents: NDArray[Any],
    truth: NDArray[Any],
    *,
    balanced: bool = False,
    ignore: Collection[int] = (),
) -> float:
    r"""How pure the smallest node is that holds two random voxels of one class: the mean of it.

    .. math::
        \frac{1}{|P|} \sum_{(u, v) \in P}
            \frac{|\mathrm{lca}(u, v) \cap C(u)|}{|\mathrm{lca}(u, v)|}

    over all pairs P of distinct voxels that have a leaf, and the same class C; not sampled. Large
    classes make up most pairs, so `balanced` gives every class the same weight.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the tree.
        parents: Parent of every node, shape ``(nodes,)``: leaves first, children before parents,
            the root last and its own parent.
        truth: Whole numbers, shape ``(z, y, x)``.
        balanced: Whether to take the mean over pairs within each class, then over classes.
        ignore: Classes of the truth whose voxels are left out, of nodes as well.

    Returns:
        In (0, 1]; 1 exactly where the voxels of every class that have a leaf make up a node.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If the truth is no label volume, or no class has two voxels in the tree.
        TreeError: If the parents are not those of such a tree, or a leaf is none of them.

    Source:
        Heller & Ghahramani (2005), https://doi.org/10.1145/1102351.1102389; as a sum over pairs:
        Kobren, Monath, Krishnamurthy & McCallum (2017). https://arxiv.org/abs/1704.01858
    """
    return tree_overlap(leaves, leaf_order(parents), truth, ignore=ignore).purity(balanced=balanced)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class TreeOverlap:
    """What parts of a truth share with the nodes that could matter to them.

    Those are the leaves that a part touches, and the smallest nodes that hold two of these: every
    other node holds no more of the part than one of them, and is larger.
    """

    classes: NDArray[np.int64]
    """Class of each part, shape (parts,)."""

    part_voxels: NDArray[np.int64]
    """Voxels of each part, those outside the tree included, shape (parts,)."""

    parts: NDArray[np.int64]
    """Part of each row, shape (rows,)."""

    nodes: NDArray[np.int64]
    """Node of each row, shape (rows,)."""

    node_voxels: NDArray[np.int64]
    """Voxels of the node, shape (rows,)."""

    shared: NDArray[np.int64]
    """Voxels of both, shape (rows,)."""

    pairs: NDArray[np.float64]
    """Pairs of voxels of the part of which the node is the smallest to hold both, (rows,)."""

    def best_nodes(self) -> tuple[NodeAgreement, ...]:
        """The node with the largest Dice for each part."""
        dices = 2 * self.shared / (self.node_voxels + self.part_voxels[self.parts])
        order = np.lexsort((self.nodes, -dices, self.parts))
        found, firsts = np.unique(self.parts[order], return_index=True)
        row_of = np.full(len(self.classes), -1)
        row_of[found] = order[firsts]
        return tuple(
            NodeAgreement(
                truth_class=int(self.classes[part]),
                node=int(self.nodes[row]) if row >= 0 else None,
                dice=float(dices[row]) if row >= 0 else 0.0,
                truth_voxels=int(self.part_voxels[part]),
                node_voxels=int(self.node_voxels[row]) if row >= 0 else 0,
                shared_voxels=int(self.shared[row]) if row >= 0 else 0,
            )
            for part, row in enumerate(row_of.tolist())
        )

    def purity(self, *, balanced: bool) -> float:
        """Dendrogram purity of the parts, see `dendrogram_purity`.

        Raises:
            VolumeError: If no part has two voxels in the tree.
        """
        count = len(self.classes)
        pure = self.pairs * self.shared / self.node_voxels
        pairs = np.bincount(self.parts, weights=self.pairs, minlength=count)
        pure_pairs = np.bincount(self.parts, weights=pure, minlength=count)
        kept = pairs > 0
        if not kept.any():
            raise VolumeError(
                "dendrogram purity needs two voxels of one class in the tree, and no class of the "
                "truth has them. Is it a label volume?"
            )
        if balanced:
            return float((pure_pairs[kept] / pairs[kept]).mean())
        return float(pure_pairs.sum() / pairs.sum())


def tree_overlap(
    leaves: NDArray[Any],
    order: LeafOrder,
    truth: NDArray[Any],
    *,
    per: TruthPart = "class",
    ignore: Collection[int] = (),
) -> TreeOverlap:
    """Count what the parts of a truth share with the nodes that could matter to them.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the tree.
        order: The leaves of the tree in a line.
        truth: Whole numbers, shape ``(z, y, x)``.
        per: Whether a part is a class or an object.
        ignore: Classes of the truth whose voxels are left out, of nodes as well.

    Returns:
        Parts, and rows of a part and a node.

    Raises:
        VolumeMismatchError: If the shapes differ.
        VolumeError: If the truth is no label volume, or nothing is left to compare.
        TreeError: If a leaf is none of the tree.
    """
    if leaves.shape != truth.shape:
        raise VolumeMismatchError(
            f"tree and truth must have the same shape, and they are {leaves.shape} and "
            f"{truth.shape}. Compare volumes of the same grid."
        )
    if leaves.min() < -1 or leaves.max() >= len(order.places):
        raise TreeError(
            f"leaves must be from 0 to {len(order.places) - 1}, or -1 outside the tree, and they "
            f"are from {leaves.min()} to {leaves.max()}. Take them from the SegmentationTree."
        )
    parts, classes = _parts(truth, per, ignore)
    kept = parts >= 0
    part_voxels = np.bincount(parts[kept], minlength=len(classes))
    kept &= leaves >= 0
    places = order.places[leaves[kept]]
    rows = _rows(order, parts[kept], places, len(classes))
    return TreeOverlap(classes=classes, part_voxels=part_voxels, **rows)


def _rows(
    order: LeafOrder, parts: NDArray[np.int64], places: NDArray[np.int64], count: int
) -> dict[str, NDArray[Any]]:
    """The rows of a `TreeOverlap`, from the part and the place of every voxel that counts."""
    width = len(order.places)
    table = coo_array((np.ones(len(parts), np.int64), (parts, places)), shape=(count, width))
    counted = table.tocsr()  # sums what falls together
    counted.sort_indices()
    shares, at = counted.data, counted.indices.astype(np.int64)
    part = np.repeat(np.arange(count), np.diff(counted.indptr))
    voxels_before = np.concatenate([[0], np.cumsum(np.bincount(places, minlength=width))])
    shares_before = np.concatenate([[0], np.cumsum(shares)])
    # Between a leaf that the part touches and the next one lies the joint of a node.
    left = np.flatnonzero(part[:-1] == part[1:])
    nodes = order.common_ancestors(at[left], at[left + 1])
    keys = part * width + at
    low = shares_before[np.searchsorted(keys, part[left] * width + order.starts[nodes])]
    high = shares_before[np.searchsorted(keys, part[left] * width + order.stops[nodes])]
    middle = shares_before[left + 1]
    leaf_at = np.argsort(order.places)
    all_nodes = np.concatenate([leaf_at[at], nodes])
    shared = np.concatenate([shares, high - low])
    return {
        "parts": np.concatenate([part, part[left]]),
        "nodes": all_nodes,
        "node_voxels": voxels_before[order.stops[all_nodes]]
        - voxels_before[order.starts[all_nodes]],
        "shared": shared,
        "pairs": np.concatenate([
            shares * (shares - 1.0) / 2,
            (middle - low) * (high - middle).astype(np.float64),
        ]),
    }


def _parts(
    truth: NDArray[Any], per: TruthPart, ignore: Collection[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The part of every voxel, −1 for those left out, shape (z, y, x), and the parts' classes.

    Raises:
        VolumeError: If the truth is no label volume, or nothing is left of it.
    """
    if truth.dtype.kind not in "buif" or (
        truth.dtype.kind == "f"
        and not (np.isfinite(truth).all() and (truth == truth.round()).all())
    ):
        raise VolumeError(
            f"truth must be whole numbers, and some of its {truth.dtype} values are not. Is it an "
            f"image, or a label volume resampled with interpolation?"
        )
    values, numbers = np.unique(truth, return_inverse=True)
    classes = values.astype(np.int64)
    kept = ~np.isin(classes, list(ignore))
    if not kept.any():
        raise VolumeError(
            f"there must be a voxel to compare, and none of {truth.size} is left once the classes "
            f"{sorted(ignore)} are ignored."
        )
    new = np.where(kept, np.cumsum(kept) - 1, -1)
    parts = new[numbers].reshape(truth.shape)
    if per == "class":
        return parts, classes[kept]
    from skimage.measure import label

    found = np.asarray(label(parts + 1, background=0, connectivity=1))  # type: ignore[no-untyped-call]
    class_of = np.zeros(int(found.max()) + 1, np.int64)
    class_of[found.ravel()] = parts.ravel()
    by_class = np.argsort(class_of[1:], kind="stable")
    new = np.full(len(class_of), -1)
    new[1:][by_class] = np.arange(len(by_class))
    return new[found], classes[kept][class_of[1:][by_class]]
