"""By how much two images are shifted against each other, finer than a pixel."""

import numpy as np
from jaxtyping import Float, Float64
from scipy import fft

_LOWEST, _HIGHEST = 0.02, 0.25  # cycles per pixel: no gradients of the ice, little noise


def window(shape: tuple[int, int], *, share: float = 0.2) -> Float64[np.ndarray, "v u"]:
    """Weights that fall to 0 at the edges of an image, so that frequencies can go round.

    Args:
        shape: Pixels (v, u).
        share: How much of each side the fall takes at each end.

    Returns:
        Between 0 and 1, shape (v, u).
    """
    sides = []
    for side in shape:
        ramp = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / (share * side)
        sides.append(0.5 - 0.5 * np.cos(np.pi * np.clip(ramp, 0, 1)))
    return np.outer(*sides)


def measured_shift(
    image: Float[np.ndarray, "v u"],
    reference: Float[np.ndarray, "v u"],
    *,
    farthest: float | None = None,
) -> tuple[Float64[np.ndarray, " 2"], float]:
    """By how much an image is shifted against a reference: the top of their cross-correlation.

    Args:
        image: Shape (v, u).
        reference: Shape (v, u), with the same scale.
        farthest: Largest shift along each axis in pixels; half the image by default.

    Returns:
        The shift (v, u) in pixels: image(p + shift) is reference(p); and how far the top of the
        correlation stands out, in its deviations.
    """
    weight = window((image.shape[0], image.shape[1]))
    passed = _band((image.shape[0], image.shape[1]))
    spectra = [
        fft.rfft2((values - np.average(values, weights=weight)) * weight) * passed
        for values in (image, reference)
    ]
    correlation = fft.fftshift(fft.irfft2(spectra[0] * spectra[1].conj(), s=image.shape))
    centre = np.array(correlation.shape) // 2
    searched = correlation
    if farthest is not None:
        reach = np.minimum(np.ceil(farthest).astype(int), centre)
        low, high = centre - reach, np.minimum(centre + reach + 1, correlation.shape)
        searched = np.full_like(correlation, -np.inf)
        part = (slice(low[0], high[0]), slice(low[1], high[1]))
        searched[part] = correlation[part]
    top = np.array(np.unravel_index(searched.argmax(), searched.shape))
    height = (correlation[tuple(top)] - correlation.mean()) / max(correlation.std(), 1e-30)
    return top - centre + top_between(correlation, top), float(height)


def top_between(values: Float[np.ndarray, "v u"], top: np.ndarray) -> Float64[np.ndarray, " 2"]:
    """How far the top of a parabola through a maximum lies beside it, along each axis."""
    beside = np.zeros(2)
    for axis in range(2):
        step = np.zeros(2, int)
        step[axis] = 1
        low, high = top - step, top + step
        if low[axis] < 0 or high[axis] >= values.shape[axis]:
            continue
        before, here, after = values[tuple(low)], values[tuple(top)], values[tuple(high)]
        bend = before - 2 * here + after
        if bend < 0:
            beside[axis] = 0.5 * (before - after) / bend
    return beside


def _band(shape: tuple[int, int]) -> Float64[np.ndarray, "v frequencies"]:
    """A smooth band of frequencies."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    low = 1 - np.exp(-((frequency / _LOWEST) ** 2))
    high = np.exp(-((frequency / _HIGHEST) ** 2))
    return np.asarray(low * high)
