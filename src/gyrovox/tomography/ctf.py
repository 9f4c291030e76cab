"""The contrast transfer function: what a microscope does to the contrast of a thin specimen."""

import math

import numpy as np
from jaxtyping import Float, Float64

from gyrovox.settings.simulation import Optics


def aberration(
    frequency: Float[np.ndarray, "*shape"],
    *,
    defocus_nm: Float[np.ndarray, "*#shape"] | float,
    optics: Optics,
) -> Float64[np.ndarray, "*shape"]:
    r"""Phase shift χ of the wave aberration.

    .. math::
        χ(k) = π λ Δ k^2 - \frac{π}{2} C_s λ^3 k^4

    Args:
        frequency: Spatial frequencies k, any shape, in 1/nm.
        defocus_nm: Underfocus Δ, positive, one for all or one for each frequency.
        optics: The microscope.

    Returns:
        Radians, in the shape of `frequency`.

    Source:
        Rohou & Grigorieff (2015), eq. 3. https://doi.org/10.1016/j.jsb.2015.08.008
    """
    wavelength, squared = optics.wavelength_nm, np.asarray(frequency, np.float64) ** 2
    spherical = 0.5 * optics.spherical_aberration_mm * 1e6 * wavelength**2 * squared
    return np.pi * wavelength * squared * (defocus_nm - spherical)


def contrast_transfer_1d(
    frequency: Float[np.ndarray, "*shape"],
    *,
    defocus_nm: Float[np.ndarray, "*#shape"] | float,
    optics: Optics,
) -> Float64[np.ndarray, "*shape"]:
    r"""Contrast that a microscope gives to each frequency of a weak phase.

    A specimen of phase φ has the image 1 + 2 F⁻¹(CTF · F(φ)). Underfocus makes the CTF of low
    frequencies negative: what is dense is dark.

    .. math::
        \mathrm{CTF}(k) = -\sin(χ(k) + \arcsin A)

    Args:
        frequency: Spatial frequencies, any shape, in 1/nm.
        defocus_nm: Underfocus, positive, one for all or one for each frequency.
        optics: The microscope; A is its amplitude contrast.

    Returns:
        Between -1 and 1, in the shape of `frequency`.

    Source:
        Rohou & Grigorieff (2015), eq. 2. https://doi.org/10.1016/j.jsb.2015.08.008
    """
    phase = aberration(frequency, defocus_nm=defocus_nm, optics=optics)
    return -np.sin(phase + math.asin(optics.amplitude_contrast))


def contrast_transfer_2d(
    shape: tuple[int, int],
    *,
    pixel_size_nm: float,
    defocus_nm: float,
    optics: Optics,
    astigmatism_nm: float = 0.0,
    astigmatism_degrees: float = 0.0,
    half: bool = False,
) -> Float64[np.ndarray, "v u"]:
    """The contrast transfer of every frequency of an image, laid out as `numpy.fft` does.

    Args:
        shape: Pixels (v, u) of the image.
        pixel_size_nm: Side of a pixel.
        defocus_nm: Mean underfocus, positive.
        optics: The microscope.
        astigmatism_nm: Largest underfocus less the smallest.
        astigmatism_degrees: Where it is largest: angle from u towards v.
        half: Leave negative frequencies of u away, as `rfft2` does.

    Returns:
        Shape (v, u), or (v, u // 2 + 1) where `half`; frequency 0 comes first.
    """
    frequency, azimuth = image_frequencies(shape, pixel_size_nm=pixel_size_nm, half=half)
    defocus = defocus_along(
        azimuth,
        defocus_nm=defocus_nm,
        astigmatism_nm=astigmatism_nm,
        astigmatism_degrees=astigmatism_degrees,
    )
    return contrast_transfer_1d(frequency, defocus_nm=defocus, optics=optics)


def defocus_along(
    azimuth: Float64[np.ndarray, "*shape"],
    *,
    defocus_nm: float,
    astigmatism_nm: float,
    astigmatism_degrees: float,
) -> Float64[np.ndarray, "*shape"]:
    """Underfocus in every direction of an image.

    Args:
        azimuth: Directions, angles from u towards v in radians, any shape.
        defocus_nm: Mean underfocus, positive.
        astigmatism_nm: Largest underfocus less the smallest.
        astigmatism_degrees: Direction of the largest.

    Returns:
        Underfocus in nm, in the shape of `azimuth`.

    Source:
        Rohou & Grigorieff (2015), eq. 4. https://doi.org/10.1016/j.jsb.2015.08.008
    """
    turned = azimuth - math.radians(astigmatism_degrees)
    return defocus_nm + 0.5 * astigmatism_nm * np.cos(2 * turned)


def image_frequencies(
    shape: tuple[int, int], *, pixel_size_nm: float, half: bool = False
) -> tuple[Float64[np.ndarray, "v u"], Float64[np.ndarray, "v u"]]:
    """How high the frequencies of an image are, and which way they point.

    Args:
        shape: Pixels (v, u) of the image.
        pixel_size_nm: Side of a pixel.
        half: Leave negative frequencies of u away, as `rfft2` does.

    Returns:
        Frequencies in 1/nm and their angles from u towards v in radians, each of shape (v, u), or
        (v, u // 2 + 1) where `half`; frequency 0 comes first.
    """
    rows = np.fft.fftfreq(shape[0], pixel_size_nm)[:, None]
    columns = (np.fft.rfftfreq if half else np.fft.fftfreq)(shape[1], pixel_size_nm)[None]
    return np.hypot(rows, columns), np.arctan2(rows, columns)
