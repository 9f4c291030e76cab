"""What must hold of the arrays of a segmentation tree, each with the message where it does not."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import TreeError

if TYPE_CHECKING:
    # Not at run time: it is made of trees that are checked here.
    from gyrovox.clustering.trunk import Trunk


def check_shapes(
    leaves: NDArray[np.int32],
    parents: NDArray[np.int32],
    codes: NDArray[np.float32],
    **columns: NDArray[np.generic],
) -> None:
    """Refuse arrays that are not of one volume and one number of nodes.

    Raises:
        TreeError: If `leaves` is not 3-D, the nodes are no odd number, or a column is not (nodes,).
    """
    if leaves.ndim != 3:
        raise TreeError(f"leaves must have axes (z, y, x), and their shape is {leaves.shape}.")
    _check_lengths(parents, codes, columns)


def check_trunk(trunk: "Trunk", voxels: int) -> None:
    """Refuse what is no tree, as far as that can be told without its voxels.

    Args:
        trunk: What may be the tree above its leaves.
        voxels: Voxels of the volume that it is of.

    Raises:
        TreeError: As `SegmentationTree`; but of the sizes of leaves only that they are positive,
            and that there are voxels for them.
    """
    columns: dict[str, NDArray[Any]] = {
        "altitudes": trunk.altitudes,
        "sizes": trunk.sizes,
        "spreads": trunk.spreads,
        "contrasts": trunk.contrasts,
    }
    _check_lengths(trunk.parents, trunk.codes, columns)
    check_parents(trunk.parents)
    check_altitudes(trunk.parents, trunk.altitudes)
    _check_sums(trunk.sizes[: trunk.n_leaves], trunk.parents, trunk.sizes)
    if int(trunk.sizes[-1]) > voxels:
        raise TreeError(
            f"a tree must have no more voxels than its volume, and has {trunk.sizes[-1]} where "
            f"the volume has {voxels}."
        )
    check_space(trunk.codes, trunk.spreads, trunk.contrasts, trunk.curvature)
    check_voxel_size(trunk.voxel_size_nm)


def _check_lengths(
    parents: NDArray[np.int32], codes: NDArray[np.float32], columns: Mapping[str, NDArray[Any]]
) -> None:
    """Refuse columns that are not of one number of nodes.

    Raises:
        TreeError: If the nodes are no odd number, or a column is not (nodes,).
    """
    if parents.ndim != 1 or len(parents) % 2 == 0:
        raise TreeError(
            f"parents must be one row of 2 L - 1 nodes for L leaves, and their shape is "
            f"{parents.shape}."
        )
    if codes.ndim != 2 or len(codes) != len(parents):
        raise TreeError(
            f"codes must have shape (nodes, dim) with {len(parents)} nodes, and {codes.shape} came."
        )
    for name, column in columns.items():
        if column.shape != parents.shape:
            raise TreeError(
                f"{name} must have one number for each of {len(parents)} nodes, and their shape is "
                f"{column.shape}."
            )


def check_parents(parents: NDArray[np.int32]) -> None:
    """Refuse what is no binary tree in the order that a tree has: leaves, merges, root.

    Raises:
        TreeError: If a parent does not come after its child, or a merge is not one of two.
    """
    root = len(parents) - 1
    if parents[root] != root:
        raise TreeError(
            f"the last node, {root}, must be its own parent as the root, and has {parents[root]}."
        )
    early = (parents[:root] <= np.arange(root)) | (parents[:root] > root)
    if early.any():
        node = int(np.argmax(early))
        raise TreeError(
            f"parents must come after their children and be at most {root}, and node {node} has "
            f"parent {parents[node]}."
        )
    expected = np.repeat([0, 2], [root // 2 + 1, root // 2])
    found = np.bincount(parents[:root], minlength=root + 1)
    if (found != expected).any():
        node = int(np.argmax(found != expected))
        raise TreeError(
            f"the first {root // 2 + 1} nodes must be leaves and the others have two children "
            f"each, and node {node} has {found[node]}."
        )


def check_altitudes(parents: NDArray[np.int32], altitudes: NDArray[np.float64]) -> None:
    """Refuse altitudes that are not 0 at the leaves, or that decrease towards the root.

    Raises:
        TreeError: If they are such.
    """
    leaves = (len(parents) + 1) // 2
    if not np.isfinite(altitudes).all() or altitudes[:leaves].any():
        raise TreeError("altitudes must be finite, and 0 for leaves, and some are not.")
    falling = altitudes[parents] < altitudes
    if falling.any():
        node = int(np.argmax(falling))
        raise TreeError(
            f"altitudes must not decrease towards the root, and node {node} has "
            f"{altitudes[node]:g} below a parent with {altitudes[parents[node]]:g}."
        )


def check_sizes(
    leaves: NDArray[np.int32], parents: NDArray[np.int32], sizes: NDArray[np.int64]
) -> None:
    """Refuse sizes that are not the numbers of voxels of the nodes.

    Raises:
        TreeError: If a voxel has no such leaf, a leaf no voxel, or a number is another.
    """
    n_leaves = (len(parents) + 1) // 2
    least, most = int(leaves.min(initial=0)), int(leaves.max(initial=0))
    if least < -1 or most >= n_leaves:
        raise TreeError(
            f"leaves must be from 0 to {n_leaves - 1}, or -1 outside the mask, and values from "
            f"{least} to {most} came."
        )
    _check_sums(np.bincount(leaves.ravel() + 1, minlength=n_leaves + 1)[1:], parents, sizes)


def _check_sums(
    counts: NDArray[np.integer], parents: NDArray[np.int32], sizes: NDArray[np.int64]
) -> None:
    """Refuse sizes that are not the sums of those of the leaves.

    Raises:
        TreeError: If a leaf has no voxel, or a number is another.
    """
    n_leaves = len(counts)
    if (counts <= 0).any():
        least = int(np.argmin(counts))
        raise TreeError(f"leaf {least} must have at least one voxel, and has {counts[least]}.")
    expected = np.append(counts, np.zeros(n_leaves - 1, np.int64))
    for node, parent in enumerate(parents[:-1].tolist()):
        expected[parent] += expected[node]
    if (sizes != expected).any():
        node = int(np.argmax(sizes != expected))
        raise TreeError(
            f"the size of a node must be the number of its voxels, and that of node {node} is "
            f"{sizes[node]} for {expected[node]}."
        )


def check_space(
    codes: NDArray[np.float32],
    spreads: NDArray[np.float32],
    contrasts: NDArray[np.float32],
    curvature: float,
) -> None:
    """Refuse codes, or lengths in their space, that cannot be such.

    Raises:
        TreeError: If a number is not finite, a length negative, the root's contrast not 0, or the
            curvature positive.
    """
    if not np.isfinite(codes).all():
        bad = int((~np.isfinite(codes)).any(axis=1).sum())
        raise TreeError(f"codes must be finite, and those of {bad} nodes are not.")
    for name, lengths in {"spreads": spreads, "contrasts": contrasts}.items():
        if not (np.isfinite(lengths) & (lengths >= 0)).all():
            raise TreeError(f"{name} must be finite and not negative, and some are.")
    if contrasts[-1] != 0:
        raise TreeError(
            f"the contrast of the root, which has no sibling, must be 0, and is {contrasts[-1]:g}."
        )
    if not (np.isfinite(curvature) and curvature <= 0):
        raise TreeError(f"curvature must be negative, or 0 for flat space, and it is {curvature}.")


def check_voxel_size(voxel_size_nm: tuple[float, float, float] | None) -> None:
    """Refuse a voxel size that is no length.

    Raises:
        TreeError: If one of three lengths in nm is not positive and finite.
    """
    if voxel_size_nm is not None and not all(
        np.isfinite(size) and size > 0 for size in voxel_size_nm
    ):
        raise TreeError(
            f"voxel sizes must be positive and finite, and came as {voxel_size_nm} nm (z, y, x). "
            f"Pass None where the size is unknown."
        )
