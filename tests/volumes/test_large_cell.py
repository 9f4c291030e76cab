import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.volumes import ArraySource, Region
from gyrovox.volumes.cell_parts import CellRecipe
from gyrovox.volumes.large_cell import LARGE, large_cell
from gyrovox.volumes.phantom_cell import cell_phantom

SHAPE = (60, 72, 80)
SHORT = 48
VARIANTS = ["regular", "irregular", "texture"]


@pytest.fixture(autouse=True)
def short_period(monkeypatch):
    """Noise that repeats after 48 voxels takes a moment to make; after 144, a second."""
    monkeypatch.setattr("gyrovox.volumes.large_cell.PERIOD", SHORT)


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


def whole(source):
    return source.read(Region.whole(source.shape[1:]))[0]


def test_a_region_is_what_the_whole_has_there(variant):
    image, truths = large_cell(3, shape=SHAPE, variant=variant)
    region = Region((7, 20, 11), (49, 61, 70))
    for source in (image, *truths):
        assert isinstance(source, ArraySource)
        np.testing.assert_array_equal(source.read(region)[0], whole(source)[region.slices])


def test_planes_that_are_made_apart_fit_together(monkeypatch):
    image, truths = large_cell(1, shape=SHAPE, variant="irregular")
    expected = [whole(source) for source in (image, *truths)]
    monkeypatch.setattr("gyrovox.volumes.large_cell._AT_ONCE", 1)
    for source, array in zip((image, *truths), expected, strict=True):
        np.testing.assert_array_equal(whole(source), array)


@pytest.mark.parametrize("shape", [(60, 72, 80), (100, 100, 100), (20, 150, 150)], ids=str)
@pytest.mark.parametrize("size", [None, (20.0, 10.0, 10.0)], ids=str)
def test_every_class_is_there_and_levels_are_nested(variant, shape, size):
    _, truths = large_cell(2, shape=shape, variant=variant, voxel_size_nm=size)
    first, second, third = map(whole, truths)
    for truth, classes in zip((first, second, third), (2, 4, 8), strict=True):
        assert (truth.shape, truth.dtype) == (shape, np.uint8)
        assert np.unique(truth).tolist() == list(range(classes))
    np.testing.assert_array_equal(first, np.minimum(second, 1))
    parents = np.array([0, 1, 2, 3, 2, 2, 3, 3])
    np.testing.assert_array_equal(second, parents[third])


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_where_a_smaller_phantom_of_the_same_grid_has_them(seed):
    # At 100 voxels the coarse grid is that of the voxels, which the small generator draws on.
    _, truths = large_cell(seed, shape=(100, 100, 100))
    expected = cell_phantom(seed, shape=(100, 100, 100)).truths
    for source, truth in zip(truths, expected, strict=True):
        np.testing.assert_array_equal(whole(source), truth)


@pytest.mark.parametrize("seed", range(3))
def test_an_irregular_cell_is_as_large_as_a_regular_one_and_differs(seed):
    regular, irregular = (
        whole(large_cell(seed, shape=SHAPE, variant=one)[1][0]).astype(bool)
        for one in ("regular", "irregular")
    )
    dice = 2 * (regular & irregular).sum() / (regular.sum() + irregular.sum())
    assert 0.85 < dice < 0.995


def test_colours_are_those_of_a_smaller_phantom():
    image, truths = large_cell(5, shape=(100, 100, 100))
    small = cell_phantom(5, shape=(100, 100, 100))
    voxels, third = whole(image), whole(truths[2])
    for label in (0, 1):
        mean = small.image[small.truths[2] == label].mean()
        assert voxels[third == label].mean() == pytest.approx(mean, abs=0.1)
        assert voxels[third == label].std() == pytest.approx(0.354, rel=0.15)


def test_texture_leaves_nothing_to_intensity():
    image, truths = large_cell(6, shape=(100, 100, 100), variant="texture")
    voxels, third = whole(image), whole(truths[2])
    assert [voxels[third == label].mean() for label in range(4)] == pytest.approx(
        [0.0] * 4, abs=0.15
    )


def test_noise_repeats_and_no_earlier():
    image, truths = large_cell(0, shape=(16, 16, 2 * SHORT))
    voxels, third = whole(image), whole(truths[2])
    same = (third[..., :SHORT] == 0) & (third[..., SHORT:] == 0)
    np.testing.assert_array_equal(voxels[..., :SHORT][same], voxels[..., SHORT:][same])
    assert not np.allclose(voxels[:, :, :32][same[:, :, :32]], voxels[:, :, 32:64][same[:, :, :32]])


def test_a_seed_gives_the_same_volume_twice_and_another_seed_another(variant):
    one, again, other = (whole(large_cell(s, shape=SHAPE, variant=variant)[0]) for s in (7, 7, 8))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_nothing_is_made_before_it_is_read():
    # 4 TB: only what is asked for takes memory and time.
    image, truths = large_cell(0, shape=(10_000, 10_000, 10_000), variant="irregular")
    middle = Region((5000, 5000, 5000), (5004, 5010, 5020))
    assert image.read(middle).shape == (1, 4, 10, 20)
    assert truths[0].read(middle).all()
    assert LARGE < 10_000**3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1, "shape": SHAPE}, r"must not be negative, and it is -1"),
        ({"seed": 0, "shape": (4, 500, 500)}, r"at least 8 voxels, and shape is \(4, 500, 500\)"),
        ({"seed": 0, "shape": SHAPE, "recipe": CellRecipe(proteins=200)}, r"at most 256 classes"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        large_cell(**settings)
