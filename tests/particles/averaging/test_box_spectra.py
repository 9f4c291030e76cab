"""Spectra of small boxes."""

import numpy as np
import torch

from gyrovox.particles.averaging.box_spectra import (
    band_weights,
    boxes_of_spectra,
    centred_spectra,
    cropped,
    frequencies,
    hermitian_counts,
)

BOXES = torch.randn(2, 12, 12, 12, generator=torch.Generator().manual_seed(0))


def test_the_centre_is_the_origin():
    point = torch.zeros(1, 12, 12, 12)
    point[0, 6, 6, 6] = 1
    torch.testing.assert_close(centred_spectra(point), torch.ones(1, 12, 12, 7) + 0j)


def test_boxes_come_back():
    torch.testing.assert_close(boxes_of_spectra(centred_spectra(BOXES)), BOXES)


def test_a_band_is_the_spectrum_of_a_coarser_box():
    axis = torch.arange(12) - 6
    wave = torch.cos(2 * torch.pi * (2 * axis[:, None, None] + axis[None, :, None]) / 12)
    box = wave.expand(1, 12, 12, 12).contiguous()
    low = boxes_of_spectra(cropped(centred_spectra(box), 6)) * (6 / 12) ** 3
    torch.testing.assert_close(low, box[:, ::2, ::2, ::2], atol=1e-5, rtol=0)


def test_counts_make_the_half_whole():
    spectra = centred_spectra(BOXES)
    counted = (spectra.abs().square() * hermitian_counts(12)).sum(dim=(1, 2, 3)) / 12**3
    torch.testing.assert_close(counted, BOXES.square().sum(dim=(1, 2, 3)))


def test_frequencies_are_in_cycles_per_voxel():
    expected = np.linalg.norm(
        np.meshgrid(np.fft.fftfreq(8), np.fft.fftfreq(8), np.fft.rfftfreq(8), indexing="ij"), axis=0
    )
    np.testing.assert_allclose(frequencies(8).numpy(), expected, atol=1e-6)


def test_weights_pass_what_is_below_the_cutoff_but_the_mean():
    weights = band_weights(16, 16, 0.25)
    radius = frequencies(16)
    assert weights[0, 0, 0] == 0
    inside = (radius <= 0.25 - 1 / 32) & (radius > 0)
    assert (weights[inside] == 1).all()
    assert (weights[radius >= 0.25 + 1 / 32] == 0).all()
