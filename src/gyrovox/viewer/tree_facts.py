"""What the page is told of a tree: a column for everything that is known of its nodes."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.cuts import merge_order
from gyrovox.clustering.trunk import Trunk
from gyrovox.results import disk_positions, hexadecimal, node_colours

_DIGITS = 9
"""Digits of numbers that are only shown; altitudes, which order the merges, keep all of theirs."""


def tree_json(trunk: Trunk, levels: tuple[int, ...]) -> bytes:
    """A tree as JSON; nodes are counted from 0, leaves first, the root last and its own parent.

    Args:
        trunk: The tree.
        levels: Numbers of classes of the levels that were written.

    Returns:
        ``curvature``, ``n_leaves``, ``is_disk`` (whether codes have two coordinates, so that the
        disk shows them as they are), ``suggested_levels``, ``levels``, ``merge_order`` (undoing
        its first k − 1 nodes gives the cut of k classes), and a list over the nodes each:
        ``parents``, ``altitudes``, ``sizes`` in voxels, ``volume_nm3`` (null where the voxel
        size is unknown), ``spreads``, ``contrasts``, ``radii``, ``depths``, ``stabilities``,
        ``disk`` (points of the unit disk) and ``colours`` (``#rrggbb``).
    """
    table = trunk.table()
    columns = {
        "volume_nm3": table["volume_nm3"],
        "spreads": trunk.spreads,
        "contrasts": trunk.contrasts,
        "radii": table["radius"],
        "stabilities": table["stability"],
        "disk": disk_positions(trunk),
    }
    shown = {name: _rounded(column) for name, column in columns.items()}
    facts: dict[str, object] = {
        "curvature": trunk.curvature,
        "n_leaves": trunk.n_leaves,
        "is_disk": trunk.codes.shape[1] == 2,
        "suggested_levels": list(trunk.suggested_levels()),
        "levels": sorted(levels),
        "merge_order": merge_order(trunk.altitudes)[::-1].tolist(),
        "parents": trunk.parents.tolist(),
        "altitudes": trunk.altitudes.tolist(),
        "sizes": trunk.sizes.tolist(),
        "depths": table["depth"].tolist(),
        "colours": [hexadecimal(colour) for colour in node_colours(trunk)],
        **shown,
        "volume_nm3": None if trunk.voxel_size_nm is None else shown["volume_nm3"],
    }
    return json.dumps(facts, allow_nan=False, separators=(",", ":")).encode()


def _rounded(column: NDArray[Any]) -> list[Any]:
    """Numbers to as many digits as a picture needs, which halves what is sent."""
    # NaN, where the voxel size is unknown, is no JSON; nobody reads that column.
    numbers = np.nan_to_num(column.astype(np.float64))
    rounded = [float(f"{number:.{_DIGITS}g}") for number in numbers.ravel().tolist()]
    as_before: list[Any] = np.array(rounded).reshape(numbers.shape).tolist()
    return as_before
