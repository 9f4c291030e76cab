"""The labels layer of a tree: its leaves, in the colours of the classes that are shown."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

from .lazy_voxels import Voxels
from .shown_tree import KEY, ShownTree

_OPACITY = 0.55


def placement(voxel_size_nm: tuple[float, float, float] | None) -> dict[str, Any]:
    """Where a layer lies: its voxels' size in nm, or one pixel each where that is unknown.

    Args:
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.

    Returns:
        Keyword arguments of a layer.
    """
    if voxel_size_nm is None:
        return {}
    return {"scale": voxel_size_nm, "units": ("nm", "nm", "nm")}


def leaf_layer(
    leaves: Voxels, shown: ShownTree, name: str, where: dict[str, Any]
) -> tuple[Any, dict[str, Any], str]:
    """The labels layer of a tree, as napari's readers give it.

    Args:
        leaves: Leaf of every voxel from 1 on, 0 outside, shape ``(z, y, x)``.
        shown: The tree and how it is looked at.
        name: Name of what was segmented.
        where: Where it lies, as keyword arguments of a layer.

    Returns:
        Data, keyword arguments and type of the layer.
    """
    facts = {
        **where,
        "name": f"{name} segments",
        "metadata": {KEY: shown},
        "multiscale": False,
        "opacity": _OPACITY,
        "colormap": colour_map(shown),
        "features": features(shown),
    }
    return leaves, facts, "labels"


def colour_map(shown: ShownTree) -> CyclicLabelColormap:
    """The colours of the leaves.

    Args:
        shown: The tree and how it is looked at.

    Returns:
        A map of labels to the colours of their classes. It has one colour per label and never
        begins anew; napari takes a few milliseconds for it, and seconds for a map of a dictionary.
    """
    table = shown.colour_table
    return CyclicLabelColormap(name="gyrovox", colors=table, background_value=0)


def features(shown: ShownTree, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What napari's status bar says of the leaf below the mouse: its class, its path to the root.

    Args:
        shown: The tree and how it is looked at.
        before: The same of the same tree with the same names, of which the paths are taken.

    Returns:
        Columns by name, a row for each label.
    """
    names = np.array(shown.classes.names, object)
    return {
        "index": np.arange(1, shown.trunk.n_leaves + 1),
        "class": names[shown.classes.of_leaf],
        "path": np.array(shown.leaf_paths, object) if before is None else before["path"],
    }
