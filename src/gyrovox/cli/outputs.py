"""Results appear whole or not at all: made in a hidden folder, moved into place at the end."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from gyrovox.cli.terminal import storage
from gyrovox.errors import OutputExistsError, OutputSpaceError, SettingsError


def check_absent(paths: Iterable[Path], *, overwrite: bool) -> None:
    """See to it that nothing is in the way of the outputs.

    Args:
        paths: Files and folders that are to be made.
        overwrite: Whether they may be replaced.

    Raises:
        OutputExistsError: If one exists and may not be replaced.
    """
    for path in paths:
        if (path.exists() or path.is_symlink()) and not overwrite:
            raise OutputExistsError(
                f"the output {path} must not exist yet. Choose another with -o, or pass "
                f"--overwrite to replace it."
            )


def check_folder(folder: Path, written: Iterable[str], *, overwrite: bool) -> None:
    """See to it that a folder of results is absent, or holds nothing but earlier results.

    Args:
        folder: Folder that is to be made, or replaced as a whole.
        written: Patterns of the names that gyrovox writes there.
        overwrite: Whether it may be replaced.

    Raises:
        OutputExistsError: If it exists and may not be replaced, or holds anything else, which
            replacing it would delete.
    """
    check_absent([folder], overwrite=overwrite)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputExistsError(f"the output {folder} must be a folder, and is a file.")
    patterns = tuple(written)
    for path in sorted(folder.iterdir()):
        if not any(path.match(pattern) for pattern in patterns):
            raise OutputExistsError(
                f"--overwrite replaces the folder {folder} as a whole, and {path.name} in it was "
                f"not written by this command. Move that file away, or choose another -o."
            )


def check_inputs_stay(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """See to it that no output replaces what it is made from.

    Args:
        inputs: Files and folders that are read.
        outputs: Files and folders that are made, or replaced as a whole.

    Raises:
        OutputExistsError: If an input is an output, or lies within one.
    """
    replaced = [path.resolve() for path in outputs]
    for path in inputs:
        whole = path.resolve()
        if any(made == whole or made in whole.parents for made in replaced):
            raise OutputExistsError(
                f"the input {path} would be replaced by the output. Choose another with -o."
            )


def check_space(folder: Path, needed: int) -> None:
    """See to it that the disk has room, before any work.

    Args:
        folder: Where results will be written; it need not exist yet.
        needed: Bytes that they take at most.

    Raises:
        OutputSpaceError: If there is less room.
        SettingsError: If what should be a folder is a file.
    """
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise SettingsError(f"the output {folder} must lie in a folder, and {nearest} is a file.")
    free = shutil.disk_usage(nearest).free
    if free < needed:
        raise OutputSpaceError(
            f"the results take up to {storage(needed)}, and the disk of {nearest} has no space for "
            f"them: {storage(free)} left. Make room, or write to another disk with -o."
        )


@contextlib.contextmanager
def made(folder: Path) -> Iterator[None]:
    """See to it that a folder is there; if the work fails, it is taken away again.

    Args:
        folder: Where results will be written; made with its parents if absent. What holds
            something afterwards stays.

    Yields:
        Nothing.

    Raises:
        SettingsError: If it is a file or cannot be made.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(new)
        raise SettingsError(
            f"the output folder {folder} cannot be written to: {error.strerror}."
        ) from error
    try:
        yield
    except BaseException:
        _remove_empty(new)
        raise


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A hidden folder beside the results, on the same disk; gone afterwards, whatever happened.

    Args:
        folder: Where the results will be moved to; made with its parents if absent, and taken
            away again if the work fails.

    Yields:
        The hidden folder.

    Raises:
        SettingsError: If `folder` is a file or cannot be made.
    """
    with made(folder):
        try:
            hidden = Path(tempfile.mkdtemp(prefix=".gyrovox-", dir=folder))
        except OSError as error:
            raise SettingsError(
                f"the output folder {folder} cannot be written to: {error.strerror}."
            ) from error
        try:
            yield hidden
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def publish(made: Path, target: Path) -> None:
    """Move a result from the hidden folder to where it belongs, in place of an earlier one.

    Args:
        made: File or folder within `staging`.
        target: Where it belongs, on the same disk.
    """
    if not target.is_dir() or target.is_symlink():
        made.replace(target)
        return
    # A folder cannot be renamed over another: the earlier one goes the way of the staging.
    aside = made.with_name(f"{made.name}-replaced")
    target.rename(aside)
    try:
        made.rename(target)
    except BaseException:
        aside.rename(target)
        raise


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
