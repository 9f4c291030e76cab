"""What exposure does to contrast: fine detail fades first."""

import numpy as np
from jaxtyping import Float64

_CRITICAL = (0.24499, -1.6649, 2.8141)
_KV, _AT_200_KV = 200.0, 0.8  # of the exposure at 300 kV


def critical_exposure(
    frequency: Float64[np.ndarray, "*shape"], voltage_kv: float = 300.0
) -> Float64[np.ndarray, "*shape"]:
    """Exposure after which the signal at a frequency has fallen to 1/√e of its amplitude.

    Args:
        frequency: Spatial frequencies, any shape, in 1/nm.
        voltage_kv: Acceleration voltage: 300 kV, or 200 kV, at which damage is done sooner.

    Returns:
        Electrons per Å² in the shape of `frequency`; infinite at frequency 0.

    Source:
        Grant & Grigorieff (2015), eq. 3: 0.24499 k^-1.6649 + 2.8141 with k in 1/Å, and 0.8 of that
        at 200 kV. https://doi.org/10.7554/eLife.06980
    """
    scale, power, least = _CRITICAL
    with np.errstate(divide="ignore"):
        exposure = scale * (0.1 * np.asarray(frequency)) ** power + least
    return exposure * (_AT_200_KV if voltage_kv <= _KV else 1.0)


def remaining_amplitude(
    frequency: Float64[np.ndarray, "*shape"], exposure: float, voltage_kv: float = 300.0
) -> Float64[np.ndarray, "*shape"]:
    """Share of the signal's amplitude that an exposure leaves, exp(-N / 2 Ne).

    Args:
        frequency: Spatial frequencies, any shape, in 1/nm.
        exposure: Electrons per Å² that the specimen has taken.
        voltage_kv: Acceleration voltage.

    Returns:
        From 0 to 1, in the shape of `frequency`.

    Source:
        Grant & Grigorieff (2015), eq. 4. https://doi.org/10.7554/eLife.06980
    """
    return np.exp(-0.5 * exposure / critical_exposure(frequency, voltage_kv))
