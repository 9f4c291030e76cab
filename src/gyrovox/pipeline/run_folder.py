"""Where a run keeps its pieces until its output is whole: a hidden folder beside it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gyrovox.errors import OutputSpaceError, RunMismatchError
from gyrovox.execution import Ledger, exclusive
from gyrovox.execution.disk_room import is_for_want_of_room

_GO_ON = "the same command goes on"  # with these words, whoever raised it has said so already


def run_folder(output: Path) -> Path:
    """The folder of the run that makes an output: `.NAME.gyrovox-run`.

    Args:
        output: The file or folder to be.

    Returns:
        The path beside it; it exists while the run is not finished.
    """
    return output.with_name(f".{output.name}.gyrovox-run")


@contextmanager
def opened_run(
    output: Path, fingerprint: Mapping[str, object], *, overwrite: bool
) -> Iterator[Ledger]:
    """The ledger of the run that makes an output, new or to be gone on with, for this process only.

    When the block is left, however it is left, what is finished stays. `put_in_place` ends the run.
    An interruption and a full disk say that the same command goes on.

    Args:
        output: The file or folder to be; the folder that it lies in must exist.
        fingerprint: Everything that the output depends on.
        overwrite: Whether a run that was another one may be thrown away.

    Yields:
        The ledger.

    Raises:
        RunLockedError: If another process is at it.
        RunMismatchError: If the folder is that of another run, which may not be thrown away.
        OutputSpaceError: If there is no room for it, or for what the block writes.
        KeyboardInterrupt: If the block is interrupted.
        FileAccessError: If this user may not write there.
    """
    folder = run_folder(output)
    with exclusive(folder):
        try:
            ledger = Ledger(folder, fingerprint=fingerprint)
        except RunMismatchError:
            if not overwrite:
                raise
            _empty(folder)
            ledger = Ledger(folder, fingerprint=fingerprint)
        try:
            yield ledger
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(
                str(error) or f"interrupted; {_GO_ON} with what is missing."
            ) from error
        except Exception as error:
            # Whoever could not write has nothing to say about the run.
            if not is_for_want_of_room(error) or _GO_ON in str(error):
                raise
            raise OutputSpaceError(
                f"{output.parent}: the disk must have room for the results, and has not "
                f"({shutil.disk_usage(output.parent).free / 1e6:.0f} MB are left). What is "
                f"finished is kept: free some space, and {_GO_ON}."
            ) from error


def put_in_place(ledger: Ledger, made: Path, output: Path) -> None:
    """End a run: move what it made to where it belongs, in place of an earlier one, and clean up.

    Args:
        ledger: The run's.
        made: File or folder in the run's folder.
        output: Where it belongs.
    """
    if output.is_dir() and not output.is_symlink():
        # A folder cannot be renamed over another: the earlier one steps aside, and goes with the
        # rest of the run.
        aside = ledger.folder / "replaced"
        shutil.rmtree(aside, ignore_errors=True)
        output.rename(aside)
        try:
            made.rename(output)
        except BaseException:
            aside.rename(output)
            raise
    else:
        made.replace(output)
    shutil.rmtree(ledger.folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Remove everything but the lock, which is this process's."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()
