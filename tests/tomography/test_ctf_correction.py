from dataclasses import replace

import numpy as np
import pytest
from gaussian_blobs import dark_series

from gyrovox.errors import SettingsError, TiltSeriesError
from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.ctf import Optics, contrast_transfer_2d
from gyrovox.tomography.ctf_correction import ctf_corrected, ctf_correcting, defocus_map

SHAPE = (128, 128)
OPTICS = Optics()
TILTS = np.array([0.0, 50.0, -50.0])


def series(defocus=(3000.0, 3000.0, 3000.0), axis=0.0, pixel_size_nm=1.0):
    geometry = TiltGeometry(
        tilt_degrees=TILTS,
        axis_degrees=np.full(3, axis),
        shifts=np.array([[0.0, 0.0], [2.0, 5.0], [0.0, 0.0]]),
    )
    whole = dark_series(np.zeros((3, *SHAPE)), geometry, defocus_nm=np.array(defocus))
    return replace(whole, pixel_size_nm=pixel_size_nm)


def transferred(truth, defocus=3000.0):
    gain = contrast_transfer_2d(SHAPE, pixel_size_nm=1.0, defocus_nm=defocus, optics=OPTICS)
    return np.fft.ifft2(np.fft.fft2(truth) * gain).real.astype(np.float32)


def periodic_truth():
    return np.random.default_rng(0).standard_normal(SHAPE)


def ring_correlations(first, second):
    """Correlation in rings of frequency."""
    one, other = np.fft.fft2(first), np.fft.fft2(second)
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in SHAPE), indexing="ij"))
    rings = np.minimum((radius * 40).astype(int), 19)
    cross = np.bincount(rings.ravel(), (one * other.conj()).real.ravel())
    power = [np.bincount(rings.ravel(), (np.abs(part) ** 2).ravel()) for part in (one, other)]
    return cross / np.sqrt(power[0] * power[1])


@pytest.mark.parametrize("method", ["phase-flip", "wiener"])
def test_contrast_is_right_way_round_at_all_frequencies(method):
    truth = periodic_truth()
    seen = transferred(truth)
    corrected = ctf_corrected(seen, series(), 0, method=method, optics=OPTICS)
    before, after = ring_correlations(truth, seen), ring_correlations(truth, corrected)
    # What is dense stays dark: the sign of low frequencies does not change.
    assert before[1] < -0.5
    assert after[1] < -0.5
    assert before[2:].max() > 0.3
    assert after[1:].max() < -0.3


def test_wiener_also_restores_heights():
    truth = periodic_truth()
    image = transferred(truth)
    errors = {
        method: np.mean(
            (truth + ctf_corrected(image, series(), 0, method=method, signal_to_noise=100.0)) ** 2
        )
        for method in ("phase-flip", "wiener")
    }
    assert errors["wiener"] < 0.6 * errors["phase-flip"]


def test_each_strip_is_corrected_for_its_own_defocus():
    truth = periodic_truth()
    many = series(pixel_size_nm=1.0)
    local = defocus_map(many, 1, 1)
    levels = np.unique(np.rint(local / 5) * 5)
    seen = np.zeros(SHAPE, np.float32)
    for level in levels:
        seen += transferred(truth, level) * (np.rint(local / 5) * 5 == level)
    right, wrong, none = (
        ctf_corrected(seen, many, 1, method="phase-flip", defocus_handedness=handedness)
        for handedness in (1, -1, 0)
    )
    edge = (slice(None), slice(0, 24))

    def agreement(image):
        return -np.corrcoef(truth[edge].ravel(), image[edge].ravel())[0, 1]

    assert agreement(right) > agreement(none) + 0.005
    assert agreement(none) > agreement(wrong)


def test_defocus_falls_across_the_axis_as_the_specimen_tilts():
    tilted = series()
    local = defocus_map(tilted, 1, 1)
    # On the axis, at column 64 + 5, it is that of the image.
    np.testing.assert_allclose(local[:, 69], 3000.0)
    slope = np.diff(local, axis=1)
    np.testing.assert_allclose(slope, -np.tan(np.deg2rad(50)))
    np.testing.assert_allclose(defocus_map(tilted, 1, -1) - 3000, -(local - 3000))
    np.testing.assert_allclose(defocus_map(tilted, 0, 1), 3000.0)


def test_defocus_follows_the_axis_where_it_is_turned():
    local = defocus_map(series(axis=90.0), 2, 1)
    # Turned by 90 degrees, the axis lies along the rows: columns are alike.
    np.testing.assert_allclose(np.diff(local, axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.abs(np.diff(local, axis=0)), np.tan(np.deg2rad(50)))


def test_a_step_corrects_the_image_of_its_number():
    many = series(defocus=(3000.0, 2500.0, 2000.0))
    image = transferred(periodic_truth())
    step = ctf_correcting(many, method="phase-flip")
    wanted = ctf_corrected(image, many, 2, method="phase-flip")
    np.testing.assert_array_equal(step(2, image), wanted)


def test_what_cannot_be_corrected_is_refused():
    image = np.zeros(SHAPE, np.float32)
    unknown = dark_series(np.zeros((3, *SHAPE)), TiltGeometry.ideal(TILTS))
    with pytest.raises(TiltSeriesError, match="defocus of every image must be known, and is not"):
        ctf_correcting(unknown, method="wiener")
    with pytest.raises(SettingsError, match="signal_to_noise must be above 0, got 0"):
        ctf_corrected(image, series(), 0, method="wiener", signal_to_noise=0.0)
