"""From a specimen to the images of it, and back: an exact adjoint pair in real space."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.errors import TiltSeriesError

from .in_plane import to_detector, to_detector_adjoint
from .ray_weights import RayWeights, sections_at_once
from .tilt_geometry import TiltGeometry


def project(
    density: Float[Tensor, "z y x"], geometry: TiltGeometry, image_shape: tuple[int, int]
) -> Float[Tensor, "tilts v u"]:
    """Images of a specimen: line integrals of its density along the beam.

    Args:
        density: The specimen, shape (z, y, x), one voxel a pixel wide.
        geometry: How each image is taken.
        image_shape: Rows and columns (v, u) of an image.

    Returns:
        Integrals, density times pixels, shape (tilts, v, u), type and device of `density`.

    Raises:
        TiltSeriesError: If an image has no pixels.
    """
    if min(image_shape) < 1:
        raise TiltSeriesError(f"an image must have pixels, got {image_shape}.")
    depth, height, width = density.shape
    frame_width = image_shape[1] if _is_ideal(geometry) else _shadow(depth, width)
    rows = density.new_zeros(len(geometry) * frame_width, height)
    for start, stop, weights in _slabs(geometry, (depth, width), frame_width):
        section = density[start:stop].permute(0, 2, 1).reshape(-1, height)
        rows += weights.project(section)
    frames = rows.reshape(len(geometry), frame_width, height).permute(0, 2, 1)
    if _is_ideal(geometry):
        return _recentred(frames, image_shape[0])
    return to_detector(frames, geometry, image_shape)


def backproject(
    images: Float[Tensor, "tilts v u"], geometry: TiltGeometry, shape: tuple[int, int, int]
) -> Float[Tensor, "z y x"]:
    """Images smeared back along the beam, and summed: the adjoint of `project`.

    Args:
        images: Images, shape (tilts, v, u).
        geometry: How each was taken.
        shape: Voxels (z, y, x) of what comes back.

    Returns:
        The sum, shape (z, y, x), type and device of `images`.

    Raises:
        TiltSeriesError: If the volume has no voxels, or the images are not as many as their tilts.
    """
    if min(shape) < 1:
        raise TiltSeriesError(f"a volume must have voxels, got {shape}.")
    if len(images) != len(geometry):
        raise TiltSeriesError(
            f"every image must have its tilt: there are {len(images)} images and "
            f"{len(geometry)} tilts."
        )
    depth, height, width = shape
    if _is_ideal(geometry):
        frames = _recentred(images, height)
    else:
        frames = to_detector_adjoint(images, geometry, (height, _shadow(depth, width)))
    frame_width = frames.shape[2]
    rows = frames.permute(0, 2, 1).reshape(-1, height).contiguous()
    out = images.new_empty(shape)
    for start, stop, weights in _slabs(geometry, (depth, width), frame_width):
        section = weights.backproject(rows).reshape(stop - start, width, height)
        out[start:stop] = section.permute(0, 2, 1)
    return out


def _slabs(
    geometry: TiltGeometry, shape: tuple[int, int], frame_width: int
) -> Iterator[tuple[int, int, RayWeights]]:
    """The specimen in slabs across z, each with its weights, so that these take little memory."""
    depth, width = shape
    step = sections_at_once(len(geometry), width)
    for start in range(0, depth, step):
        stop = min(start + step, depth)
        z_range = (start - depth // 2, stop - depth // 2)
        yield start, stop, RayWeights(geometry.tilt_degrees, z_range, width, frame_width)


def _is_ideal(geometry: TiltGeometry) -> bool:
    """Whether images need no turning and no shifting."""
    return not (geometry.axis_degrees.any() or geometry.shifts.any())


def _shadow(depth: int, width: int) -> int:
    """Pixels that a section (z, x) falls on at any tilt, with a margin for interpolation."""
    return 2 * math.ceil(math.hypot(depth, width) / 2) + 5


def _recentred(frames: Float[Tensor, "tilts y s"], height: int) -> Float[Tensor, "tilts rows s"]:
    """The same images with another number of rows around the same centre, 0 where there is none."""
    before = height // 2 - frames.shape[1] // 2
    after = height - frames.shape[1] - before
    return torch.nn.functional.pad(frames, (0, 0, before, after))
