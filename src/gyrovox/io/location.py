"""Where a volume lies: a path, and for some formats the name of a dataset within it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PathLike = str | os.PathLike[str]

_SEPARATOR = "::"


@dataclass(frozen=True)
class Location:
    """A path and, after `::`, the dataset within it: `stack.h5::raw`."""

    path: Path
    dataset: str | None = None

    @classmethod
    def parse(cls, text: PathLike) -> "Location":
        """The location that a user wrote as `path` or `path::dataset`.

        Files and folders that exist are taken as they are, colons and all.
        """
        whole = Path(text)
        # os.path, as Path.exists raises where several names together are too long for one.
        if os.path.exists(whole):
            return cls(whole)
        folder = next((up for up in whole.parents if os.path.isdir(up)), Path())
        name, _, dataset = str(whole.relative_to(folder)).partition(_SEPARATOR)
        return cls(folder / name, dataset.strip("/") or None)

    def absolute(self) -> "Location":
        """The same place, whatever folder a process works in."""
        return Location(self.path.absolute(), self.dataset)

    def __str__(self) -> str:
        return str(self.path) if self.dataset is None else f"{self.path}{_SEPARATOR}{self.dataset}"


def locations(text: PathLike | Sequence[PathLike]) -> tuple[Location, ...]:
    """The files of one volume: one path, several joined by commas, or a sequence of paths.

    A path that exists is taken as it is, commas and all.

    Args:
        text: What the user gave.

    Returns:
        One location per channel file, in order.
    """
    if not isinstance(text, str | os.PathLike):
        return tuple(Location.parse(part) for part in text)
    whole = Location.parse(text)
    if os.path.exists(whole.path):
        return (whole,)
    return tuple(
        Location.parse(part.strip()) for part in os.fspath(text).split(",") if part.strip()
    )
