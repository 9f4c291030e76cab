"""Regions together are the whole: the law that embedding out of core rests on."""

from itertools import product

import numpy as np
import pytest
import torch

from gyrovox.errors import VolumeError
from gyrovox.inference import embed_dense, embed_patchwise, embed_region
from gyrovox.models import DenseEncoder, PatchEncoder
from gyrovox.patches import WorkingGrid, lattice, normalise
from gyrovox.volumes import Normalisation, Region, Volume, normalisation_of

TOLERANCE = 1e-5
SHAPES = [(13, 17, 22), (24, 11, 9), (16, 16, 16)]
SIZES = [None, (2.0, 2.0, 2.0), (3.0, 1.0, 1.0), (1.0, 1.7, 1.3)]


def dense_of(channels=1, dilations=(1, 1)):
    """An encoder whose codes vary by much more than the tolerance."""
    encoder = DenseEncoder(channels, (6, 5), dilations, 2).eval()
    with torch.no_grad():
        encoder.head.weight.mul_(3.0)
    return encoder


def patch_of(channels=1):
    encoder = PatchEncoder(channels, (3, 4, 5, 6), 16, 2).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1.5)
    return encoder


def volume_of(shape, size=None, channels=1):
    voxels = np.random.default_rng(0).normal(40, 9, (channels, *shape))
    voxels[0, 2, 3, 4] = 1000
    return Volume.from_array(voxels.astype(np.int16), voxel_size_nm=size)


def literal(encoder, volume, side=5, scale=1):
    """The whole volume in memory: normalised, resampled by torch, embedded, read off by torch."""
    voxels = torch.from_numpy(normalise(volume.read().astype(np.float32)))
    working = WorkingGrid(volume.spatial_shape, volume.voxel_size_nm).working_shape
    resampled = resize(voxels, working)
    if isinstance(encoder, DenseEncoder):
        codes = embed_dense(encoder, resampled, scale=scale)
    else:
        codes = embed_patchwise(encoder, resampled, side=side)
    return resize(codes.movedim(-1, 0), volume.spatial_shape).movedim(0, -1).numpy()


def resize(array, shape):
    return torch.nn.functional.interpolate(
        array[None], size=shape, mode="trilinear", align_corners=False
    )[0]


def tiled(encoder, volume, side_of_tiles, **options):
    normalisation = normalisation_of(volume)
    codes = np.full((*volume.spatial_shape, 2), np.nan, np.float32)
    for region in lattice(volume.spatial_shape, side_of_tiles):
        codes[region.slices] = embed_region(encoder, volume, normalisation, region, **options)
    return codes


def assert_tiled_is_whole(encoder, volume, side_of_tiles, side=5, scale=1):
    expected = literal(encoder, volume, side, scale)
    assert expected.std() > 100 * TOLERANCE
    found = tiled(encoder, volume, side_of_tiles, side_patchwise=side, scale=scale)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("shape", "tile"), list(product(SHAPES, [5, 8, 100])), ids=str)
def test_dense_codes_of_tiles_are_those_of_the_whole(shape, tile, size):
    assert_tiled_is_whole(dense_of(), volume_of(shape, size), tile)


@pytest.mark.parametrize("size", [None, (3.0, 1.0, 1.0)], ids=str)
@pytest.mark.parametrize("scale", [2, 3])
def test_dense_codes_of_tiles_are_those_of_the_whole_at_every_scale(scale, size):
    assert_tiled_is_whole(dense_of(2), volume_of((12, 15, 14), size, 2), 7, scale=scale)


def test_dense_codes_of_tiles_are_those_of_the_whole_with_dilation():
    assert_tiled_is_whole(dense_of(1, (1, 3)), volume_of((12, 15, 14)), 5)


@pytest.mark.parametrize("size", [None, (1.0, 2.0, 1.0)], ids=str)
@pytest.mark.parametrize(("side", "tile"), [(5, 6), (2, 5), (1, 4), (10, 9), (5, 100)])
def test_patchwise_codes_of_tiles_are_those_of_the_whole(side, tile, size):
    assert_tiled_is_whole(patch_of(2), volume_of((11, 13, 12), size, 2), tile, side=side)


@pytest.mark.parametrize("encoder", [dense_of(), patch_of()], ids=["dense", "patch"])
def test_a_single_voxel_has_the_code_that_it_has_in_the_whole(encoder):
    volume = volume_of((12, 13, 14), (2.0, 1.0, 1.0))
    expected = literal(encoder, volume)
    for place in [(0, 0, 0), (11, 12, 13), (5, 0, 7), (1, 12, 6)]:
        region = Region(place, tuple(one + 1 for one in place))
        found = embed_region(encoder, volume, normalisation_of(volume), region)
        np.testing.assert_allclose(found[0, 0, 0], expected[place], rtol=1e-5, atol=TOLERANCE)


@pytest.mark.parametrize("encoder", [dense_of(), patch_of()], ids=["dense", "patch"])
def test_the_scale_of_the_posterior_follows_the_code_where_it_is_asked_for(encoder):
    volume = volume_of((14, 15, 16))
    region, place = Region((4, 5, 6), (7, 8, 9)), (5, 7, 8)
    found = embed_region(encoder, volume, normalisation_of(volume), region, with_scales=True)
    codes = embed_region(encoder, volume, normalisation_of(volume), region)
    assert found.shape == (3, 3, 3, 3)
    np.testing.assert_allclose(found[..., :2], codes, rtol=1e-5, atol=TOLERANCE)
    voxels = torch.from_numpy(normalise(volume.read().astype(np.float32)))
    with torch.no_grad():
        if isinstance(encoder, DenseEncoder):
            around = tuple(slice(v - 2, v + 3) for v in place)
            posterior = encoder(voxels[None, :, *around])
        else:
            around = tuple(slice(v - 3, v + 4) for v in place)
            fine = resize(voxels[:, *around], (14, 14, 14))[:, 2:12, 2:12, 2:12]
            posterior = encoder(fine[None])
    scale = found[1, 2, 2, 2]
    assert scale == pytest.approx(posterior.scale.item(), rel=1e-4)
    assert scale > 0


def test_no_more_is_read_than_the_region_and_its_margin():
    volume = volume_of((40, 40, 40))
    seen = []

    class Watched:
        shape, dtype = volume.shape, volume.dtype

        def read(self, region):
            seen.append(region)
            return volume.source.read(region)

    watched = Volume(source=Watched(), voxel_size_nm=None, affine=np.eye(4))
    embed_region(dense_of(), watched, normalisation_of(volume), Region((10, 0, 35), (20, 9, 40)))
    assert seen == [Region((8, 0, 33), (22, 11, 40))]


def test_voxels_may_be_normalised_already():
    volume = volume_of((9, 9, 9))
    voxels = Volume.from_array(normalisation_of(volume).apply(volume.read()))
    whole = Region.whole((9, 9, 9))
    one = embed_region(dense_of(), voxels, None, whole)
    same = Normalisation((-1e9,), (1e9,), (0.0,), (1.0,), (0.0,))
    torch.manual_seed(0)
    assert one.dtype == np.float32
    assert one.flags.c_contiguous
    encoder = dense_of()
    assert np.array_equal(
        embed_region(encoder, voxels, same, whole), embed_region(encoder, voxels, None, whole)
    )


@pytest.mark.gpu
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_on_a_gpu_too_tiles_are_the_whole(size, device):
    torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are less than the law asks
    try:
        volume = volume_of((13, 17, 22), size)
        encoder = dense_of()
        expected = literal(encoder, volume)
        found = tiled(encoder.to(device), volume, 8)
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    finally:
        torch.backends.cudnn.allow_tf32 = True


class TestRefuses:
    def test_a_volume_too_small_to_be_mirrored_however_small_the_region(self):
        voxels = np.random.default_rng(0).normal(size=(30, 2, 30)).astype(np.float32)
        volume = Volume.from_array(voxels)
        with pytest.raises(ValueError, match=r"more than 2 voxels .* \(30, 2, 30\) \(z, y, x\)"):
            embed_region(dense_of(), volume, None, Region((0, 0, 0), (5, 2, 5)))

    def test_a_side_that_does_not_divide_the_patch(self):
        with pytest.raises(ValueError, match="side must divide 10"):
            embed_region(
                patch_of(), volume_of((20, 20, 20)), None, Region.whole((5, 5, 5)), side_patchwise=3
            )

    def test_a_region_beyond_the_volume(self):
        volume = volume_of((9, 9, 9))
        with pytest.raises(
            VolumeError, match=r"must lie in .* \(9, 9, 9\) .* to \(9, 9, 40\) came"
        ):
            embed_region(
                dense_of(), volume, normalisation_of(volume), Region((5, 5, 5), (9, 9, 40))
            )
