import numpy as np
import pytest

from gyrovox.patches import cartoon_and_texture, noise_scale
from gyrovox.patches.texture import BAND_CENTRES, HALO, TextureScale, texture_scale
from gyrovox.volumes.phantom_cell import cell_phantom

SIDE = 40
INNER = (slice(8, -8),) * 3


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(size=(SIDE,) * 3).astype(np.float32)


def wave(frequency, axis, *, phase=0.3, side=SIDE):
    """A plane wave of amplitude 2 along an axis, in cycles per voxel."""
    along = 2 * np.cos(2 * np.pi * frequency * np.arange(side) + phase)
    full = np.moveaxis(np.broadcast_to(along, (SIDE, SIDE, side)), 2, axis)
    return np.ascontiguousarray(full, dtype=np.float32)


def energies(channel, **options):
    """Mean log-energy of every band, away from the faces."""
    return cartoon_and_texture(channel[None], **options)[INNER][..., 1:].mean((0, 1, 2))


@pytest.mark.parametrize("deviation", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("slope", [0.0, 3.0])
def test_the_scale_of_white_noise_is_its_standard_deviation(noise, deviation, slope):
    channel = deviation * noise + slope * np.arange(SIDE, dtype=np.float32)
    assert noise_scale(channel) == pytest.approx(deviation, rel=0.02)


def test_edges_and_empty_space_do_not_count_as_noise(noise):
    channel = 0.5 * noise
    channel[:20] += 50
    channel[:, :25] = 0
    assert noise_scale(channel) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 9), (2, 2, 2), (1, 1, 1)], ids=str)
def test_where_nothing_swings_there_is_no_noise(shape):
    assert noise_scale(np.full(shape, 3.0, np.float32)) == 0


def test_the_cartoon_has_the_edges_and_not_the_noise(noise):
    truth = np.zeros((SIDE,) * 3, np.float32)
    truth[:20] = 8
    cartoon = cartoon_and_texture((truth + noise)[None], texture=False)[..., 0]
    assert (cartoon - truth)[INNER].std() < 0.5
    assert np.median(cartoon[20:] - cartoon[:20]) == pytest.approx(-8, abs=0.4)
    assert ((cartoon > 4) == (truth > 4)).mean() > 0.999


def test_what_has_no_noise_is_its_own_cartoon():
    flat = np.full((1, 5, 6, 7), 2.5, np.float32)
    features = cartoon_and_texture(flat)
    assert features.shape == (5, 6, 7, 1 + len(BAND_CENTRES))
    assert (features[..., 0] == 2.5).all()
    assert np.ptp(features[..., 1:]) == 0


@pytest.mark.parametrize("band", range(len(BAND_CENTRES)))
def test_the_bands_around_a_wave_gain_most_energy(noise, band):
    gains = energies(noise + wave(BAND_CENTRES[band], 1)) - energies(noise)
    assert abs(gains.argmax() - band) <= 1
    assert gains[band] > 2
    assert (gains[abs(np.array(BAND_CENTRES) - BAND_CENTRES[band]) > 0.12] < gains[band] - 1).all()


@pytest.mark.parametrize("band", [1, 3, 6])
def test_energies_depend_neither_on_the_direction_nor_on_the_phase_of_a_wave(noise, band):
    along_z, along_y, along_x = (
        energies(noise + wave(BAND_CENTRES[band], axis))[band] for axis in range(3)
    )
    shifted = energies(noise + wave(BAND_CENTRES[band], 2, phase=2.0))[band]
    np.testing.assert_allclose([along_z, along_y, shifted], along_x, atol=0.2)


def test_energy_is_where_the_wave_is(noise):
    half = wave(0.25, 2)
    half[:20] = 0
    band = BAND_CENTRES.index(0.25)
    features = cartoon_and_texture((0.2 * noise + half)[None])[..., 1 + band]
    assert features[24:36, 8:-8, 8:-8].min() > features[4:16].max()


def test_bands_are_in_cycles_per_finest_voxel():
    generator = np.random.default_rng(1)
    thick = generator.normal(size=(20, SIDE, SIDE)).astype(np.float32)
    # A wave of 0.2 cycles per finest voxel has 0.4 per voxel that is twice as thick.
    band = BAND_CENTRES.index(0.2)
    along = 2 * np.cos(2 * np.pi * 0.4 * np.arange(20)).astype(np.float32)
    waved = thick + along[:, None, None]
    inner = (slice(4, -4), *INNER[1:])
    with_wave, without = (
        cartoon_and_texture(one[None], spacing=(2.0, 1.0, 1.0))[inner][..., 1:].mean((0, 1, 2))
        for one in (waved, thick)
    )
    assert (with_wave - without).argmax() == band
    in_nm, in_voxels = (
        cartoon_and_texture(waved[None], spacing=spacing)
        for spacing in ((5.0, 2.5, 2.5), (2.0, 1.0, 1.0))
    )
    np.testing.assert_array_equal(in_nm, in_voxels)


def test_the_window_does_not_reach_across_thick_slices():
    slices = np.random.default_rng(2).normal(size=(24, 48, 48)).astype(np.float32)
    energy = cartoon_and_texture(slices[None], spacing=(6.0, 1.0, 1.0))[..., -1]
    within = np.corrcoef(energy[:, 1:].ravel(), energy[:, :-1].ravel())[0, 1]
    across = np.corrcoef(energy[1:].ravel(), energy[:-1].ravel())[0, 1]
    assert within > 0.9
    assert across < 0.3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_features_turn_with_the_volume_on_the_whole(noise, axis):
    # The denoising takes differences in one direction, and stops before it is done.
    channel = (noise + wave(0.2, 0))[:16, :20, :18]
    features = cartoon_and_texture(channel[None])
    flipped = cartoon_and_texture(np.flip(channel, axis)[None].copy())
    assert np.abs(np.flip(flipped, axis) - features).mean() < 0.15


def test_channels_follow_each_other(noise):
    two = np.stack([noise[:12, :13, :14], 3 * wave(0.3, 2)[:12, :13, :14]])
    together = cartoon_and_texture(two)
    for index, one in enumerate(two):
        np.testing.assert_array_equal(
            together[..., 10 * index : 10 * index + 10], cartoon_and_texture(one[None])
        )
    plain = cartoon_and_texture(two, texture=False)
    np.testing.assert_array_equal(plain, together[..., ::10])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 9), (8, 1, 8), (2, 2, 2)], ids=str)
def test_thin_volumes_have_features(shape):
    channels = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    features = cartoon_and_texture(channels)
    assert features.shape == (*shape, 20)
    assert np.isfinite(features).all()


@pytest.fixture(scope="module", params=["regular", "texture"])
def volume(request):
    return cell_phantom(200, variant=request.param, shape=(64, 70, 66)).image[None]


@pytest.fixture(scope="module")
def whole(volume):
    return cartoon_and_texture(volume)


def test_the_scale_of_one_block_is_that_of_the_whole(volume, whole):
    scale = texture_scale([volume])
    np.testing.assert_array_equal(cartoon_and_texture(volume, scale=scale), whole)


@pytest.mark.parametrize("start", [(0, 0, 0), (20, 24, 21), (40, 46, 42)], ids=str)
def test_features_of_a_part_with_its_halo_are_those_of_the_whole(volume, whole, start):
    part = tuple(slice(first, first + 24) for first in start)
    box = tuple(
        slice(max(one.start - HALO, 0), min(one.stop + HALO, length))
        for one, length in zip(part, volume.shape[1:], strict=True)
    )
    inner = tuple(
        slice(one.start - around.start, one.stop - around.start)
        for one, around in zip(part, box, strict=True)
    )
    found = cartoon_and_texture(volume[:, *box], scale=texture_scale([volume]), within=inner)
    off = (found - whole[part]) / whole.std(axis=(0, 1, 2))
    assert np.sqrt((off**2).mean(axis=(0, 1, 2))).max() < 0.012
    assert np.abs(off[..., 0]).max() < 1e-3
    # Beyond the faces of the volume something is made up: there, and only there, it shows.
    assert np.abs(off).max() < (0.05 if start == (20, 24, 21) else 0.16)


def test_a_part_may_be_cut_out_on_the_way(volume, whole):
    within = (slice(3, 20), slice(0, 70), slice(50, 66))
    found = cartoon_and_texture(volume, scale=texture_scale([volume]), within=within)
    np.testing.assert_allclose(found, whole[within], atol=1e-5)


def test_the_scale_of_blocks_is_between_theirs():
    generator = np.random.default_rng(5)
    calm = generator.normal(size=(1, 20, 21, 22)).astype(np.float32)
    both = texture_scale([calm, 3 * calm])
    alone, wild = (texture_scale([block]) for block in (calm, 3 * calm))
    assert alone.noise[0] < both.noise[0] < wild.noise[0]
    assert (alone.energies < both.energies).all()
    assert (both.energies < wild.energies).all()


def test_a_scale_goes_through_arrays():
    scale = texture_scale([np.random.default_rng(5).normal(size=(2, 9, 9, 9)).astype(np.float32)])
    assert scale.energies.shape == (2, len(BAND_CENTRES))
    again = TextureScale.from_arrays(scale.arrays())
    np.testing.assert_array_equal(again.noise, scale.noise)
    np.testing.assert_array_equal(again.energies, scale.energies)
    assert texture_scale([np.ones((1, 4, 4, 4), np.float32)], texture=False).energies.shape == (
        1,
        0,
    )
