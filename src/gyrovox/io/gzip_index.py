"""Reading any stretch of a gzip file without starting over, and without a file left open."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from gyrovox.errors import FileFormatError

_CHUNK = 2**20
_MOST_AT_ONCE = 2**22  # of content: a megabyte of packed zeros is a gigabyte
_GZIP = 31  # zlib's window bits for a gzip header and trailer, checksum included


@dataclass(frozen=True)
class _Checkpoint:
    """A decompressor stopped between two reads; it can be copied and resumed (about 40 kB)."""

    unpacked: int  # bytes that it has given
    packed: int  # bytes of the file that it has been fed
    decompressor: Any


@final
class IndexedGzip:
    """The bytes in a gzip file, at any position.

    Walking through the file leaves a checkpoint every `spacing` bytes, so that a later read
    starts from the one before it. Members that follow one another (bgzip) are joined.

    Args:
        path: The file.
        spacing: Bytes of content between checkpoints.
    """

    def __init__(self, path: Path, *, spacing: int = 2**25) -> None:
        self._path = path
        self._spacing = spacing
        self._checkpoints = [_Checkpoint(0, 0, zlib.decompressobj(_GZIP))]

    def read(self, start: int, length: int) -> bytearray:
        """`length` bytes of content from `start` on.

        Args:
            start: First byte.
            length: Number of bytes.

        Returns:
            The bytes.

        Raises:
            FileFormatError: If the content ends before, or is damaged.
        """
        wanted = bytearray(length)
        filled = 0
        for position, piece in self._pieces(start):
            first = max(start - position, 0)
            last = min(start + length - position, len(piece))
            if last > first:
                wanted[filled : filled + last - first] = memoryview(piece)[first:last]
                filled += last - first
            if filled == length:
                return wanted
        if filled < length:
            raise FileFormatError(
                f"{self._path}: the file must hold {start + length} bytes when unpacked, and ends "
                f"after {start + filled if filled else self.unpacked_size()}: it is truncated. "
                f"Copy it again from where it came"
            )
        return wanted

    def unpacked_size(self) -> int:
        """Number of bytes of content, found by walking to the end.

        Raises:
            FileFormatError: If the file is damaged.
        """
        size = self._checkpoints[-1].unpacked
        for position, piece in self._pieces(size):
            size = position + len(piece)
        return size

    def _pieces(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Pieces of content with their positions, from the checkpoint before `start` on."""
        known = [point for point in self._checkpoints if point.unpacked <= start][-1]
        position, packed = known.unpacked, known.packed
        decompressor = known.decompressor.copy()
        with self._path.open("rb") as file:
            file.seek(packed)
            while chunk := file.read(_CHUNK):
                packed += len(chunk)
                pending = False  # output that the decompressor holds back
                while chunk or pending:
                    if decompressor.eof:  # another member, or padding with zeros
                        chunk = chunk.lstrip(b"\0")
                        decompressor = zlib.decompressobj(_GZIP)
                        pending = False
                        continue
                    piece, chunk = self._unpacked(
                        _Checkpoint(position, packed, decompressor), chunk
                    )
                    pending = len(piece) == _MOST_AT_ONCE
                    yield position, piece
                    position += len(piece)
                    if not decompressor.eof:
                        self._remember(_Checkpoint(position, packed - len(chunk), decompressor))

    def _unpacked(self, point: _Checkpoint, chunk: bytes) -> tuple[bytes, bytes]:
        """A bounded piece of content, and what of the chunk is left.

        Raises:
            FileFormatError: If the file is damaged.
        """
        try:
            piece: bytes = point.decompressor.decompress(chunk, _MOST_AT_ONCE)
        except zlib.error as error:
            raise FileFormatError(
                f"{self._path}: the file must be whole gzip data, and is damaged ({error}). "
                f"Copy it again from where it came"
            ) from error
        left: bytes = point.decompressor.unconsumed_tail or point.decompressor.unused_data
        return piece, left

    def _remember(self, point: _Checkpoint) -> None:
        if point.unpacked - self._checkpoints[-1].unpacked >= self._spacing:
            stopped = point.decompressor.copy()
            self._checkpoints.append(replace(point, decompressor=stopped))
