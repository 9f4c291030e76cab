import numpy as np
import pytest

from gyrovox.clustering.calibration import (
    VOXEL_WEIGHT,
    BlockNoise,
    Calibration,
    block_noise,
    calibrated,
    sample_blocks,
)
from gyrovox.clustering.evidence import DIMENSIONS, Turn, neighbour_spread
from gyrovox.errors import VolumeError
from gyrovox.volumes import Region

SHAPE = (24, 25, 48)


def block(seed=0, *, jump=9.0, features=6):
    """Features and intensities of a block of noise with two halves."""
    generator = np.random.default_rng(seed)
    half = np.zeros(SHAPE, np.float32)
    half[:, :, 24:] = jump
    values = generator.normal(size=(*SHAPE, features)).astype(np.float32)
    values[..., 0] += half
    voxels = generator.normal(size=(*SHAPE, 2)).astype(np.float32)
    voxels[..., 1] += half
    return values, voxels


def same(one, other, **tolerance):
    for name, value in one.arrays().items():
        np.testing.assert_allclose(other.arrays()[name], value, err_msg=name, **tolerance)


def test_noise_has_unit_variance_and_the_jump_comes_first():
    features, voxels = block()
    calibration = calibrated([block_noise(features, voxels)])
    evidence = calibration.evidence(features, voxels)
    assert calibration.dimensions == DIMENSIONS
    assert evidence.shape == (*SHAPE, DIMENSIONS + 2)
    inner = evidence[:, :, 28:44].reshape(-1, DIMENSIONS + 2)
    np.testing.assert_allclose(inner[:, :DIMENSIONS].std(axis=0), 1.1, atol=0.15)
    np.testing.assert_allclose(inner[:, DIMENSIONS:].std(axis=0), 1.1 * VOXEL_WEIGHT, atol=0.3)
    jumps = np.abs(evidence[:, :, 30:].mean((0, 1, 2)) - evidence[:, :, :18].mean((0, 1, 2)))
    assert jumps[0] > 6
    assert jumps[DIMENSIONS] > 12
    assert jumps[[1, 2, 3, DIMENSIONS + 1]].max() < 1


def test_blocks_alike_are_calibrated_as_each():
    features, voxels = block()
    noise = block_noise(features, voxels)
    same(calibrated([noise]), calibrated([noise, noise, noise]), rtol=1e-9)


def test_blocks_of_other_noise_are_somewhere_between():
    calm, wild = block(), block(seed=1)
    louder = tuple(3 * array for array in wild)
    both = calibrated([block_noise(*calm), block_noise(*louder)])
    lengths = [
        np.linalg.norm(one.intensities.directions, axis=0)
        for one in (calibrated([block_noise(*calm)]), both, calibrated([block_noise(*louder)]))
    ]
    assert (lengths[0] > lengths[1]).all()
    assert (lengths[1] > lengths[2]).all()


def test_a_block_of_which_nothing_is_inside_counts_for_nothing():
    features, voxels = block()
    nothing = block_noise(features, voxels, np.zeros(SHAPE, bool))
    noise = block_noise(features, voxels)
    for order in ([nothing, noise], [noise, nothing]):
        same(calibrated(order), calibrated([noise]), rtol=1e-9)


def test_without_a_voxel_inside_there_are_no_units():
    features, voxels = block()
    nothing = block_noise(features, voxels, np.zeros(SHAPE, bool))
    with pytest.raises(
        VolumeError, match=r"at least one voxel inside its mask in the 2 block\(s\)"
    ):
        calibrated([nothing, nothing])


def test_without_intensities_there_is_evidence_of_features_alone():
    features, _ = block()
    calibration = calibrated([block_noise(features, None)])
    assert calibration.intensities is None
    assert calibration.evidence(features, None).shape == (*SHAPE, DIMENSIONS)


def test_a_block_too_small_for_regions_counts_the_noise_of_neighbours():
    features = np.random.default_rng(0).normal(size=(1, 1, 2, 3)).astype(np.float32)
    found = calibrated([block_noise(features, features)])
    everywhere = np.ones(features.shape[:3], bool)
    wanted = Turn.of(neighbour_spread(features, everywhere))
    np.testing.assert_allclose(found.features.directions, wanted.directions)


@pytest.mark.parametrize("given", [True, False])
def test_noise_and_units_go_through_arrays(given):
    features, voxels = block()
    noise = block_noise(features, voxels if given else None)
    again = BlockNoise.from_arrays(noise.arrays())
    same(noise, again, rtol=0)
    units = calibrated([again])
    same(units, Calibration.from_arrays(units.arrays()), rtol=0)
    assert (Calibration.from_arrays(units.arrays()).intensities is None) is not given


class TestSampleBlocks:
    @pytest.mark.parametrize("shape", [(50, 50, 50), (192, 3, 100)], ids=str)
    def test_a_small_volume_is_one_block(self, shape):
        assert sample_blocks(Region.whole(shape)) == [Region.whole(shape)]

    @pytest.mark.parametrize("shape", [(512, 1024, 1024), (193, 400, 5), (200, 200, 200)], ids=str)
    def test_a_large_one_has_few_that_lie_in_it_apart(self, shape):
        bounds = Region((3, 5, 7), tuple(n + d for n, d in zip(shape, (3, 5, 7), strict=True)))
        found = sample_blocks(bounds)
        assert len(found) == 2 ** sum(length > 192 for length in shape)
        taken = np.zeros(bounds.stop, np.uint8)
        for one in found:
            assert one.lies_in(bounds.stop)
            assert all(a >= b for a, b in zip(one.start, bounds.start, strict=True))
            taken[one.slices] += 1
        assert taken.max() == 1
        assert taken.sum() <= 8 * 192**3
