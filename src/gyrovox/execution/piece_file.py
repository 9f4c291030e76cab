"""A file that is either whole and on the disk, or not there."""

import os
import shutil
import sys
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gyrovox.errors import FileAccessError, MissingFileError, OutputSpaceError
from gyrovox.execution.disk_room import is_for_want_of_room

_AT_ONCE = 2**20


@final
@dataclass(frozen=True)
class Contents:
    """What tells whether a file, or a folder with all that lies in it, is still what was written.

    Attributes:
        bytes: Its size; of a folder, that of all files in it.
        crc32: Its checksum; that of a folder depends on the names of its files too.
    """

    bytes: int
    crc32: int

    @classmethod
    def of(cls, path: Path) -> "Contents":
        """Those of a file or folder, read from the disk.

        Args:
            path: The file or folder.

        Returns:
            Its size and checksum.
        """
        if not path.is_dir():
            return cls(*_read(path, 0))
        files = {file.relative_to(path).as_posix(): file for file in path.rglob("*")}
        size = checksum = 0
        for name, file in sorted(files.items()):
            if not file.is_dir():
                length, checksum = _read(file, zlib.crc32(f"{name}\0".encode(), checksum))
                size += length
        return cls(size, checksum)


@contextmanager
def written_piece(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place, on the disk, when all went well.

    Workers write their pieces this way. Killed at any moment, they leave the piece whole or
    absent; what lies beside it then, `remove_partial` takes away.

    Args:
        path: The file to be; its folder is made if need be.

    Yields:
        The path to write to, with the same suffix, which does not exist yet.

    Raises:
        OutputSpaceError: If there is no room for it.
        FileAccessError: If this user may not write there.
    """
    with room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
        try:
            yield beside
            _flush(beside)
            beside.replace(path)
            flush_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Say in gyrovox's words that a run cannot write.

    Args:
        path: What is written in the block.

    Yields:
        Nothing.

    Raises:
        OutputSpaceError: If there was no room for it.
        FileAccessError: If this user may not write there.
    """
    try:
        yield
    except PermissionError as error:
        raise FileAccessError(
            f"{path}: the folder must be writable, and this user may not write there. "
            f"Choose another output"
        ) from error
    except Exception as error:
        if not is_for_want_of_room(error):
            raise
        folder = next(parent for parent in path.absolute().parents if parent.is_dir())
        raise OutputSpaceError(
            f"{path}: the disk must have room for it, and has not "
            f"({shutil.disk_usage(folder).free / 1e6:.0f} MB are left). What was finished before "
            f"is kept: free some space, and give the same command to go on"
        ) from error


def make_folder(folder: Path) -> None:
    """Make a run's folder if it is absent.

    Args:
        folder: The folder.

    Raises:
        MissingFileError: If the folder that it is to lie in is absent.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{folder}: the folder of an output must exist, and {folder.parent} does not. Create it"
        ) from error


def remove_partial(folder: Path) -> None:
    """Take away what killed writers left half-written, zarr's among them.

    Args:
        folder: Where to look, folders in it included; nobody may be writing there.
    """
    for path in folder.rglob("*.partial*"):
        if path.is_file():
            path.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Let the disk know which files a folder holds, as far as the system offers it.

    Args:
        folder: The folder.
    """
    if sys.platform != "win32":  # where folders cannot be opened
        _flush(folder)


def _read(path: Path, checksum: int) -> tuple[int, int]:
    """Size of a file, and the checksum of what came before it with its contents."""
    size = 0
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            size += len(part)
            checksum = zlib.crc32(part, checksum)
    return size, checksum


def _flush(path: Path) -> None:
    # Windows wants a file that may be written.
    number = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
