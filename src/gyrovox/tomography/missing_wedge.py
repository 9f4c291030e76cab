"""The missing wedge: masks of what a tilt series has seen of Fourier space, and what is left."""

from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft

from gyrovox.errors import TiltSeriesError, VolumeMismatchError
from gyrovox.patches.tilt_wedge import TiltRange, frequency_weights, range_weights

Layout = Literal["half", "full"]
"""As `scipy.fft.rfftn` or as `scipy.fft.fftn` lays frequencies out."""


def wedge_mask(
    shape: tuple[int, int, int],
    tilt_degrees: TiltRange | Float64[np.ndarray, " tilts"],
    *,
    softness_degrees: float = 0.0,
    thickness: float | None = None,
    layout: Layout = "half",
) -> Float32[np.ndarray, "z y frequencies"]:
    """How much of every frequency of a volume a tilt series has seen.

    The specimen turns about y, as `TiltGeometry` says. A specimen D voxels thick is seen by one
    image within 1 / (2 D) cycles a voxel of the image's plane.

    Args:
        shape: Voxels of the volume along (z, y, x), which are cubes.
        tilt_degrees: A pair of the first and the last tilt, between which there is no gap, or an
            array with the tilt of every image.
        softness_degrees: Width of the edges, over which the mask falls from 1 to 0; 0 for none.
        thickness: Thickness D of the specimen in voxels, for an array of tilts; by default that of
            the volume.
        layout: ``half`` for real transforms (`apply_wedge` takes both), ``full`` for complex ones.

    Returns:
        Weights from 0 to 1, zero frequency first, shape ``(z, y, x // 2 + 1)`` or ``(z, y, x)``.

    Raises:
        SettingsError: If a range is none.
        TiltSeriesError: If there is no tilt, or one is not between -90 and 90 degrees, or the
            thickness is not positive.
    """
    if isinstance(tilt_degrees, tuple):
        half = range_weights(shape, tilt_degrees, softness_degrees=softness_degrees)
    else:
        half = _planes(shape, tilt_degrees, softness_degrees, thickness)
    return half if layout == "half" else _full(half, shape[2])


def apply_wedge(
    volume: Float32[np.ndarray, "z y x"], mask: Float32[np.ndarray, "z y frequencies"]
) -> Float32[np.ndarray, "z y x"]:
    """A volume with every frequency multiplied by its weight.

    Args:
        volume: Shape ``(z, y, x)``; beyond its faces it is taken to go on periodically.
        mask: What `wedge_mask` gave for that shape, in either layout.

    Returns:
        Shape ``(z, y, x)``.

    Raises:
        VolumeMismatchError: If the mask is of another shape.
    """
    depth, height, width = volume.shape
    half = width // 2 + 1
    if mask.shape not in {(depth, height, half), (depth, height, width)}:
        raise VolumeMismatchError(
            f"a mask of frequencies must be made for the shape of its volume, {volume.shape} "
            f"(z, y, x), and has shape {mask.shape}. Call wedge_mask with that shape."
        )
    seen = fft.rfftn(volume) * mask[..., :half]
    filtered: Float32[np.ndarray, "z y x"] = fft.irfftn(seen, s=volume.shape).astype(np.float32)
    return filtered


def missing_fraction(mask: Float32[np.ndarray, "z y frequencies"], width: int) -> float:
    """Share of the frequencies that a mask lacks.

    Args:
        mask: What `wedge_mask` gave, in either layout.
        width: Voxels of the volume along x.

    Returns:
        From 0 for nothing to 1.
    """
    full = mask if mask.shape[2] == width else _full(mask, width)
    return 1.0 - float(full.mean(dtype=np.float64))


def _planes(
    shape: tuple[int, int, int],
    tilts: Float64[np.ndarray, " tilts"],
    softness_degrees: float,
    thickness: float | None,
) -> Float32[np.ndarray, "z y half"]:
    """The mask of single images, each a slab of Fourier space.

    Raises:
        TiltSeriesError: As of `wedge_mask`.
    """
    if not len(tilts) or not (np.abs(tilts) < 90).all():
        raise TiltSeriesError(
            f"there must be tilts, all between -90 and 90 degrees, to tell what they see; got "
            f"{tilts.tolist()}."
        )
    thick = float(shape[0]) if thickness is None else thickness
    if not thick > 0:
        raise TiltSeriesError(f"a specimen must have a thickness above 0 voxels, got {thick:g}.")

    def margins(
        angle: Float64[np.ndarray, "z x"], length: Float64[np.ndarray, "z x"]
    ) -> Float64[np.ndarray, "z x"]:
        reach = np.degrees(np.arcsin(np.minimum(1, 0.5 / (thick * np.maximum(length, 1e-9)))))
        nearest = np.full_like(angle, np.inf)
        for tilt in tilts:
            gap = np.abs(angle - tilt)
            nearest = np.minimum(nearest, np.minimum(gap, 180 - gap))
        inside: Float64[np.ndarray, "z x"] = reach - nearest
        return inside

    return frequency_weights(shape, margins, softness_degrees)


def _full(half: Float32[np.ndarray, "z y half"], width: int) -> Float32[np.ndarray, "z y x"]:
    """All frequencies: those along -k are those along k."""
    mirrored = np.roll(half[::-1, ::-1], 1, axis=(0, 1))[..., 1 : (width + 1) // 2]
    full: Float32[np.ndarray, "z y x"] = np.concatenate([half, mirrored[..., ::-1]], axis=2)
    return full
