"""What a file format has to be able to do."""

import abc
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from gyrovox.io.location import Location
from gyrovox.volumes import Volume

Content = Literal["image", "labels"]


@dataclass(frozen=True)
class DatasetDescription:
    """One of several arrays in a file: its name, its shape as it is stored, and its type."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def listed(found: tuple[DatasetDescription, ...]) -> str:
    """The arrays of a file, for a message."""
    if not found:
        return "none with three axes"
    return "; ".join(f"{one.name} {one.shape} {one.dtype}" for one in found)


class VolumeFormat(abc.ABC):
    """One way to keep volumes in files.

    A new one is a file with a subclass, and a line in `formats.py`. Its module must be cheap to
    import: the library that it needs is imported where it is used.
    """

    name: ClassVar[str]
    """What to call it in messages."""

    suffixes: ClassVar[tuple[str, ...]]
    """Endings of file names, in lower case, with their dot."""

    label_suffixes: ClassVar[dict[str, str]] = {}
    """Suffix of label volumes beside an input with another suffix; otherwise it is the same."""

    folders: ClassVar[bool] = False
    """Whether a volume of this format is a folder."""

    holds_datasets: ClassVar[bool] = False
    """Whether `path::dataset` means something to it."""

    @abc.abstractmethod
    def read(self, location: Location) -> Volume:
        """The volume at a location that exists; its voxels are read later.

        Raises:
            FileFormatError: If the file is not what its header, or its suffix, says.
            VolumeError: If what it holds is no 3-D volume of real numbers.
        """

    @abc.abstractmethod
    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write a volume to a path that does not exist yet.

        Whatever the format cannot hold is said by a `FormatLossWarning`, or refused.

        Args:
            volume: What to write. Where its header is of this format, it is kept.
            location: Where to write it.
            content: Whether the voxels are measured, or are classes.

        Raises:
            VolumeError: If the format cannot hold the voxels.
        """

    def datasets(self, path: Path) -> tuple[DatasetDescription, ...]:
        """The arrays that a file holds, where the format keeps several in one file."""
        del path
        return ()
