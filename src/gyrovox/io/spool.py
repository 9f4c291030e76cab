"""A file for a library that must not hear that the disk is full."""

from pathlib import Path
from typing import Any, final


@final
class Spool:
    """A file for h5py to write to, which says on leaving, and not before, that a write failed.

    HDF5 crashes the interpreter when the disk is full as it closes a file (measured with h5py 3.16
    on a full tmpfs), so it must not hear of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: OSError | None = None

    def __enter__(self) -> "Spool":
        self._file = self._path.open("w+b", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.check()

    def check(self) -> None:
        """Raise the first error so far."""
        if self._error is not None:
            raise self._error

    def write(self, piece: Any) -> int:  # noqa: ANN401 - any buffer; Python 3.12 has a name for it
        """Write all of it, or note why not."""
        view = memoryview(piece)
        written = 0
        try:
            while written < len(view):
                written += self._file.write(view[written:])
        except OSError as error:
            self._error = self._error or error
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """Bytes from the position on; h5py takes what can read and seek for a file."""
        return self._file.read(size)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Fill a buffer from the position on."""
        return self._file.readinto(buffer)

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int) -> int:
        """Set the length, or note why not."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size

    def flush(self) -> None:
        """Nothing is held back."""
