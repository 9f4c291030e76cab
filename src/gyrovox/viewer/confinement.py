"""Nothing outside the folder that was opened is read: no link in it leads out of it."""

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from gyrovox.errors import FileAccessError

READ = ("tree.json", "leaves.*", "run.json", "edits.json")
"""Patterns of the names that the explorer reads in the folder of a result."""


def check_confined(root: Path) -> None:
    """Refuse a folder of results that a link leads out of, before anything in it is read.

    The volume that was segmented lies where it lies, and is what `run.json` says.

    Args:
        root: The folder that is opened; a link itself, perhaps, which its owner has chosen.

    Raises:
        FileAccessError: If something in it that would be read lies elsewhere.
    """
    real_root = root.resolve()
    for path in _links(root):
        real = path.resolve()
        if not real.is_relative_to(real_root):
            raise FileAccessError(
                f"{path}: what is opened must lie in {root}, and this is a link to {real}. Open a "
                f"folder that holds both, or put a copy in the place of the link"
            )


def _links(root: Path) -> Iterator[Path]:
    """The symbolic links among what is read, at any depth. They are not followed."""
    for parent, folders, files in os.walk(root):
        # Leaves are a folder, in OME-Zarr, and all of it is read.
        within = any(fnmatch(part, "leaves.*") for part in Path(parent).relative_to(root).parts)
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and (within or any(fnmatch(name, each) for each in READ)):
                yield path
        # Other volumes, of thousands of pieces, are not.
        folders[:] = (
            name
            for name in folders
            if within or fnmatch(name, "leaves.*") or not name.endswith(".zarr")
        )
