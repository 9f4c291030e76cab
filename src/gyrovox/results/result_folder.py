"""A finished segmentation in its folder: what was run, its tree, where its voxels lie."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from gyrovox import io
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import FileAccessError, GyrovoxError, MissingFileError, ResultError
from gyrovox.io.location import Location
from gyrovox.volumes import Volume

TREE = "tree.json"
RECORD = "run.json"
_LEVEL = re.compile(r"level-([0-9]{1,5})\.")


@final
@dataclass(frozen=True, eq=False)
class ResultFolder:
    """What `gyrovox segment` left of one volume. Made by `ResultFolder.open`; no voxel is read.

    Attributes:
        path: The folder.
        record: What `run.json` says of the run.
        trunk: The tree, without its voxels.
        levels: Label files by number of classes, ascending.
    """

    path: Path
    record: Mapping[str, Any] = field(repr=False)
    trunk: Trunk = field(repr=False)
    levels: Mapping[int, Path]
    _leaves: Volume = field(repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "ResultFolder":
        """The result in a folder.

        Args:
            path: The folder of one volume: `segment -o DIR` makes it as `DIR/<name>`.

        Returns:
            The result.

        Raises:
            MissingFileError: If the folder, or the file of the leaves, is not there.
            ResultError: If the folder holds no result, or one without a tree.
            FileAccessError: If something may not be read.
            FileFormatError: If the file of the leaves is no volume.
            TreeFileError: If `tree.json` is damaged, or of another version.
        """
        folder = Path(path)
        _check_folder(folder)
        record = _record(folder)
        trunk, leaves = io.read_trunk(folder / TREE)
        return cls(folder, record, trunk, level_files(folder), leaves)

    @property
    def name(self) -> str:
        """Name of the folder, which is that of the volume."""
        return self.path.resolve().name

    @property
    def source_name(self) -> str:
        """What the volume that was segmented is called, as far as the record says."""
        return _source_name(self.record) or self.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self._leaves.spatial_shape

    def leaves(self) -> Volume:
        """The leaf of every voxel as a label from 1 on, 0 outside a mask; read when asked for."""
        return self._leaves

    def image(self) -> Volume | None:
        """The volume that was segmented; read when asked for.

        It is looked for as the record names it: from the folder of the result, from all folders
        above that, and from the present one.

        Returns:
            The volume; None if no volume of the result's shape is found there any more.
        """
        return source_volume(self.record, self.path, self.shape)


def result_folders(path: str | os.PathLike[str]) -> tuple[ResultFolder, ...]:
    """All results in a folder: itself, or those of the folders below it.

    Hidden folders and links are not followed.

    Args:
        path: A folder of one result, or the `DIR` of `segment -o DIR`.

    Returns:
        The results, sorted by their folders.

    Raises:
        MissingFileError: If there is no such folder.
        ResultError: If there is no result in it, or none has a tree.
        GyrovoxError: As `ResultFolder.open`, if one is damaged.
    """
    folder = Path(path)
    _check_folder(folder)
    if (folder / TREE).is_file():
        return (ResultFolder.open(folder),)
    found, treeless = [], []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if TREE in files:
            found.append(Path(parent))
        elif RECORD in files:
            treeless.append(Path(parent))
        if TREE in files or RECORD in files or parent.endswith(".zarr"):
            folders.clear()
    if found:
        return tuple(ResultFolder.open(one) for one in sorted(found))
    if treeless:
        return (ResultFolder.open(treeless[0]),)  # which says why it has none
    raise ResultError(
        f"{folder}: a folder of results must hold a {TREE}, or folders with one, and it does not. "
        f"Pass the folder that `gyrovox segment -o` or `gyrovox demo -o` wrote"
    )


def source_volume(
    record: Mapping[str, Any], folder: Path, shape: tuple[int, int, int]
) -> Volume | None:
    """The volume that a record says was segmented, as `ResultFolder.image` looks for it.

    Args:
        record: What `run.json` says.
        folder: The folder of the result.
        shape: Voxels of the result along (z, y, x).

    Returns:
        The volume; None if no volume of this shape is found there any more.
    """
    for name in _sources(record):
        for start in (folder.absolute(), *folder.absolute().parents, Path()):
            volume = _volume(start, name)
            if volume is not None and volume.spatial_shape == shape:
                return volume
    return None


def run_record(folder: Path) -> dict[str, Any]:
    """What `run.json` says of a run.

    Args:
        folder: The folder of a result, with a tree or without.

    Returns:
        The record; empty where there is none.

    Raises:
        MissingFileError: If the folder is not there.
        ResultError: If the record is no JSON.
        FileAccessError: If it may not be read.
    """
    _check_folder(folder)
    file = folder / RECORD
    if not file.is_file():
        return {}
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise FileAccessError(f"the record {file} may not be read by this user.") from error
    except (ValueError, RecursionError) as error:
        raise ResultError(
            f"{file}: the record of a run must be JSON, and is not: {error}. Copy it again, or "
            f"take it away: a result can be opened without"
        ) from error
    return record if isinstance(record, dict) else {}


def level_files(folder: Path) -> dict[int, Path]:
    """The label files of the levels in a folder.

    Args:
        folder: The folder of a result.

    Returns:
        Files by number of classes, ascending.
    """
    found = {int(match[1]): path for path in folder.iterdir() if (match := _LEVEL.match(path.name))}
    return dict(sorted(found.items()))


def _check_folder(folder: Path) -> None:
    """Refuse what is no folder that can be looked into.

    Raises:
        MissingFileError: If it is not there, or is a file.
        FileAccessError: If this user may not look into it.
    """
    if not folder.is_dir():
        came = "is a file" if folder.exists() else "does not exist"
        raise MissingFileError(
            f"{folder}: a result must be a folder, and this {came}. Pass the folder that "
            f"`gyrovox segment -o` wrote"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FileAccessError(
            f"{folder}: the folder must be readable, and this user may not read it. Change its "
            f"permissions"
        )


def _record(folder: Path) -> dict[str, Any]:
    """What `run.json` says; nothing where there is none.

    Raises:
        ResultError: If there is no result in the folder, or one without a tree.
    """
    facts = run_record(folder)
    if (folder / TREE).is_file():
        return facts
    settings = facts.get("settings")
    how = settings.get("segmentation") if isinstance(settings, dict) else None
    if isinstance(how, dict) and how.get("clustering") == "kmeans":
        raise ResultError(
            f"{folder}: the result must have a tree, and with --clustering kmeans there is none: "
            f"its levels were clustered apart. Segment again with --clustering tree"
        )
    raise ResultError(
        f"{folder}: a result must hold a {TREE}, and this folder has none. Pass the folder of one "
        f"volume that `gyrovox segment -o` wrote"
    )


def _source_name(record: Mapping[str, Any]) -> str | None:
    inputs = record.get("inputs")
    only = inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else None
    name = only.get("name") if isinstance(only, dict) else None
    return name if isinstance(name, str) else None


def _sources(record: Mapping[str, Any]) -> list[str]:
    """What a record calls the volume that was segmented, the fullest name first."""
    named = [record.get("volume")]
    inputs = record.get("inputs")
    if isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], dict):
        named.append(inputs[0].get("path"))
    return [name for name in named if isinstance(name, str) and name]


def _volume(start: Path, name: str) -> Volume | None:
    """The volume of a name that is relative to a folder; None if there is none."""
    whole = Location.parse(start / name)
    # A name that exists is taken as it is, commas and all; others may be several, of channels.
    parts = [name] if os.path.exists(whole.path) else [part.strip() for part in name.split(",")]
    try:
        return io.read([start / part for part in parts])
    except (GyrovoxError, OSError, ValueError):
        return None
