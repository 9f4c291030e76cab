"""The contrast transfer function."""

import numpy as np
import pytest

from gyrovox.settings.simulation import Optics
from gyrovox.tomography.ctf import (
    aberration,
    contrast_transfer_1d,
    contrast_transfer_2d,
    defocus_along,
    image_frequencies,
)


def test_the_aberration_is_the_sum_of_defocus_and_spherical_aberration():
    optics = Optics()
    frequency, defocus = 0.8, 2000.0
    expected = np.pi * optics.wavelength_nm * frequency**2 * defocus
    expected -= np.pi / 2 * 2.7e6 * optics.wavelength_nm**3 * frequency**4
    found = aberration(np.array([frequency]), defocus_nm=defocus, optics=optics)
    assert found[0] == pytest.approx(expected)


def test_what_is_dense_is_dark_below_focus():
    """At frequency 0 only the amplitude counts, and soon the phase does far more."""
    found = contrast_transfer_1d(np.array([0.0, 0.15]), defocus_nm=3500.0, optics=Optics())
    assert found[0] == pytest.approx(-0.07)
    assert found[1] < -0.4


def test_a_weak_phase_has_the_image_that_the_wave_makes():
    """The linear theory against the propagation of a wave: nothing but the sign may differ."""
    optics, defocus, count = Optics(), 3000.0, 64
    frequency = 5 / (count * 1.5)
    phase = 1e-5 * np.cos(2 * np.pi * frequency * 1.5 * np.arange(count))
    share = optics.amplitude_contrast
    wave = np.exp(phase * complex(-share, np.sqrt(1 - share**2)))
    shift = aberration(np.fft.fftfreq(count, 1.5), defocus_nm=defocus, optics=optics)
    image = np.abs(np.fft.ifft(np.fft.fft(wave) * np.exp(1j * shift))) ** 2
    transfer = contrast_transfer_1d(np.array([frequency]), defocus_nm=defocus, optics=optics)
    np.testing.assert_allclose(image - 1, 2 * transfer[0] * phase, atol=2e-9)


def test_two_dimensions_are_one_around_without_astigmatism():
    found = contrast_transfer_2d((8, 10), pixel_size_nm=1.5, defocus_nm=3000.0, optics=Optics())
    radius = np.hypot(np.fft.fftfreq(8, 1.5)[:, None], np.fft.fftfreq(10, 1.5))
    np.testing.assert_allclose(
        found, contrast_transfer_1d(radius, defocus_nm=3000.0, optics=Optics())
    )


def test_the_half_is_a_half_of_the_whole():
    given = {
        "pixel_size_nm": 2.0,
        "defocus_nm": 2500.0,
        "optics": Optics(),
        "astigmatism_nm": 300.0,
        "astigmatism_degrees": 20.0,
    }
    half = contrast_transfer_2d((6, 8), half=True, **given)
    assert half.shape == (6, 5)
    np.testing.assert_allclose(half[:, :4], contrast_transfer_2d((6, 8), **given)[:, :4])


def test_the_largest_defocus_lies_along_the_angle_of_astigmatism():
    azimuth = np.deg2rad([30.0, 120.0, 75.0])
    found = defocus_along(
        azimuth, defocus_nm=3000.0, astigmatism_nm=400.0, astigmatism_degrees=30.0
    )
    np.testing.assert_allclose(found, [3200.0, 2800.0, 3000.0])


def test_the_angle_counts_from_columns_towards_rows():
    _, azimuth = image_frequencies((4, 4), pixel_size_nm=1.0)
    assert azimuth[0, 1] == pytest.approx(0.0)
    assert azimuth[1, 0] == pytest.approx(np.pi / 2)
