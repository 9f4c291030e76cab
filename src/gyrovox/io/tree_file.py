"""Tree files: the leaves as a label volume, and beside it what every node is, as JSON.

Node ids in these files start at 1, so that a leaf's id is its label and 0 is none: no leaf for a
voxel outside the mask, no parent for the root. Any level of detail is a look-up.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import FileAccessError, MissingFileError, TreeError, TreeFileError
from gyrovox.io.atomic import written_whole
from gyrovox.io.reading import read
from gyrovox.io.writing import label_suffix, write_label_source
from gyrovox.volumes import ArraySource, InMemory, Volume

if TYPE_CHECKING:
    # Not at run time: it loads torch, and reading a volume needs none.
    from gyrovox.clustering import SegmentationTree
    from gyrovox.clustering.trunk import Trunk

_FORMAT = "gyrovox segmentation tree"
_VERSION = 1
_TABLE = "tree.json"
_LEAVES = "leaves"
_MOST_LEAVES = 2**16 - 1


def write_tree(
    tree: "SegmentationTree",
    folder: str | os.PathLike[str],
    *,
    like: Volume,
    overwrite: bool = False,
) -> Path:
    """Write a tree as `tree.json` and `leaves.<suffix of the volume's labels>`, both or none.

    Args:
        tree: What to write.
        folder: Where to; it must exist.
        like: The volume that the tree is of; the leaves lie exactly over it.
        overwrite: Whether files that are there may be replaced.

    Returns:
        The path of `tree.json`.

    Raises:
        TreeError: If the tree has more leaves than a label volume has labels.
        VolumeMismatchError: If tree and volume differ in shape.
        OutputExistsError: If one of the files is there.
        OutputSpaceError: If there is no room for them.
        MissingFileError: If the folder is not there.
        FileAccessError: If this user may not write there.
    """
    if tree.n_leaves > _MOST_LEAVES:
        raise TreeError(
            f"a tree must have at most {_MOST_LEAVES} leaves to be written, since labels have 16 "
            f"bits, and it has {tree.n_leaves}. Build it of larger regions."
        )
    labels = (tree.leaves + 1).astype(np.min_scalar_type(tree.n_leaves))
    return _written(tree, InMemory(labels[np.newaxis]), Path(folder), like, overwrite=overwrite)


def write_trunk(
    trunk: "Trunk",
    leaves: ArraySource,
    folder: str | os.PathLike[str],
    *,
    like: Volume,
    overwrite: bool = False,
) -> Path:
    """Write a tree whose leaves need not fit in memory, as `write_tree` does.

    Args:
        trunk: The tree above its leaves, at most 65,535.
        leaves: The leaf of every voxel, from 1 on, 0 for none; uint8 or uint16, one channel.
        folder: Where to; it must exist.
        like: The volume that the tree is of.
        overwrite: Whether files that are there may be replaced.

    Returns:
        The path of `tree.json`.

    Raises:
        VolumeMismatchError: If leaves and volume differ in shape.
        OutputExistsError: If one of the files is there.
        OutputSpaceError: If there is no room for them.
        MissingFileError: If the folder is not there.
        FileAccessError: If this user may not write there.
    """
    return _written(trunk, leaves, Path(folder), like, overwrite=overwrite)


def _written(
    tree: "SegmentationTree | Trunk",
    leaves: ArraySource,
    folder: Path,
    like: Volume,
    *,
    overwrite: bool,
) -> Path:
    suffix = ".mrc" if like.path is None else label_suffix(like.path)
    table, labels = folder / _TABLE, folder / f"{_LEAVES}{suffix}"
    # The leaves take their place first: where there is a table, there are leaves.
    with (
        written_whole(table, overwrite=overwrite, suffix=".json") as table_beside,
        written_whole(labels, overwrite=overwrite, suffix=suffix) as labels_beside,
    ):
        write_label_source(leaves, labels_beside, like=like)
        table_beside.write_text(_text(tree, labels.name), encoding="utf-8")
    return table


def read_tree(path: str | os.PathLike[str]) -> "SegmentationTree":
    """Read what `write_tree` wrote, equal to the last bit.

    Args:
        path: A `tree.json`, with the file of its leaves beside it.

    Returns:
        The tree.

    Raises:
        MissingFileError: If one of the two files is not there.
        FileAccessError: If one of them may not be read.
        FileFormatError: If the file of the leaves is no volume.
        TreeFileError: If the table is none of gyrovox, of another version, or of other leaves.
    """
    from gyrovox.clustering import SegmentationTree

    table = _table(Path(path))
    leaves = _as_leaves(_leaf_volume(table.leaves))
    with _said_of(table):
        return SegmentationTree(
            leaves=leaves,
            curvature=table.curvature,
            voxel_size_nm=table.voxel_size_nm,
            **table.columns,
        )


def read_trunk(path: str | os.PathLike[str]) -> "tuple[Trunk, Volume]":
    """Read what `write_tree` or `write_trunk` wrote; voxels are read later.

    Args:
        path: A `tree.json`, with the file of its leaves beside it.

    Returns:
        The tree above its leaves, and the volume of the leaves: labels from 1, 0 for none.

    Raises:
        MissingFileError: If one of the two files is not there.
        FileAccessError: If one of them may not be read.
        FileFormatError: If the file of the leaves is no volume.
        TreeFileError: If the table is none of gyrovox, of another version, or of other leaves.
    """
    from gyrovox.clustering.tree_checks import check_trunk
    from gyrovox.clustering.trunk import Trunk

    table = _table(Path(path))
    leaves = _leaf_volume(table.leaves)
    voxels = math.prod(leaves.spatial_shape)
    with _said_of(table):
        trunk = Trunk(
            number=np.arange((len(table.columns["parents"]) + 1) // 2, dtype=np.int32),
            curvature=table.curvature,
            voxel_size_nm=table.voxel_size_nm,
            masked=int(table.columns["sizes"][-1:].sum()) < voxels,
            **table.columns,
        )
        check_trunk(trunk, voxels)
    return trunk, leaves


@final
@dataclass(frozen=True)
class _Table:
    """What a tree file holds, but for the voxels."""

    path: Path
    leaves: Path
    columns: dict[str, NDArray[Any]]
    curvature: float
    voxel_size_nm: tuple[float, float, float] | None


def _table(source: Path) -> _Table:
    """The content of a tree file.

    Raises:
        MissingFileError: If it is not there.
        TreeFileError: If it holds no columns of a tree's nodes.
    """
    if not source.is_file():
        raise MissingFileError(
            f"a tree must be a {_TABLE} written by gyrovox, and {source} is no file."
        )
    facts = _facts(source)
    try:
        return _Table(
            source,
            source.parent / _name(facts["leaves"]),
            _columns(facts["nodes"]),
            float(_column(facts, "curvature", np.float64, axes=0)),
            None if facts["voxel_size_nm"] is None else _voxel_size_nm(facts),
        )
    except KeyError as error:
        raise TreeFileError(
            f"{source}: a tree file must have {error}, and has not. Write it anew."
        ) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise TreeFileError(
            f"{source}: a tree file must hold the columns of a tree's nodes, and does not: "
            f"{error}. Write it anew."
        ) from error


@contextmanager
def _said_of(table: _Table) -> Iterator[None]:
    """Say of which files it is that they are no tree.

    Raises:
        TreeFileError: If they are none.
    """
    try:
        yield
    except TreeError as error:
        raise TreeFileError(
            f"{table.path}: the nodes must be a tree over the leaves in {table.leaves.name}, and "
            f"are none: {error} Keep the two files as they were written together. (Nodes are "
            f"counted from 0 here.)"
        ) from error


def _text(tree: "SegmentationTree | Trunk", leaves: str) -> str:
    """The table as JSON: a column on a line, every number to its last bit."""
    table: dict[str, NDArray[Any]] = tree.table()
    table["node"] = table["node"] + 1
    table["parent"] = table["parent"] + 1
    if tree.voxel_size_nm is None:
        del table["volume_nm3"]
    columns = {**table, "code": tree.codes}
    facts = {
        "format": _FORMAT,
        "version": _VERSION,
        "leaves": leaves,
        "curvature": tree.curvature,
        "voxel_size_nm": tree.voxel_size_nm,
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)},\n" for name, value in facts.items()]
    # A float32 is written as the float64 that it is: longer than it need be, and exact.
    rows = [
        f"  {json.dumps(name)}: {json.dumps(column.tolist(), allow_nan=False)}"
        for name, column in columns.items()
    ]
    return "{\n" + "".join(lines) + '"nodes": {\n' + ",\n".join(rows) + "\n}\n}\n"


def _facts(source: Path) -> dict[str, Any]:
    """The content of a tree file of this version.

    Raises:
        FileAccessError: If it may not be read.
        TreeFileError: If it is no JSON, no tree's, or of another version.
    """
    try:
        facts = json.loads(source.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise FileAccessError(f"the tree {source} may not be read by this user.") from error
    # A ValueError comes of bytes that are no text, and of text that is no JSON.
    except (ValueError, RecursionError) as error:
        raise TreeFileError(
            f"{source}: a tree file must be JSON, and is not: {error}. It may have been cut short; "
            f"copy it again, or write it anew."
        ) from error
    if not isinstance(facts, dict) or facts.get("format") != _FORMAT:
        raise TreeFileError(
            f"{source}: a tree file must say that it is a {_FORMAT}, and does not. "
            f"Pass the {_TABLE} of `gyrovox segment`."
        )
    if facts.get("version") != _VERSION:
        raise TreeFileError(
            f"{source}: a tree file must be of version {_VERSION}, and is of version "
            f"{facts.get('version')}. Use the gyrovox that wrote it."
        )
    return facts


def _columns(nodes: object) -> dict[str, NDArray[Any]]:
    """The arrays of a tree, by name.

    Raises:
        KeyError: If a column is not there.
        TypeError: If the columns have no names.
        ValueError: If a column holds other things than such numbers, or nodes are not counted.
    """
    if not isinstance(nodes, dict):
        raise TypeError("the nodes are no columns with names")
    ids = _column(nodes, "node", np.int32)
    if not np.array_equal(ids, np.arange(1, len(ids) + 1)):
        raise ValueError("the nodes are not counted from 1 on")
    parents = _column(nodes, "parent", np.int32) - np.int32(1)
    if parents.size and parents[-1] == -1:
        parents[-1] = len(parents) - 1
    return {
        "parents": parents,
        "altitudes": _column(nodes, "altitude", np.float64),
        "sizes": _column(nodes, "size", np.int64),
        "codes": _column(nodes, "code", np.float32, axes=2),
        "spreads": _column(nodes, "spread", np.float32),
        "contrasts": _column(nodes, "contrast", np.float32),
    }


def _column(
    table: dict[str, Any], name: str, dtype: type[np.generic], *, axes: int = 1
) -> NDArray[Any]:
    """One column, or one number, if it is of numbers that its type holds.

    Raises:
        KeyError: If it is not there.
        ValueError: If it holds anything else.
    """
    try:
        raw = np.array(table[name])
    except ValueError:
        raw = np.empty(0, object)  # rows of several lengths
    wanted = np.dtype(dtype)
    kinds = "iu" if wanted.kind == "i" else "iuf"
    if raw.ndim != axes or (raw.dtype.kind not in kinds and raw.size):
        raise ValueError(f"{name} is no {('number', 'row of numbers', 'table of numbers')[axes]}")
    # Beyond float32 is infinity here, which no tree has.
    with np.errstate(over="ignore"):
        column = raw.astype(wanted)
    if wanted.kind == "i" and not np.array_equal(column, raw):
        raise ValueError(f"{name} has numbers beyond {wanted.itemsize * 8} bits")
    return column


def _voxel_size_nm(facts: dict[str, Any]) -> tuple[float, float, float]:
    z, y, x = _column(facts, "voxel_size_nm", np.float64).tolist()
    return z, y, x


def _name(name: object) -> str:
    """The name of a leaf file, which may not lead out of the folder.

    Raises:
        ValueError: If it is none, or leads elsewhere.
    """
    if not isinstance(name, str) or Path(name).name != name or name in {"", ".."}:
        raise ValueError(f"the leaves must be the name of a file beside it, and are {name!r}")
    return name


def _leaf_volume(path: Path) -> Volume:
    """The volume of the leaves.

    Raises:
        TreeFileError: If the file holds several channels, or other numbers than labels.
    """
    volume = read(path)
    if volume.channels != 1 or volume.dtype.kind not in "iu":
        raise TreeFileError(
            f"{path}: leaves must be one channel of whole numbers, and these are "
            f"{volume.channels} of {volume.dtype}. Keep the file as it was written."
        )
    return volume


def _as_leaves(volume: Volume) -> NDArray[np.int32]:
    """Leaf of every voxel, −1 for none, shape (z, y, x)."""
    return np.asarray(volume.read()[0].astype(np.int32) - np.int32(1))
