"""Undoing what the microscope does to the contrast of an image, strip by strip of its defocus."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft

from gyrovox.errors import SettingsError, TiltSeriesError
from gyrovox.settings.simulation import Optics

from .ctf import contrast_transfer_2d
from .tilt_series import TiltSeries

CtfCorrection = Literal["phase-flip", "wiener"]
"""Turn reversed contrast round; or also divide by the contrast as far as noise allows."""

_PHASE_STEP = 0.5  # radians at Nyquist between the middle of a strip and its edge


def ctf_corrected(
    image: Float32[np.ndarray, "v u"],
    series: TiltSeries,
    index: int,
    *,
    method: CtfCorrection,
    optics: Optics | None = None,
    signal_to_noise: float = 10.0,
    defocus_handedness: Literal[-1, 0, 1] = 1,
) -> Float32[np.ndarray, "v u"]:
    r"""An image whose contrast is right at all frequencies: what is dense stays dark.

    A tilted specimen has another defocus in every strip along the tilt axis. The image is corrected
    for some of them, and each pixel lies between two. A Wiener filter multiplies by

    .. math::
        -\mathrm{CTF} / (\mathrm{CTF}^2 + 1 / \mathrm{SNR})

    Args:
        image: Contrasts of the image, of mean 0, shape (v, u).
        series: The series that it belongs to, with its geometry and the defocus on the tilt axis.
        index: Which image it is.
        method: How to correct.
        optics: The microscope; of 300 kV by default.
        signal_to_noise: SNR of the Wiener filter where the contrast is full, above 0.
        defocus_handedness: 1 where underfocus grows along +z of the specimen, -1 where it falls, 0
            for one defocus everywhere.

    Returns:
        Shape (v, u).

    Raises:
        SettingsError: If the signal-to-noise ratio is not positive.
        TiltSeriesError: If the defocus is unknown.

    Source:
        Xiong et al. (2009), J. Struct. Biol. 168:378 (strips);
        Frank (2006), Three-Dimensional Electron Microscopy, 2nd ed., eq. 2.32 (Wiener).
    """
    if not (math.isfinite(signal_to_noise) and signal_to_noise > 0):
        raise SettingsError(f"signal_to_noise must be above 0, got {signal_to_noise}.")
    optics = Optics() if optics is None else optics
    local = defocus_map(series, index, defocus_handedness)
    levels = _levels(local, series.pixel_size_nm, optics)
    padded, inner = _padded(image)
    spectrum = fft.rfft2(padded)
    out = np.zeros(image.shape)
    for level in levels:
        transfer = contrast_transfer_2d(
            (padded.shape[0], padded.shape[1]),
            pixel_size_nm=series.pixel_size_nm,
            defocus_nm=float(level),
            optics=optics,
            half=True,
        )
        gain = _gain(transfer, method, signal_to_noise)
        corrected = fft.irfft2(spectrum * gain, s=padded.shape)[inner]
        out += corrected * _share(local, level, levels)
    return out.astype(np.float32)


def ctf_correcting(
    series: TiltSeries,
    *,
    method: CtfCorrection,
    optics: Optics | None = None,
    signal_to_noise: float = 10.0,
    defocus_handedness: Literal[-1, 0, 1] = 1,
) -> Callable[[int, np.ndarray], np.ndarray]:
    """`ctf_corrected` as a step that takes the contrasts of image number i.

    Args:
        series: The series, with its geometry and defocus.
        method: How to correct.
        optics: The microscope; of 300 kV by default.
        signal_to_noise: SNR of the Wiener filter where the contrast is full, above 0.
        defocus_handedness: As for `ctf_corrected`.

    Returns:
        The step.

    Raises:
        TiltSeriesError: If the defocus is unknown.
    """
    _check_defocus(series)

    def step(index: int, image: np.ndarray) -> np.ndarray:
        return ctf_corrected(
            image,
            series,
            index,
            method=method,
            optics=optics,
            signal_to_noise=signal_to_noise,
            defocus_handedness=defocus_handedness,
        )

    return step


def defocus_map(
    series: TiltSeries, index: int, defocus_handedness: int
) -> Float64[np.ndarray, "v u"]:
    """Underfocus at each pixel of an image: that of the plane of the specimen that it shows.

    Args:
        series: The series, whose defocus is known.
        index: Which image.
        defocus_handedness: Its sign of the slope, or 0.

    Returns:
        Underfocus in nm, shape (v, u).

    Raises:
        TiltSeriesError: If the defocus is unknown.
    """
    defocus = _check_defocus(series)
    _, height, width = series.images.shape
    geometry = series.geometry
    angle = math.radians(geometry.axis_degrees[index])
    tilt = math.radians(geometry.tilt_degrees[index])
    rows = (np.arange(height) - height // 2 - geometry.shifts[index, 0])[:, None]
    columns = (np.arange(width) - width // 2 - geometry.shifts[index, 1])[None]
    across = columns * math.cos(angle) - rows * math.sin(angle)
    # The middle plane of the specimen, seen at s, lies at -s tan(tilt) along the beam.
    height_nm = -across * math.tan(tilt) * series.pixel_size_nm
    return np.asarray(defocus[index] + defocus_handedness * height_nm)


def _check_defocus(series: TiltSeries) -> Float64[np.ndarray, " tilts"]:
    if series.defocus_nm is None:
        raise TiltSeriesError(
            f"{series.name}: to correct the CTF, the defocus of every image must be known, and is "
            f"not. Put it into the .mdoc beside the stack, or leave --ctf away."
        )
    return series.defocus_nm


def _gain(
    transfer: Float64[np.ndarray, "v u"], method: CtfCorrection, signal_to_noise: float
) -> Float64[np.ndarray, "v u"]:
    if method == "phase-flip":
        return np.asarray(-np.sign(transfer))
    return np.asarray(-transfer / (transfer**2 + 1 / signal_to_noise))


def _levels(
    local: Float64[np.ndarray, "v u"], pixel_size_nm: float, optics: Optics
) -> Float64[np.ndarray, " levels"]:
    """Defoci that an image is corrected for, so close that none in between is off by much."""
    nyquist = 0.5 / pixel_size_nm
    step = 2 * _PHASE_STEP / (math.pi * optics.wavelength_nm * nyquist**2)
    low, high = float(local.min()), float(local.max())
    return np.linspace(low, high, 1 + math.ceil((high - low) / step))


def _share(
    local: Float64[np.ndarray, "v u"], level: float, levels: Float64[np.ndarray, " levels"]
) -> Float64[np.ndarray, "v u"] | float:
    if len(levels) == 1:
        return 1.0
    return np.asarray(np.maximum(0, 1 - np.abs(local - level) / (levels[1] - levels[0])))


def _padded(
    image: Float32[np.ndarray, "v u"],
) -> tuple[Float32[np.ndarray, "rows columns"], tuple[slice, slice]]:
    """An image with a mirrored margin, and where in it the image is: frequencies go round."""
    margins, inner = [], []
    for side in image.shape:
        whole = int(fft.next_fast_len(side + min(side, 128), real=True))
        before = (whole - side) // 2
        margins.append((before, whole - side - before))
        inner.append(slice(before, before + side))
    return np.pad(image, margins, mode="symmetric"), (inner[0], inner[1])
