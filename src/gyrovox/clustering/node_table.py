"""What there is to say about every node of a tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cuts import depths


def radii(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance of every mean code from the origin.

    2‖u‖ at any curvature, as in `gyrovox.geometry`: the metric at the origin is 4 I.

    Args:
        codes: Mean code of every node, shape ``(nodes, dim)``.

    Returns:
        Shape ``(nodes,)``.
    """
    return np.asarray(2 * np.linalg.norm(codes.astype(np.float64), axis=1))


def stabilities(parents: NDArray[np.int32], altitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over how much of the log-scale every node lasts.

    log(altitude of its parent / own altitude) ≥ 0. Altitudes below the least positive one of
    the tree count as that, so leaves last from there on; the root, which nothing ends, has 0.

    Args:
        parents: Parent of every node, shape ``(nodes,)``; the root is its own.
        altitudes: Coarseness at which a node forms, shape ``(nodes,)``.

    Returns:
        Shape ``(nodes,)``.
    """
    positive = altitudes[altitudes > 0]
    logs = np.log(np.maximum(altitudes, positive.min(initial=np.inf)))
    return np.asarray(logs[parents] - logs if positive.size else np.zeros(len(parents)))


def node_table(
    parents: NDArray[np.int32],
    altitudes: NDArray[np.float64],
    sizes: NDArray[np.int64],
    codes: NDArray[np.float32],
    *,
    spreads: NDArray[np.float32],
    contrasts: NDArray[np.float32],
    voxel_size_nm: tuple[float, float, float] | None,
) -> dict[str, NDArray[Any]]:
    """A column for everything that is known of nodes, as `SegmentationTree.table` says.

    Args:
        parents: As in `SegmentationTree`, as are all that follow.
        altitudes: Shape ``(nodes,)``.
        sizes: Shape ``(nodes,)``.
        codes: Shape ``(nodes, dim)``.
        spreads: Shape ``(nodes,)``.
        contrasts: Shape ``(nodes,)``.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.

    Returns:
        Columns by name, shape ``(nodes,)`` each.
    """
    above = parents.copy()
    above[-1] = -1
    voxel_nm3 = np.nan if voxel_size_nm is None else float(np.prod(voxel_size_nm))
    return {
        "node": np.arange(len(parents), dtype=np.int32),
        "parent": above,
        "size": sizes,
        "volume_nm3": sizes * voxel_nm3,
        "depth": depths(parents),
        "altitude": altitudes,
        "radius": radii(codes),
        "spread": spreads,
        "contrast": contrasts,
        "stability": stabilities(parents, altitudes),
    }
