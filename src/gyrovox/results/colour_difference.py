"""How well two colours are told apart, by every eye."""

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

# sRGB primaries in the space XYZ, over the white of D65.
_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])
# Linear sRGB as protanopes and deuteranopes see it.
_EYES = (
    np.eye(3),
    np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
)


def least_differences(colours: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n n"]:
    r"""How well colours are told apart by those who see them as least different.

    .. math::
        \min_e \sqrt{ΔL^{*2} + Δa^{*2} + Δb^{*2}}

    over the eyes e: trichromatic, protanope, deuteranope.

    Args:
        colours: sRGB in 0..1, shape ``(n, 3)``.

    Returns:
        Differences ΔE of all pairs, of which about 2 are just noticed, shape ``(n, n)``.

    Source:
        CIE 15 (2004), section 8.2.1, for L*a*b* and ΔE*_ab; Machado, Oliveira & Fernandes (2009),
        table 1, severity 1, for the eyes. https://doi.org/10.1109/TVCG.2009.113
    """
    linear = _linear(colours)
    seen = [_lab(np.clip(linear @ eye.T, 0, 1)) for eye in _EYES]
    gaps = [np.linalg.norm(lab[:, np.newaxis] - lab, axis=2) for lab in seen]
    return np.asarray(np.min(gaps, axis=0))


def lightness(colours: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """Lightness L* of colours, 0 (black) to 100 (white).

    Args:
        colours: sRGB in 0..1, shape ``(n, 3)``.

    Returns:
        Shape ``(n,)``.
    """
    return _lab(_linear(colours))[:, 0]


def _linear(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The amounts of light of sRGB."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """L*a*b* of linear sRGB, shape (n, 3)."""
    shares = linear @ _XYZ.T / _XYZ.sum(axis=1)
    bent = np.where(shares > (6 / 29) ** 3, np.cbrt(shares), shares * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = bent.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
