"""Turning and shifting images in their plane, by cubic convolution, and the exact adjoint of it."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .tilt_geometry import TiltGeometry

_TAPS = range(-1, 3)  # cubic convolution reads four samples along each axis


def aligned(
    images: Float[Tensor, "tilts v u"], geometry: TiltGeometry, frame_shape: tuple[int, int]
) -> Float[Tensor, "tilts y s"]:
    """Images turned and shifted so that the tilt axis stands along y, through the centre.

    Args:
        images: Images as they were taken, shape (tilts, v, u).
        geometry: How each was taken.
        frame_shape: Rows and columns (y, s) of what comes back.

    Returns:
        Aligned images, shape (tilts, y, s); 0 where nothing was seen.
    """
    return torch.stack([
        _gathered(image, angle, shift, frame_shape)
        for image, angle, shift in zip(images, *_columns(geometry), strict=True)
    ])


def to_detector(
    frames: Float[Tensor, "tilts y s"], geometry: TiltGeometry, image_shape: tuple[int, int]
) -> Float[Tensor, "tilts v u"]:
    """Aligned images as the detector sees them: turned about their centre, then shifted.

    Args:
        frames: Aligned images, shape (tilts, y, s).
        geometry: How each is taken.
        image_shape: Rows and columns (v, u) of the detector.

    Returns:
        Images, shape (tilts, v, u); 0 where nothing falls.
    """
    return torch.stack([
        _gathered(frame, -angle, _turned(-angle, (-shift[0], -shift[1])), image_shape)
        for frame, angle, shift in zip(frames, *_columns(geometry), strict=True)
    ])


def to_detector_adjoint(
    images: Float[Tensor, "tilts v u"], geometry: TiltGeometry, frame_shape: tuple[int, int]
) -> Float[Tensor, "tilts y s"]:
    """The adjoint of `to_detector`: each pixel is spread over the samples it was made of.

    Args:
        images: Images, shape (tilts, v, u).
        geometry: How each was taken.
        frame_shape: Rows and columns (y, s) of the aligned images.

    Returns:
        Aligned images, shape (tilts, y, s).
    """
    return torch.stack([
        _scattered(image, -angle, _turned(-angle, (-shift[0], -shift[1])), frame_shape)
        for image, angle, shift in zip(images, *_columns(geometry), strict=True)
    ])


def _columns(geometry: TiltGeometry) -> tuple[list[float], list[tuple[float, float]]]:
    shifts = [(float(v), float(u)) for v, u in geometry.shifts]
    return [float(angle) for angle in geometry.axis_degrees], shifts


def _turned(degrees: float, point: tuple[float, float]) -> tuple[float, float]:
    """A point (v, u), turned as `TiltGeometry` turns them."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return point[0] * cosine - point[1] * sine, point[0] * sine + point[1] * cosine


def _gathered(
    image: Float[Tensor, "v u"],
    degrees: float,
    shift: tuple[float, float],
    shape: tuple[int, int],
) -> Float[Tensor, "rows columns"]:
    """The image at R(degrees) @ (row, column) + shift, all of them from the centres."""
    flat = image.reshape(-1)
    out = image.new_zeros(shape).reshape(-1)
    for index, weight in _taps(image, degrees, shift, shape):
        out.addcmul_(flat[index], weight)
    return out.reshape(shape)


def _scattered(
    image: Float[Tensor, "rows columns"],
    degrees: float,
    shift: tuple[float, float],
    shape: tuple[int, int],
) -> Float[Tensor, "v u"]:
    """The adjoint of `_gathered`, from an image of its result's shape to one of `shape`."""
    out = image.new_zeros(shape)
    flat, values = out.reshape(-1), image.reshape(-1)
    shape_of_values = (image.shape[0], image.shape[1])
    for index, weight in _taps(out, degrees, shift, shape_of_values):
        flat.index_add_(0, index, values * weight)
    return out


def _taps(
    image: Float[Tensor, "v u"],
    degrees: float,
    shift: tuple[float, float],
    shape: tuple[int, int],
) -> Iterator[tuple[Int[Tensor, " samples"], Float[Tensor, " samples"]]]:
    """For each of 16 neighbours, which pixel of the image it is and what it weighs.

    In float64 until the weights: positions in an image of 4096 have 12 bits before the point.
    """
    rows = torch.arange(shape[0], device=image.device, dtype=torch.float64) - shape[0] // 2
    columns = torch.arange(shape[1], device=image.device, dtype=torch.float64) - shape[1] // 2
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    v = rows[:, None] * cosine - columns * sine + (shift[0] + image.shape[0] // 2)
    u = rows[:, None] * sine + columns * cosine + (shift[1] + image.shape[1] // 2)
    columns_of_taps = list(_taps_along(u, image.shape[1], image.dtype))
    for row, down in _taps_along(v, image.shape[0], image.dtype):
        for column, right in columns_of_taps:
            yield (row * image.shape[1] + column).reshape(-1), (down * right).reshape(-1)


def _taps_along(
    place: Float[Tensor, "rows columns"], side: int, dtype: torch.dtype
) -> Iterator[tuple[Int[Tensor, "rows columns"], Float[Tensor, "rows columns"]]]:
    """For each of 4 neighbours along an axis, which pixel it is, and its weight: 0 beyond edges."""
    first = place.floor()
    for tap in _TAPS:
        pixel = first + tap
        inside = (pixel >= 0) & (pixel < side)
        yield pixel.clamp(0, side - 1).long(), (_cubic(place - pixel) * inside).to(dtype)


def _cubic(distance: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Keys' kernel with a = -1/2, which reproduces parabolas.

    Source: Keys (1981), IEEE Trans. Acoust. Speech Signal Process. 29:1153, eq. 15.
    """
    far = distance.abs()
    near = (1.5 * far - 2.5) * far.square() + 1
    tail = ((-0.5 * far + 2.5) * far - 4) * far + 2
    return torch.where(far < 1, near, torch.where(far < 2, tail, 0.0))
