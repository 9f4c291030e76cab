"""The gate in front of every long computation: numbers that are finite, and that vary."""

from typing import Literal

from gyrovox.errors import VolumeError
from gyrovox.volumes.volume import Volume

NanPolicy = Literal["error", "zero", "mean"]


def check_real(volume: Volume) -> None:
    """Refuse a volume that holds no real numbers.

    Args:
        volume: What is to be worked with; no voxel is read.

    Raises:
        VolumeError: If its voxels are complex, or no numbers.
    """
    if volume.dtype.kind not in "buif":
        raise VolumeError(
            f"{volume.name}: voxels must be real numbers, and {volume.dtype} came. "
            f"Convert the file to integers or floating-point numbers first"
        )


def check_finite(name: str, *, nan: int, infinite: int, beyond: int, among: int) -> None:
    """Refuse voxels that are not finite, and say how many of them there are.

    Args:
        name: What to call the volume.
        nan: Voxels that are no numbers.
        infinite: Voxels that are infinite.
        beyond: Voxels that are finite, and infinite as float32.
        among: All voxels, of all channels.

    Raises:
        VolumeError: If there are some.
    """
    if nan + infinite + beyond == 0:
        return
    parts = [f"{nan} NaN", f"{infinite} infinite"]
    if beyond:
        parts.append(f"{beyond} beyond the range of float32")
    raise VolumeError(
        f"{name}: voxels must be finite, and {' and '.join(parts)} came among "
        f"{among}. Pass --nan-policy zero or --nan-policy mean to fill them"
    )


def check_fillable(name: str, channel: int, *, finite: int) -> None:
    """Refuse a channel without a finite voxel, which nothing can be filled from.

    Args:
        name: What to call the volume.
        channel: Which channel it is.
        finite: How many of its voxels are finite.

    Raises:
        VolumeError: If none is.
    """
    if finite == 0:
        raise VolumeError(
            f"{name}: at least one voxel of each channel must be finite, and channel "
            f"{channel} has none. No --nan-policy can fill it"
        )


def check_varies(name: str, channel: int, *, low: float, high: float) -> None:
    """Refuse a channel whose voxels are all alike.

    Args:
        name: What to call the volume.
        channel: Which channel it is.
        low: Its darkest voxel.
        high: Its brightest voxel.

    Raises:
        VolumeError: If they are equal.
    """
    if low == high:
        raise VolumeError(
            f"{name}: a volume must vary to be segmented, and every voxel of channel "
            f"{channel} is {low:g}. Check that this is the file, or the dataset, "
            f"that you mean"
        )
