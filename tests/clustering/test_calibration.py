import numpy as np
import pytest

from gyrovox.clustering.calibration import (
    VOXEL_WEIGHT,
    BlockNoise,
    Calibration,
    block_noise,
    calibrated,
    mask_blocks,
    sample_blocks,
)
from gyrovox.clustering.evidence import DIMENSIONS, Turn, neighbour_spread
from gyrovox.errors import VolumeError
from gyrovox.volumes import MaskCells, Region
from gyrovox.volumes.mask_cells import CELL

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


LARGE = (210, 200, 420)


def mask_of(*boxes):
    """A mask of a large volume with some boxes in it, each a start and a stop."""
    inside = np.zeros(LARGE, np.bool_)
    for start, stop in boxes:
        inside[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return inside


def blocks_of(inside):
    return mask_blocks(MaskCells.of([(Region.whole(inside.shape), inside)], inside.shape))


def shell():
    """The surface of an ellipsoid: its middle, and that of each half, lies outside the mask."""
    z, y, x = np.ogrid[: LARGE[0], : LARGE[1], : LARGE[2]]
    reach = ((z - 105) / 100) ** 2 + ((y - 100) / 98) ** 2 + ((x - 210) / 205) ** 2
    return (reach < 1) & (reach > 0.94)


class TestMaskBlocks:
    def test_of_a_small_mask_they_are_one_block_which_is_its_box(self):
        start, stop = (150, 130, 300), (209, 190, 420)
        inside = mask_of((start, stop))
        inside[150:170, 130:150] = False
        inside[150, 189, 419] = inside[208, 130, 300] = True
        assert blocks_of(inside) == [Region(start, stop)]

    @pytest.mark.parametrize("box", [((0, 0, 0), LARGE), ((3, 0, 9), (200, 199, 400))], ids=str)
    def test_of_a_box_they_are_those_of_a_volume(self, box):
        assert blocks_of(mask_of(box)) == sample_blocks(Region(*box))

    def test_of_nearly_a_box_they_are_nearly_the_same(self):
        inside = mask_of(((0, 0, 0), LARGE))
        inside[40, 50, 60] = False
        found, wanted = blocks_of(inside), sample_blocks(Region.whole(LARGE))
        assert len(found) == len(wanted) == 8
        starts = np.array([[one.start for one in some] for some in (found, wanted)])
        assert np.abs(starts[0] - starts[1]).max() <= CELL

    def test_specks_far_apart_have_a_block_each(self):
        specks = ((2, 3, 4), (5, 6, 7)), ((201, 195, 411), (204, 198, 414))
        inside = mask_of(*specks)
        cells = MaskCells.of([(Region.whole(LARGE), inside)], LARGE)
        assert not any(inside[one.slices].any() for one in sample_blocks(cells.bounds))
        found = mask_blocks(cells)
        assert [int(inside[one.slices].sum()) for one in found] == [27, 27]

    @pytest.mark.parametrize("number", range(12))
    def test_each_has_voxels_inside_and_lies_in_the_bounds(self, number):
        generator = np.random.default_rng(number)
        starts = generator.integers(0, np.array(LARGE) - 12, size=(1 + number // 2, 3))
        inside = shell() if number == 0 else mask_of(*((s, s + 1 + number) for s in starts))
        cells = MaskCells.of([(Region.whole(LARGE), inside)], LARGE)
        found = mask_blocks(cells)
        assert 1 <= len(found) <= 8
        assert len(set(found)) == len(found)
        for one in found:
            assert inside[one.slices].any()
            assert one.lies_in(cells.bounds.stop)
            assert all(a >= b for a, b in zip(one.start, cells.bounds.start, strict=True))
            assert max(one.shape) <= 192

    def test_of_a_large_mask_they_are_spread_over_it(self):
        inside = shell()
        found = blocks_of(inside)
        assert len(found) == 8
        middles = np.array([(np.add(one.start, one.stop)) / 2 for one in found])
        assert (np.ptp(middles, axis=0) > np.array(LARGE) / 4).all()
        assert sum(int(inside[one.slices].sum()) for one in found) > inside.sum() / 4
