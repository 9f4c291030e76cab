"""Electrons counted on a detector: how sharply, and with how much noise."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from scipy import fft


@final
@dataclass(frozen=True, kw_only=True)
class Detector:
    """A detector that falls off towards Nyquist's frequency as a Gaussian does.

    The image is filtered so that its signal has the MTF and its signal-to-noise ratio the DQE:
    first by √(DQE / DQE(0)), then electrons are drawn, then by what is left of the MTF.

    Args:
        efficiency: DQE at frequency 0 and at Nyquist's.
        transfer_at_nyquist: MTF at Nyquist's frequency.

    Source:
        Vulović et al. (2013), section 2.4. https://doi.org/10.1016/j.jsb.2013.05.008
    """

    efficiency: tuple[float, float]
    transfer_at_nyquist: float

    def counts(
        self,
        electrons: Float64[np.ndarray, "v u"],
        generator: np.random.Generator | None,
    ) -> Float64[np.ndarray, "v u"]:
        """What is read out.

        Args:
            electrons: How many are expected to hit each pixel, shape (v, u).
            generator: Where the electrons are drawn from; None for their expectation.

        Returns:
            Counts, shape (v, u), whole numbers if they are drawn.
        """
        rows = fft.fftfreq(electrons.shape[0])[:, None]
        columns = fft.rfftfreq(electrons.shape[1])[None]
        squared = 4 * (rows**2 + columns**2)  # 1 at Nyquist's frequency
        at_zero, at_nyquist = self.efficiency
        sharp = (at_nyquist / at_zero) ** (squared / 2)
        transfer = self.transfer_at_nyquist**squared
        expected = at_zero * _filtered(electrons, sharp)
        if generator is None:
            return _filtered(expected, transfer / sharp)
        drawn = generator.poisson(np.maximum(expected, 0)).astype(np.float64)
        return np.asarray(np.maximum(np.rint(_filtered(drawn, transfer / sharp)), 0))


def _filtered(
    image: Float64[np.ndarray, "v u"], factors: Float64[np.ndarray, "v half"]
) -> Float64[np.ndarray, "v u"]:
    shape = image.shape
    return np.asarray(fft.irfft2(fft.rfft2(image) * factors, s=shape))
