"""What tilting leaves unseen: the part of Fourier space that no image of a tilt series holds.

An image at tilt t holds the frequencies of a plane through the origin, that of the tilt axis y and
of the direction x cos t + z sin t. So a frequency is told by one angle, ``atan(k_z / k_x)``: it was
seen if there was an image at that tilt.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from gyrovox.errors import SettingsError

TiltRange = tuple[float, float]
"""First and last tilt, in degrees."""

Margins = Callable[
    [Float64[np.ndarray, "z x"], Float64[np.ndarray, "z x"]], Float64[np.ndarray, "z x"]
]


def check_tilt_range(tilt_range: TiltRange) -> None:
    """Refuse what is no range of tilts.

    Args:
        tilt_range: First and last tilt, in degrees.

    Raises:
        SettingsError: If they do not grow, or do not lie between -90 and 90 degrees.
    """
    low, high = tilt_range
    if not -90 <= low < high <= 90:
        raise SettingsError(
            f"a range of tilts must grow and lie between -90 and 90 degrees, such as -60 60; "
            f"got {low:g} {high:g}."
        )


def range_weights(
    shape: tuple[int, int, int], tilt_range: TiltRange, *, softness_degrees: float = 0.0
) -> Float32[np.ndarray, "z y half"]:
    """How much of every frequency a gapless range of tilts has seen.

    Args:
        shape: Voxels of the volume along (z, y, x), which are cubes.
        tilt_range: First and last tilt, in degrees.
        softness_degrees: Width of the edges, over which weights fall from 1 to 0; 0 for none.

    Returns:
        Weights from 0 to 1, as `scipy.fft.rfftn` lays frequencies out: shape
        ``(z, y, x // 2 + 1)``.

    Raises:
        SettingsError: If the range is none.
    """
    check_tilt_range(tilt_range)
    low, high = tilt_range

    def margins(
        angle: Float64[np.ndarray, "z x"], _length: Float64[np.ndarray, "z x"]
    ) -> Float64[np.ndarray, "z x"]:
        return np.minimum(angle - low, high - angle)

    return frequency_weights(shape, margins, softness_degrees)


def frequency_weights(
    shape: tuple[int, int, int], margins: Margins, softness_degrees: float
) -> Float32[np.ndarray, "z y half"]:
    """Weights of frequencies by how far within the seen angles they lie.

    Args:
        shape: Voxels of the volume along (z, y, x).
        margins: From the angle of frequencies in degrees, above -90 and up to 90, and their
            distance from the tilt axis in cycles a voxel, to the degrees that they lie within what
            was seen; negative outside.
        softness_degrees: Width of the edges; 0 for none.

    Returns:
        Weights from 0 to 1, shape ``(z, y, x // 2 + 1)``.
    """
    depth, height, width = shape
    k_z, k_x = np.fft.fftfreq(depth)[:, None], np.fft.fftfreq(width)[None, :]
    length = np.hypot(k_z, k_x)
    # A frequency and its negative are one and the same: the angle is that of the one with k_x > 0.
    angle = np.degrees(np.arctan2(np.where(k_x < 0, -k_z, k_z), np.abs(k_x)))
    inside = margins(np.where(angle == -90, 90.0, angle), length)
    if softness_degrees > 0:
        share = np.clip(0.5 + inside / softness_degrees, 0, 1)
        plane = 0.5 - 0.5 * np.cos(np.pi * share)
    else:
        plane = (inside >= 0).astype(np.float64)
    plane[0, 0] = 1.0  # every image holds the tilt axis
    # Where an axis is even its last frequency stands for both signs, and so for two angles.
    plane = np.maximum(plane, np.roll(plane[::-1, ::-1], 1, axis=(0, 1)))
    half = plane[:, : width // 2 + 1].astype(np.float32)
    return np.repeat(half[:, None], height, axis=1)


def without_unseen(
    voxels: Float[Tensor, "channels z y x"], tilt_range: TiltRange
) -> Float[Tensor, "channels z y x"]:
    """Voxels without the frequencies that a range of tilts does not see.

    Args:
        voxels: Shape ``(channels, z, y, x)``.
        tilt_range: First and last tilt, in degrees.

    Returns:
        Shape ``(channels, z, y, x)``.

    Raises:
        SettingsError: If the range is none.
    """
    depth, height, width = voxels.shape[1:]
    weights = torch.from_numpy(range_weights((depth, height, width), tilt_range)).to(voxels.device)
    axes = (1, 2, 3)
    seen = torch.fft.rfftn(voxels, dim=axes) * weights
    wedged: torch.Tensor = torch.fft.irfftn(seen, s=(depth, height, width), dim=axes)
    return wedged
