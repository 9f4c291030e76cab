import numpy as np
import pytest
import torch
from scipy import fft

from gyrovox.errors import SettingsError
from gyrovox.patches.tilt_wedge import check_tilt_range, range_weights, without_unseen

SHAPES = [(16, 16, 16), (15, 8, 17), (12, 6, 20)]


def angles(shape):
    """Angles of the frequencies of `rfftn` from the x axis towards z, in degrees."""
    k_z = np.fft.fftfreq(shape[0])[:, None, None]
    k_x = np.fft.rfftfreq(shape[2])[None, None, :]
    return np.degrees(np.arctan2(k_z, k_x)), np.hypot(k_z, k_x) == 0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("tilts", [(-60.0, 60.0), (-50.0, 65.0), (10.0, 70.0)], ids=str)
def test_weights_are_of_the_angles_within_the_range(shape, tilts):
    angle, on_axis = angles(shape)
    expected = ((angle >= tilts[0]) & (angle <= tilts[1])) | on_axis
    # The last frequency of an even axis stands for both of its signs.
    nyquist = np.zeros(expected.shape, bool)
    nyquist[shape[0] // 2] |= shape[0] % 2 == 0
    nyquist[..., -1] |= shape[2] % 2 == 0
    weights = range_weights(shape, tilts)
    kept = np.broadcast_to(~nyquist, weights.shape)
    assert np.array_equal(weights[kept], np.broadcast_to(expected, weights.shape)[kept])


def test_a_wave_is_kept_or_lost_by_its_direction():
    z, y, x = np.indices((32, 32, 32))
    seen = {"x": x, "y": y, "x + z at 45 degrees": x + z}
    unseen = {"z": z, "z + x / 2 at 63 degrees": 2 * z + x}
    for name, phase in (seen | unseen).items():
        wave = torch.from_numpy(np.cos(2 * np.pi * phase * 2 / 32).astype(np.float32))[None]
        left = without_unseen(wave, (-60.0, 60.0))
        torch.testing.assert_close(left, wave * (name in seen), rtol=0, atol=1e-5)


def test_tilts_have_a_sign():
    z, _, x = np.indices((32, 32, 32))
    # At tilt t the image's columns run along x cos t + z sin t.
    wave = torch.from_numpy(np.cos(2 * np.pi * (x + z) * 3 / 32).astype(np.float32))[None]
    torch.testing.assert_close(without_unseen(wave, (0.0, 60.0)), wave, rtol=0, atol=1e-5)
    assert without_unseen(wave, (-60.0, 0.0)).abs().max() < 1e-5


def test_soft_edges_are_half_way_at_the_edge_and_fall_over_their_width():
    shape = (64, 4, 64)
    hard = range_weights(shape, (-60.0, 60.0))
    soft = range_weights(shape, (-60.0, 60.0), softness_degrees=20.0)
    angle, on_axis = angles(shape)
    apart = np.broadcast_to((np.abs(np.abs(angle) - 60) > 10) | on_axis, soft.shape)
    assert np.array_equal(soft[apart], hard[apart])
    near = np.broadcast_to(~on_axis & (angle > 50) & (angle < 70), soft.shape)
    expected = 0.5 + 0.5 * np.cos(np.pi * (np.broadcast_to(angle, soft.shape)[near] - 50) / 20)
    nyquist = np.zeros_like(hard, bool)
    nyquist[32], nyquist[..., -1] = True, True
    np.testing.assert_allclose(soft[near][~nyquist[near]], expected[~nyquist[near]], atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_real_volumes_stay_real_whatever_the_range(shape):
    voxels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    tilts = (-40.0, 70.0)
    weights = range_weights(shape, tilts)
    full = np.empty(shape, np.float32)
    for index in np.ndindex(*shape):
        z, y, x = (
            index
            if index[2] < weights.shape[2]
            else [-i % n for i, n in zip(index, shape, strict=True)]
        )
        full[index] = weights[z, y, x]
    expected = fft.ifftn(fft.fftn(voxels) * full)
    assert np.abs(expected.imag).max() < 1e-6
    found = without_unseen(torch.from_numpy(voxels)[None], tilts)[0].numpy()
    np.testing.assert_allclose(found, expected.real, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tilts", [(60.0, -60.0), (10.0, 10.0), (-91.0, 0.0), (0.0, 95.0)])
def test_what_is_no_range_is_refused(tilts):
    with pytest.raises(SettingsError, match="a range of tilts must grow and lie between -90 and"):
        check_tilt_range(tilts)
    with pytest.raises(SettingsError, match=r"such as -60 60; got"):
        range_weights((4, 4, 4), tilts)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_filtered_volume_has_nothing_left_to_lose(channels, device):
    voxels = torch.randn(channels, 12, 10, 14, device=device)
    once = without_unseen(voxels, (-50.0, 50.0))
    torch.testing.assert_close(without_unseen(once, (-50.0, 50.0)), once, rtol=0, atol=1e-5)
    assert once.square().sum() < voxels.square().sum()
