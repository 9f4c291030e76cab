"""Denoising of tomograms of any size: tile by tile, with the same result as of the whole."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from gyrovox.errors import VolumeError, VolumeMismatchError
from gyrovox.progress import progress
from gyrovox.tomography.denoising.method import Denoiser
from gyrovox.volumes import (
    ArraySink,
    InMemory,
    NanPolicy,
    Normalisation,
    Region,
    Volume,
    normalisation_of,
)

TILE = 64
"""Side of a tile, in voxels, without its halo."""


def denoise(
    tomogram: Volume,
    denoiser: Denoiser,
    *,
    halves: Sequence[Volume] = (),
    nan_policy: NanPolicy = "error",
    quiet: bool = True,
) -> Float32[np.ndarray, "z y x"]:
    """A denoised tomogram, in memory.

    Args:
        tomogram: One channel.
        denoiser: How.
        halves: Tomograms of halves of the images, each of which is denoised instead; the result is
            their mean, with the grey values of the tomogram.
        nan_policy: What to do with NaN and infinite voxels.
        quiet: Show no progress.

    Returns:
        Shape ``(z, y, x)``, in the tomogram's grey values.

    Raises:
        VolumeError: If a volume has several channels, or cannot be worked with.
        VolumeMismatchError: If halves and tomogram differ in shape.
    """
    found = np.empty((1, *tomogram.spatial_shape), np.float32)
    denoise_into(
        InMemory(found), tomogram, denoiser, halves=halves, nan_policy=nan_policy, quiet=quiet
    )
    cleaned: Float32[np.ndarray, "z y x"] = found[0]
    return cleaned


def denoise_into(
    sink: ArraySink,
    tomogram: Volume,
    denoiser: Denoiser,
    *,
    halves: Sequence[Volume] = (),
    nan_policy: NanPolicy = "error",
    tile: int = TILE,
    quiet: bool = True,
) -> None:
    """Denoise a tomogram that need not fit in memory, as `denoise` does.

    Args:
        sink: Where to, of the tomogram's shape; written in boxes of whole rows, each once.
        tomogram: As for `denoise`.
        denoiser: As for `denoise`.
        halves: As for `denoise`.
        nan_policy: As for `denoise`.
        tile: Side of the tiles in voxels, rounded to the denoiser's stride. The result does not
            depend on it, but for the rounding of float32.
        quiet: Show no progress.

    Raises:
        VolumeError: If a volume has several channels, or cannot be worked with.
        VolumeMismatchError: If halves and tomogram differ in shape.
    """
    inputs = list(halves) or [tomogram]
    check_halves(tomogram, halves)
    greys = [normalisation_of(one, nan_policy=nan_policy) for one in inputs]
    grey = greys[0] if not halves else normalisation_of(tomogram, nan_policy=nan_policy)
    depth, height, width = tomogram.spatial_shape
    side = max(1, round(tile / denoiser.stride)) * denoiser.stride
    total = depth * height * width
    with progress("denoise", total, unit="voxels", quiet=quiet) as bar:
        for z, y in itertools.product(range(0, depth, side), range(0, height, side)):
            rows = Region((z, y, 0), (min(z + side, depth), min(y + side, height), width))
            band = np.zeros((1, *rows.shape), np.float32)
            for x in range(0, width, side):
                box = Region((z, y, x), (*rows.stop[:2], min(x + side, width)))
                means = [
                    _box(one, how, denoiser, box) for one, how in zip(inputs, greys, strict=True)
                ]
                band[0, :, :, x : box.stop[2]] = np.mean(means, axis=0)
                bar.advance(box.shape[0] * box.shape[1] * box.shape[2])
            # A half is in units of its own noise; its structures are as in the tomogram.
            sink.write(rows, band + np.float32(grey.mean[0]))


def check_halves(tomogram: Volume, halves: Sequence[Volume]) -> None:
    """Refuse halves that are none of this tomogram.

    Args:
        tomogram: The tomogram.
        halves: Tomograms of halves of its images.

    Raises:
        VolumeError: If a volume has several channels.
        VolumeMismatchError: If they differ in shape.
    """
    for one in (tomogram, *halves):
        if one.channels != 1:
            raise VolumeError(
                f"{one.name}: a tomogram must have one channel, and this volume has "
                f"{one.channels}. Denoise each channel by itself."
            )
        if one.spatial_shape != tomogram.spatial_shape:
            raise VolumeMismatchError(
                f"a tomogram and its halves must have the same shape, and {one.name} has "
                f"{one.spatial_shape} voxels (z, y, x) where {tomogram.name} has "
                f"{tomogram.spatial_shape}. Reconstruct all of them in the same box."
            )


def standardised(
    volume: Volume, grey: Normalisation, region: Region
) -> Float32[np.ndarray, "z y x"]:
    """Voxels of a region with mean 0, in standard deviations of the volume; nothing is clipped.

    Args:
        volume: One channel.
        grey: How it is normalised.
        region: Which voxels.

    Returns:
        Shape ``(z, y, x)``.
    """
    voxels: Float32[np.ndarray, "z y x"] = volume.read(region)[0].astype(np.float32)
    finite = np.isfinite(voxels)
    if not finite.all():
        voxels = np.where(finite, voxels, np.float32(grey.fill[0]))
    voxels -= np.float32(grey.mean[0])
    voxels /= np.float32(grey.deviation[0])
    return voxels


def _box(
    volume: Volume, grey: Normalisation, denoiser: Denoiser, box: Region
) -> Float32[np.ndarray, "z y x"]:
    """A denoised box in the volume's grey values, less its mean."""
    shape, halo, stride = volume.spatial_shape, denoiser.halo, denoiser.stride
    start = tuple(max(0, first - halo) for first in box.start)
    stop = tuple(min(length, last + halo) for length, last in zip(shape, box.stop, strict=True))
    region = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    voxels = standardised(volume, grey, region)
    # Only at the far faces do boxes not end at a multiple: there the last voxels are repeated.
    missing = [(0, -length % stride) for length in voxels.shape]
    if any(after for _, after in missing):
        voxels = np.pad(voxels, missing, mode="edge")
    found = denoiser.apply(voxels)
    inner = tuple(
        slice(first - begin, last - begin)
        for first, last, begin in zip(box.start, box.stop, region.start, strict=True)
    )
    return found[inner] * np.float32(grey.deviation[0])
