"""Chosen classes, or nodes, as label volumes that lie exactly over what was segmented."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from gyrovox import io
from gyrovox.volumes import ArraySource

from .class_table import class_of_leaves
from .hand_edits import HandEdits
from .node_voxels import LeafTable, node_voxels
from .result_folder import ResultFolder


def export_labels(
    result: ResultFolder,
    edits: HandEdits,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the classes that were chosen by hand, slab by slab.

    Labels are those of `level-K` files: class 0, the largest, is 0, or 1 where 0 is outside a
    mask. Those of a cut that the tree has at K classes are the file's very bytes, unless that was
    cleaned.

    Args:
        result: The result.
        edits: What was chosen.
        path: The file to write. Its suffix is the format; without one, it gets that of the
            result's own labels.
        overwrite: Whether it may be there already.

    Returns:
        The path that was written.

    Raises:
        EditError: If the edits do not fit the tree.
        FileFormatError: If there is no such format.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    classes = class_of_leaves(result.trunk, edits)
    first = int(result.trunk.masked)
    dtype = np.min_scalar_type(len(classes) - 1 + first)
    entries = np.append(0, classes.of_leaf + first).astype(dtype)
    labels = LeafTable(result.leaves().source, entries)
    return _written(result, labels, path, overwrite=overwrite)


def export_mask(
    result: ResultFolder,
    nodes: Iterable[int],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write where the voxels of some nodes are, 1 there and 0 elsewhere, slab by slab.

    Args:
        result: The result.
        nodes: At least one node, from 0.
        path: The file to write, as `export_labels` has it.
        overwrite: Whether it may be there already.

    Returns:
        The path that was written.

    Raises:
        TreeError: If a node is not there, or none came.
        GyrovoxError: As `export_labels`.
    """
    return _written(result, node_voxels(result, nodes), path, overwrite=overwrite)


def _written(
    result: ResultFolder, labels: ArraySource, path: str | os.PathLike[str], *, overwrite: bool
) -> Path:
    # The leaves lie over the volume as every label file does, and are there when it is gone.
    target, like = Path(path), replace(result.leaves(), name=result.source_name)
    if not target.suffix and like.path is not None:
        target = target.with_name(f"{target.name}{io.label_suffix(like.path)}")
    io.write_label_source(labels, target, like=like, overwrite=overwrite)
    return target
