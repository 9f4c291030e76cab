"""SerialEM's .mdoc: what is known of each image of a stack, as text.

Lines ``Name = value`` stand first for the whole stack, then for each image below ``[ZValue = n]``;
titles stand as ``[T = ...]``.

Source:
    https://bio3d.colorado.edu/SerialEM/hlp/html/about_formats.htm
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gyrovox.errors import FileFormatError, TiltSeriesError
from gyrovox.io.atomic import written_whole

_SECTION = re.compile(r"^\[ZValue\s*=\s*(\d+)\]$")
_TITLE = re.compile(r"^\[T\s*=\s*(.*)\]$")


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Mdoc:
    """The words of an .mdoc file.

    Args:
        header: Values of the whole stack by name.
        titles: Titles.
        sections: Values of each image by name, in the order of the stack.
    """

    header: Mapping[str, str]
    titles: Sequence[str]
    sections: Sequence[Mapping[str, str]]

    def numbers(self, name: str) -> list[float] | None:
        """A number of every image; None where an image lacks it.

        Raises:
            TiltSeriesError: If a value is no number.
        """
        words = [section.get(name) for section in self.sections]
        if any(word is None for word in words) or not words:
            return None
        try:
            return [float(word) for word in words if word is not None]
        except ValueError as error:
            raise TiltSeriesError(
                f"{name} of an .mdoc file must be a number in every section, and is not: {error}."
            ) from error


def read_mdoc(path: Path) -> Mdoc:
    """Read an .mdoc file.

    Args:
        path: The file.

    Returns:
        Its words, images by their ZValue.

    Raises:
        FileFormatError: If its sections are not numbered from 0 on, or it is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: an .mdoc file must be text, and this is not.") from error
    header: dict[str, str] = {}
    titles: list[str] = []
    sections: dict[int, dict[str, str]] = {}
    current: dict[str, str] | None = header
    for line in map(str.strip, lines):
        section, title = _SECTION.match(line), _TITLE.match(line)
        if section:
            current = sections.setdefault(int(section[1]), {})
        elif title:
            titles.append(title[1].strip())
        elif line.startswith("["):
            current = None  # a section that is of no image, such as a montage's
        elif "=" in line and current is not None:
            name, _, value = line.partition("=")
            current[name.strip()] = value.strip()
    if sorted(sections) != list(range(len(sections))):
        raise FileFormatError(
            f"{path}: sections of an .mdoc file must be numbered from 0 on without gaps, and are "
            f"{sorted(sections)[:5]}.... Give it for the whole stack."
        )
    ordered = [sections[number] for number in range(len(sections))]
    return Mdoc(header=header, titles=titles, sections=ordered)


def write_mdoc(mdoc: Mdoc, path: Path, *, overwrite: bool = False) -> None:
    """Write an .mdoc file.

    Args:
        mdoc: Its words.
        path: The file to be.
        overwrite: Whether it may be there already.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    lines = [f"{name} = {value}" for name, value in mdoc.header.items()]
    for title in mdoc.titles:
        lines += ["", f"[T = {title}]"]
    for number, section in enumerate(mdoc.sections):
        lines += ["", f"[ZValue = {number}]"]
        lines += [f"{name} = {value}" for name, value in section.items()]
    with written_whole(path, overwrite=overwrite, suffix=".mdoc") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
