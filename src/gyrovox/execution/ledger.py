"""The record of a run's finished pieces, by which it goes on after any death."""

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from gyrovox.errors import DamagedPieceWarning, RunMismatchError
from gyrovox.execution.piece_file import (
    Contents,
    flush_folder,
    make_folder,
    remove_partial,
    room_for,
    written_piece,
)

_NAME = "ledger.jsonl"
_VERSION = 1
_NAMES = re.compile(r"\w[\w.,+-]*")
_MOST_DIFFERENCES = 5


@final
@dataclass(frozen=True)
class _Entry:
    """A line of the ledger; `file` is relative to its folder."""

    stage: str
    key: str
    file: str
    bytes: int
    crc32: int


@final
class Ledger:
    """What a run has finished, in a folder that belongs to it.

    A piece belongs to a stage and has a key; both become parts of file names. One process, the
    one that drives the run, holds the ledger; others only write files (`written_piece`). The file
    `ledger.jsonl` gets a line for each finished piece, once that is on the disk. A line that was
    torn when the run was killed is cut off.

    Args:
        folder: The run's folder; made if it is absent, though not the folder that it lies in.
        fingerprint: Everything that the pieces depend on: what was asked for, of what, by which
            version. Plain values; others are kept as their text.

    Raises:
        RunMismatchError: If the folder is that of a run with another fingerprint.
        MissingFileError: If the folder that it is to lie in is absent.
        OutputSpaceError: If there is no room for it.
        FileAccessError: If this user may not write there.
    """

    def __init__(self, folder: Path, *, fingerprint: Mapping[str, object]) -> None:
        self.folder = folder
        self._file = folder / _NAME
        self._entries: dict[tuple[str, str], _Entry] = {}
        asked = json.loads(json.dumps(dict(fingerprint), default=str))
        with room_for(self._file):
            make_folder(folder)
            remove_partial(folder)
            lines = self._whole_lines()
            if not lines:
                self._append({"version": _VERSION, "fingerprint": asked})
                flush_folder(folder)
                return
        self._check_head(lines[0], asked)
        for line in lines[1:]:
            # A line that the disk has damaged costs the piece that it speaks of.
            with suppress(ValueError, TypeError):
                entry = _Entry(**json.loads(line))
                self._entries[entry.stage, entry.key] = entry

    def done(self, stage: str, key: str) -> bool:
        """Whether a piece is finished, and its file is what was written.

        The file, or all that lies in it if it is a folder, is read. One that is absent or damaged
        is said with a `DamagedPieceWarning`, and the piece counts as not done.

        Args:
            stage: The stage.
            key: The piece.

        Returns:
            Whether it need not be made.
        """
        entry = self._entries.get((stage, key))
        if entry is None:
            return False
        path = self.folder / entry.file
        with suppress(OSError):
            if Contents.of(path) == Contents(entry.bytes, entry.crc32):
                return True
        del self._entries[stage, key]
        warnings.warn(
            f"{path} is not what this run wrote; the piece is made again",
            DamagedPieceWarning,
            stacklevel=2,
        )
        return False

    def path(self, stage: str, key: str, suffix: str) -> Path:
        """Where a piece's file belongs.

        Args:
            stage: The stage: letters, digits and ``. , + - _``.
            key: The piece: the same.
            suffix: Ending of the file.

        Returns:
            ``FOLDER/stage/key.suffix``.

        Raises:
            ValueError: If a stage or a key is no part of a file name.
        """
        for name in (stage, key):
            if not _NAMES.fullmatch(name):
                raise ValueError(
                    f"stages and keys must be letters, digits and . , + - _ to be file names, "
                    f"got {name!r}."
                )
        return self.folder / stage / f"{key}{suffix}"

    def record(self, stage: str, key: str, path: Path, contents: Contents | None = None) -> None:
        """Write down that a piece is finished.

        Args:
            stage: The stage.
            key: The piece.
            path: Its file, or folder, whole and on the disk.
            contents: What its writer says of it; by default it is read.

        Raises:
            OutputSpaceError: If there is no room for the line.
        """
        contents = contents or Contents.of(path)
        file = Path(os.path.relpath(path, self.folder)).as_posix()
        entry = _Entry(stage, key, file, contents.bytes, contents.crc32)
        with room_for(self._file):
            self._append(asdict(entry))
        self._entries[stage, key] = entry

    @contextmanager
    def write(self, stage: str, key: str, suffix: str) -> Iterator[Path]:
        """A path to write a piece to, which is put in its place and recorded when all went well.

        Args:
            stage: The stage.
            key: The piece.
            suffix: Ending of the file.

        Yields:
            The path to write to, with that ending, which does not exist yet.

        Raises:
            OutputSpaceError: If there is no room for it.
        """
        path = self.path(stage, key, suffix)
        with written_piece(path) as beside:
            yield beside
        self.record(stage, key, path)

    def _whole_lines(self) -> list[bytes]:
        """The lines that were written to their end; what comes after them is cut off."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return []
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(self._file, end)
        return content[:end].splitlines()

    def _append(self, line: Mapping[str, object]) -> None:
        """Add a line and wait until it is on the disk; if that fails, nothing is added."""
        with self._file.open("ab", buffering=0) as file:
            start = os.fstat(file.fileno()).st_size
            text = json.dumps(line).encode() + b"\n"
            try:
                while text:
                    text = text[file.write(text) :]
                os.fsync(file.fileno())
            except BaseException:
                # Else the next line would be joined to what was written of this one.
                file.truncate(start)
                raise

    def _check_head(self, line: bytes, asked: Mapping[str, object]) -> None:
        try:
            head = json.loads(line)
            version, found = head["version"], dict(head["fingerprint"])
        except (ValueError, TypeError, KeyError):
            version, found = None, {}
        advice = "Choose another -o, or pass --overwrite to start anew"
        if version != _VERSION:
            raise RunMismatchError(
                f"{self._file}: it must be the ledger of a run, of version {_VERSION}, and is "
                f"{'of version ' + repr(version) if version is not None else 'none'}. {advice}"
            )
        differences = list(_differences(found, asked))
        if differences:
            more = len(differences) - _MOST_DIFFERENCES
            text = "; ".join(differences[:_MOST_DIFFERENCES])
            raise RunMismatchError(
                f"{self.folder}: a run that goes on must be the one that began, and what differs "
                f"is {text}{f'; and {more} more' if more > 0 else ''}. Give the same command to "
                f"go on. {advice}"
            )


def _differences(
    found: Mapping[str, object], asked: Mapping[str, object], prefix: str = ""
) -> Iterator[str]:
    """What differs, by dotted name: what it was, and what it is now."""
    for name in sorted(found.keys() | asked.keys()):
        was, now = found.get(name), asked.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _differences(was, now, f"{prefix}{name}.")
        elif was != now or (name in found) != (name in asked):
            yield f"{prefix}{name} (was {_shown(was)}, is {_shown(now)})"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
