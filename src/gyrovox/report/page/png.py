"""Small pictures as PNG files in memory, so that a page can hold them."""

import base64
import struct
import zlib

import numpy as np
from jaxtyping import UInt8, UInt16

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE, _COLOUR = 0, 3, 6


def grey_png(pixels: UInt8[np.ndarray, "rows columns"]) -> bytes:
    """A grey picture.

    Args:
        pixels: Brightness, shape ``(rows, columns)``.

    Returns:
        The content of a PNG file.
    """
    return _png(pixels, _GREY)


def class_png(
    classes: UInt8[np.ndarray, "rows columns"] | UInt16[np.ndarray, "rows columns"],
    colours: UInt8[np.ndarray, "classes 4"],
) -> bytes:
    """A picture of classes in their colours: with a palette, where that has room for all of them.

    Args:
        classes: Class of every pixel, shape ``(rows, columns)``.
        colours: sRGB and opacity of every class, shape ``(classes, 4)``.

    Returns:
        The content of a PNG file.
    """
    if len(colours) > 256:
        return _png(colours[classes], _COLOUR)
    return _png(classes.astype(np.uint8), _PALETTE, colours)


def data_url(png: bytes) -> str:
    """A PNG file as an address that needs no network."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _png(
    pixels: UInt8[np.ndarray, "rows columns *channels"],
    kind: int,
    palette: UInt8[np.ndarray, "colours 4"] | None = None,
) -> bytes:
    rows, columns = pixels.shape[:2]
    # Every row begins with its filter: none.
    flat = np.ascontiguousarray(pixels).reshape(rows, -1)
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), flat], axis=1)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0))]
    if palette is not None:
        chunks.append((b"PLTE", palette[:, :3].tobytes()))
        chunks.append((b"tRNS", palette[:, 3].tobytes()))
    chunks += [(b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
