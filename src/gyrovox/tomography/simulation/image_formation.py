"""From the potential that a beam has passed to how many electrons hit each pixel."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from scipy import fft

from gyrovox.settings.simulation import ImagingRecipe

from ..ctf import aberration, defocus_along, image_frequencies
from .radiation_damage import remaining_amplitude


@final
@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How one image is taken.

    Args:
        tilt_degrees: Its tilt.
        defocus_nm: Its underfocus.
        dose: Electrons per Å².
        prior_dose: Electrons per Å² that the specimen had taken before.
    """

    tilt_degrees: float
    defocus_nm: float
    dose: float
    prior_dose: float


def expected_electrons(
    potential: Float64[np.ndarray, "v u"],
    transmitted: Float64[np.ndarray, "v u"],
    exposure: Exposure,
    recipe: ImagingRecipe,
    *,
    pixel_size_nm: float,
    thickness_nm: float,
) -> Float64[np.ndarray, "v u"]:
    r"""How many electrons hit each pixel, on average.

    The specimen is a thin phase object, its exit wave exp(φ (i √(1 - A²) - A)) with φ = σ V. The
    objective lens multiplies the wave's transform by exp(iχ). Of the electrons, those that have
    lost energy are taken away, or lie blurred on the image.

    Args:
        potential: Potential along the beam, shape (v, u), in V nm.
        transmitted: Share of electrons that dense beads let through the aperture, shape (v, u).
        exposure: How the image is taken.
        recipe: Microscope, damage and blur.
        pixel_size_nm: Side of a pixel.
        thickness_nm: Thickness of the ice.

    Returns:
        Shape (v, u).

    Source:
        Vulović et al. (2013), sections 2.2 and 2.3. https://doi.org/10.1016/j.jsb.2013.05.008
    """
    shape, optics = (potential.shape[0], potential.shape[1]), recipe.optics
    frequency, _ = image_frequencies(shape, pixel_size_nm=pixel_size_nm, half=True)
    way = 1 / np.cos(np.deg2rad(exposure.tilt_degrees))
    phase = optics.interaction_rad_per_v_nm * potential
    if recipe.damage:
        taken = exposure.prior_dose + exposure.dose / 2
        left = remaining_amplitude(frequency, taken, optics.voltage_kv)
        phase = fft.irfft2(fft.rfft2(phase) * left, s=shape)
    share = optics.amplitude_contrast
    wave = np.sqrt(transmitted) * np.exp(phase * complex(-share, np.sqrt(1 - share**2)))
    intensity = np.abs(_defocused(wave, exposure.defocus_nm, recipe, pixel_size_nm)) ** 2
    sharp = fft.rfft2(intensity) * np.exp(-0.25 * recipe.blur_nm2 * way * frequency**2)
    elastic = np.exp(-thickness_nm * way / recipe.mean_free_path_nm)
    if recipe.energy_filter:
        sharp *= elastic
    else:
        spread = np.exp(-0.5 * (2 * np.pi * recipe.inelastic_blur_nm * frequency) ** 2)
        sharp *= elastic + (1 - elastic) * spread
    area = (10 * pixel_size_nm) ** 2  # Å²
    return np.asarray(exposure.dose * area * fft.irfft2(sharp, s=shape))


def _defocused(
    wave: np.ndarray, defocus_nm: float, recipe: ImagingRecipe, pixel_size_nm: float
) -> np.ndarray:
    """The wave behind the objective lens."""
    shape = (wave.shape[0], wave.shape[1])
    frequency, azimuth = image_frequencies(shape, pixel_size_nm=pixel_size_nm)
    defocus = defocus_along(
        azimuth,
        defocus_nm=defocus_nm,
        astigmatism_nm=recipe.astigmatism_nm,
        astigmatism_degrees=recipe.astigmatism_degrees,
    )
    shift = aberration(frequency, defocus_nm=defocus, optics=recipe.optics)
    return np.asarray(fft.ifft2(fft.fft2(wave) * np.exp(1j * shift)))
