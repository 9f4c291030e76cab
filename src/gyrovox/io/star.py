"""STAR files: tables of text as RELION reads them.

Source:
    Hall (1991), The STAR file, https://doi.org/10.1021/ci00002a020; the dialect of RELION:
    https://relion.readthedocs.io/en/latest/Reference/Conventions.html
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gyrovox.errors import FileFormatError, MissingFileError, SettingsError
from gyrovox.io.atomic import written_whole

_VERSION = 30001  # of RELION's files: the first one with several blocks, which later ones read
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|\S+")

StarTable = Mapping[str, Sequence[str]]
"""Columns of texts by label, without its underscore."""


def write_star(path: Path, block: str, columns: StarTable, *, overwrite: bool = False) -> Path:
    """Write a table as the loop of one block.

    Args:
        path: The file to be, .star.
        block: Name of the block, without ``data_``.
        columns: Texts by label, without its underscore; all of one length, no text empty or with
            a blank in it.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        SettingsError: If a text cannot stand in a table, or columns differ in length.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    return write_star_blocks(path, {block: columns}, overwrite=overwrite)


def write_star_blocks(
    path: Path, blocks: Mapping[str, StarTable], *, overwrite: bool = False
) -> Path:
    """Write several tables, a block with one loop for each.

    Args:
        path: The file to be, .star.
        blocks: Tables by the name of their block, without ``data_``; see `write_star`.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        SettingsError: If a text cannot stand in a table, or columns differ in length.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    for columns in blocks.values():
        _check(columns)
    lines = [line for block, columns in blocks.items() for line in _lines(block, columns)]
    with written_whole(path, overwrite=overwrite, suffix=".star") as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path


def read_star(path: Path) -> dict[str, dict[str, list[str]]]:
    """The tables of a STAR file.

    Args:
        path: The file.

    Returns:
        By the name of their block, without ``data_``: texts by label, without its underscore. A
        block without a loop is a table of one row.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no STAR file, or one with texts of several lines.
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: a STAR file must be there, and is not. Check its name")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: a STAR file must be text, and this is not.") from error
    reader = _Reader(path)
    for number, line in enumerate(text.splitlines(), start=1):
        reader.take(number, line)
    return reader.blocks


class _Reader:
    """The tables of the lines taken so far."""

    def __init__(self, path: Path) -> None:
        self.blocks: dict[str, dict[str, list[str]]] = {}
        self._path = path
        self._table: dict[str, list[str]] | None = None
        self._loops = False

    def take(self, number: int, line: str) -> None:
        """Read one more line."""
        if line.startswith(";"):
            raise self._error(number, "a text of several lines, which gyrovox does not read")
        words = _words(line)
        if not words:
            return
        first, rest = words[0], words[1:]
        if first.startswith("data_"):
            self._table = self.blocks[first.removeprefix("data_")] = {}
            self._loops = False
        elif self._table is None:
            raise self._error(number, "no data_ block before its first text")
        elif first == "loop_":
            self._loops = True
        elif self._loops and first.startswith("_") and not any(self._table.values()):
            self._table[first[1:]] = []
        elif self._loops:
            self._take_row(number, words)
        elif first.startswith("_") and len(rest) == 1:
            self._table[first[1:]] = [_unquoted(rest[0])]
        else:
            raise self._error(number, f"{line.strip()[:40]!r}, which is no label with its text")

    def _take_row(self, number: int, words: Sequence[str]) -> None:
        table = self._table or {}
        if len(words) != len(table):
            raise self._error(number, f"{len(words)} texts for {len(table)} labels")
        for column, word in zip(table.values(), words, strict=True):
            column.append(_unquoted(word))

    def _error(self, number: int, what: str) -> FileFormatError:
        return FileFormatError(
            f"{self._path}: a STAR file must be made of blocks of labels and texts, and line "
            f"{number} has {what}."
        )


def _words(line: str) -> list[str]:
    """The texts of a line, up to a comment."""
    words: list[str] = []
    for word in _TEXT.findall(line):
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _unquoted(word: str) -> str:
    quoted = len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]
    return word[1:-1] if quoted else word


def _check(columns: StarTable) -> None:
    """Refuse what would not come back.

    Raises:
        SettingsError: If a text is no word, or columns differ in length.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise SettingsError(f"columns of a table must be equally long, and have {sorted(lengths)}.")
    for label, column in columns.items():
        for text in column:
            if not text or text.split() != [text] or text[0] in "_#\"'$;":
                raise SettingsError(
                    f"{label}: a text of a STAR file must be one word, and {text!r} is not. Rename "
                    f"it."
                )


def _lines(block: str, columns: StarTable) -> list[str]:
    labels = [f"_{label} #{number}" for number, label in enumerate(columns, start=1)]
    rows = [" ".join(row) for row in zip(*columns.values(), strict=True)]
    return ["", f"# version {_VERSION}", "", f"data_{block}", "", "loop_", *labels, *rows, ""]
