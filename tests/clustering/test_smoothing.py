import io

import numpy as np
import pytest
from skimage.restoration import denoise_tv_chambolle

from gyrovox.clustering import smooth_codes
from gyrovox.clustering.smoothing import HALO, CodeSpread
from gyrovox.clustering.stitching import grown, within
from gyrovox.patches.tiling import lattice


def step_map(noise=0.1):
    codes = np.zeros((12, 12, 12, 2), np.float32)
    codes[6:, ..., 0] = 1.0
    generator = np.random.default_rng(0)
    return codes, (codes + noise * generator.standard_normal(codes.shape)).astype(np.float32)


def test_noise_goes_and_edges_stay():
    clean, noisy = step_map()
    smoothed = smooth_codes(noisy, 0.4)
    assert smoothed.shape == noisy.shape
    assert smoothed.dtype == np.float32
    assert abs(smoothed - clean).std() < 0.4 * abs(noisy - clean).std()
    gap = smoothed[6, ..., 0].mean() - smoothed[5, ..., 0].mean()
    assert gap > 0.8


def test_no_weight_changes_nothing():
    _, noisy = step_map()
    assert smooth_codes(noisy, 0.0) is noisy


def test_coordinates_do_not_mix():
    _, noisy = step_map()
    swapped = smooth_codes(np.ascontiguousarray(noisy[..., ::-1]), 0.3)
    np.testing.assert_allclose(swapped[..., ::-1], smooth_codes(noisy, 0.3), atol=1e-6)


def test_the_weight_is_relative_to_the_spread():
    _, noisy = step_map()
    np.testing.assert_allclose(
        smooth_codes(100 * noisy, 0.3), 100 * smooth_codes(noisy, 0.3), rtol=1e-3, atol=0.05
    )


def test_constant_codes_are_left_alone():
    codes = np.full((5, 5, 5, 2), 0.3, np.float32)
    assert smooth_codes(codes, 1.0) == pytest.approx(codes)


def wavy(shape=(60, 6, 61), dim=2):
    """Codes with edges, noise and swings longer than a tile."""
    generator = np.random.default_rng(1)
    z, y, x = np.indices(shape)
    codes = generator.standard_normal((*shape, dim))
    codes[..., 0] += 3 * ((z // 11 + x // 17) % 2)
    codes[..., 1] += np.sin(z / 9 + y / 5) + (x > 30)
    return codes.astype(np.float32)


@pytest.mark.parametrize("weight", [0.05, 0.4, 3.0])
@pytest.mark.parametrize("side", [19, 40])
def test_a_tile_with_its_halo_is_smoothed_as_the_whole_to_the_bit(side, weight):
    codes = wavy()
    whole = smooth_codes(codes, weight)
    shape = codes.shape[:3]
    cores = lattice(shape, side)
    deviation = CodeSpread.merged([CodeSpread.of(codes[core.slices]) for core in cores]).deviation
    for core in cores:
        box = grown(core, HALO, shape)
        tile = smooth_codes(codes[box.slices], weight, deviation=deviation)
        np.testing.assert_array_equal(tile[within(core, box)], whole[core.slices])


def test_half_the_halo_is_not_enough_but_nearly():
    codes = wavy()
    whole = smooth_codes(codes, 3.0, deviation=1.0)
    tile = smooth_codes(codes[30 - HALO // 2 :], 3.0, deviation=1.0)[HALO // 2 :]
    assert 0 < abs(tile - whole[30:]).max() < 1e-4


def test_the_result_is_that_of_an_older_algorithm_run_for_long():
    codes = wavy((20, 21, 22))
    expected = denoise_tv_chambolle(
        codes, 0.3 * codes.std(axis=(0, 1, 2)).max(), eps=0, max_num_iter=1000, channel_axis=-1
    )
    assert abs(smooth_codes(codes, 0.3) - expected).std() < 0.01 * codes.std()


def test_the_spread_of_parts_is_that_of_all_in_any_parts_and_order():
    codes = wavy() * np.float32([1, 40]) + np.float32([0, 1000])
    expected = codes.astype(np.float64).std(axis=(0, 1, 2)).max()
    cores = lattice(codes.shape[:3], 16)
    parts = [CodeSpread.of(codes[core.slices]) for core in cores]
    parts.append(CodeSpread.of(codes[:0]))
    for some in (parts, parts[::-1], [CodeSpread.of(codes)]):
        assert CodeSpread.merged(some).deviation == pytest.approx(expected, rel=1e-12)
    nested = CodeSpread.merged([CodeSpread.merged(parts[:5]), CodeSpread.merged(parts[5:])])
    assert nested.deviation == pytest.approx(expected, rel=1e-12)
    assert int(nested.count) == codes[..., 0].size
    np.testing.assert_allclose(nested.mean, codes.mean(axis=(0, 1, 2), dtype=np.float64))


def test_no_codes_have_no_spread():
    nothing = CodeSpread.of(wavy()[:0])
    assert nothing.deviation == 0
    assert CodeSpread.merged([nothing]).deviation == 0


def test_a_spread_survives_being_written():
    spread = CodeSpread.of(wavy())
    written = io.BytesIO()
    np.savez(written, **spread.arrays())
    written.seek(0)
    assert CodeSpread.from_arrays(np.load(written)).deviation == spread.deviation
