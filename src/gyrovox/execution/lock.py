"""One run in one folder: the second is refused, and a killed one leaves no lock behind."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from gyrovox.errors import RunLockedError
from gyrovox.execution.piece_file import make_folder, room_for

_NAME = "lock"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep every other run out of a folder.

    The lock is the operating system's, on a file in the folder, so that it ends with the process
    that holds it, however that ends. The file is taken away again.

    Args:
        folder: The run's folder; made if it is absent.

    Yields:
        Nothing.

    Raises:
        RunLockedError: If another process, or this one, holds it.
        MissingFileError: If the folder that it is to lie in is absent.
        FileAccessError: If this user may not write there.
    """
    path = folder / _NAME
    with room_for(path):
        make_folder(folder)
        number = _locked(path)
        os.truncate(number, 0)
        os.write(number, _holder().encode())
        # By this the folder is found again if it is renamed meanwhile.
        place = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    try:
        yield
    finally:
        name = path if place is None else _NAME
        # While it is still locked, and only if it is this one: it may be another run's by now.
        with suppress(OSError):
            if os.path.samestat(os.stat(name, dir_fd=place), os.fstat(number)):
                os.unlink(name, dir_fd=place)
        os.close(number)
        if place is not None:
            os.close(place)


def _locked(path: Path) -> int:
    """A descriptor of the file at `path`, which it holds the lock of.

    Raises:
        RunLockedError: If another one does.
    """
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(number)
            # Its last holder may have taken the file away between the two lines above.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), os.fstat(number)):
                    return number
        except BlockingIOError as error:
            holder = os.read(number, 200).decode(errors="replace") or "another process"
            os.close(number)
            raise RunLockedError(
                f"{path.parent}: one run at a time may write there, and {holder} does. Wait for "
                f"it, stop it, or choose another -o"
            ) from error
        os.close(number)


def _holder() -> str:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()}, since {since},"


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        try:
            # Far behind the text, which others may read then.
            os.lseek(number, 2**20, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
        finally:
            os.lseek(number, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
