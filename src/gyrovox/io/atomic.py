"""Outputs that are either whole or not there."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gyrovox.errors import (
    FileAccessError,
    MissingFileError,
    OutputExistsError,
    OutputSpaceError,
)
from gyrovox.execution.disk_room import is_for_want_of_room


@contextmanager
def written_whole(path: Path, *, overwrite: bool, suffix: str) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place when all went well.

    Whatever goes wrong, an interruption included, what was written so far is removed, and what was
    at `path` before stays.

    Args:
        path: The file or folder to be.
        overwrite: Whether it may be there already.
        suffix: Ending that the path beside it has to have.

    Yields:
        The path to write to, which does not exist yet.

    Raises:
        OutputExistsError: If it is there and may not be.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
        OutputSpaceError: If there is no room for it.
    """
    _check(path, overwrite=overwrite)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial{suffix}")
    try:
        yield beside
        _take_the_place_of(path, beside)
    except PermissionError as error:
        raise FileAccessError(
            f"{path}: the folder must be writable, and this user may not write there. "
            f"Choose another output"
        ) from error
    except Exception as error:
        if not is_for_want_of_room(error):
            raise
        free = shutil.disk_usage(path.parent).free
        raise OutputSpaceError(
            f"{path}: the disk must have room for the output, and has not ({free / 1e6:.0f} MB "
            f"are left). Nothing was written. Free some space, or choose another output"
        ) from error
    finally:
        _remove(beside)


def _check(path: Path, *, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise MissingFileError(
            f"{path}: the folder of an output must exist, and {path.parent} does not. Create it"
        )
    if path.exists() and not overwrite:
        raise OutputExistsError(
            f"{path}: the output must not exist yet, and does. "
            f"Pass --overwrite to replace it, or choose another output"
        )


def _take_the_place_of(path: Path, beside: Path) -> None:
    if not path.is_dir():
        beside.replace(path)
        return
    # A folder can only be renamed to where none is, so the old one steps aside first.
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.replaced")
    path.rename(aside)
    try:
        beside.rename(path)
    except BaseException:
        aside.rename(path)
        raise
    shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
