"""The gate in front of every long computation: numbers that are finite, and that vary."""

from typing import Literal

import numpy as np
from jaxtyping import Float32, Shaped

from gyrovox.errors import VolumeError
from gyrovox.volumes.volume import Volume

NanPolicy = Literal["error", "zero", "mean"]


def validated(
    volume: Volume, *, nan_policy: NanPolicy = "error"
) -> Float32[np.ndarray, "channels z y x"]:
    """All voxels of a volume, after every check that needs them.

    Args:
        volume: What is to be worked with.
        nan_policy: What to do with NaN and infinite voxels: refuse the volume, or put 0 or the
            mean of the channel's finite voxels in their place.

    Returns:
        Finite voxels as float32, (channels, z, y, x).

    Raises:
        VolumeError: If the voxels are complex or no numbers, if some are not finite and
            `nan_policy` is "error", or if a channel is constant.
    """
    if volume.dtype.kind not in "buif":
        raise VolumeError(
            f"{volume.name}: voxels must be real numbers, and {volume.dtype} came. "
            f"Convert the file to integers or floating-point numbers first"
        )
    stored = volume.read()
    with np.errstate(over="ignore"):  # an overflow to infinity is reported below
        voxels = stored.astype(np.float32, copy=False)
    _fill_or_refuse(volume.name, stored, voxels, nan_policy)
    for channel, values in enumerate(voxels):
        if values.min() == values.max():
            raise VolumeError(
                f"{volume.name}: a volume must vary to be segmented, and every voxel of channel "
                f"{channel} is {values.flat[0]:g}. Check that this is the file, or the dataset, "
                f"that you mean"
            )
    return voxels


def _fill_or_refuse(
    name: str,
    stored: Shaped[np.ndarray, "channels z y x"],
    voxels: Float32[np.ndarray, "channels z y x"],
    nan_policy: NanPolicy,
) -> None:
    """Fill what is not finite in place, or say how much of it there is.

    Raises:
        VolumeError: If it may not, or cannot, be filled.
    """
    bad = ~np.isfinite(voxels)
    count = int(bad.sum())
    if count == 0:
        return
    if nan_policy == "error":
        nan = int(np.isnan(voxels).sum())
        beyond = int((bad & np.isfinite(stored)).sum()) if stored.dtype.kind == "f" else 0
        parts = [f"{nan} NaN", f"{count - nan - beyond} infinite"]
        if beyond:
            parts.append(f"{beyond} beyond the range of float32")
        raise VolumeError(
            f"{name}: voxels must be finite, and {' and '.join(parts)} came among "
            f"{voxels.size}. Pass --nan-policy zero or --nan-policy mean to fill them"
        )
    for channel, (values, holes) in enumerate(zip(voxels, bad, strict=True)):
        if holes.all():
            raise VolumeError(
                f"{name}: at least one voxel of each channel must be finite, and channel "
                f"{channel} has none. No --nan-policy can fill it"
            )
        values[holes] = 0.0 if nan_policy == "zero" else values[~holes].mean(dtype=np.float64)
