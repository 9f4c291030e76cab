import numpy as np
import pytest
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.volumes.cell_parts import CellRecipe
from gyrovox.volumes.phantom_cell import cell_phantom

VARIANTS = ["regular", "irregular", "texture"]
SHAPES = [
    ((50, 50, 50), None),
    ((16, 16, 16), None),
    ((30, 40, 64), None),
    ((10, 50, 50), (50.0, 10.0, 10.0)),
]


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


@pytest.mark.parametrize(("shape", "voxel_size_nm"), SHAPES, ids=str)
def test_every_class_is_there_in_every_truth(variant, shape, voxel_size_nm):
    for seed in range(5):
        phantom = cell_phantom(seed, shape=shape, variant=variant, voxel_size_nm=voxel_size_nm)
        assert phantom.image.shape == shape
        assert phantom.image.dtype == np.float32
        assert np.isfinite(phantom.image).all()
        for truth, classes in zip(phantom.truths, (2, 4, 8), strict=True):
            assert truth.shape == shape
            assert truth.dtype == np.uint8
            assert np.unique(truth).tolist() == list(range(classes))


def test_levels_are_nested(variant):
    first, second, third = cell_phantom(3, variant=variant).truths
    parents_of = {2: [2, 4, 5], 3: [3, 6, 7], 1: [1], 0: [0]}
    for parent, children in parents_of.items():
        np.testing.assert_array_equal(second == parent, np.isin(third, children))
    np.testing.assert_array_equal(first == 1, second > 0)


@pytest.mark.parametrize(("shape", "voxel_size_nm"), SHAPES, ids=str)
def test_siblings_share_no_face(variant, shape, voxel_size_nm):
    for seed in range(5):
        _, second, third = cell_phantom(
            seed, shape=shape, variant=variant, voxel_size_nm=voxel_size_nm
        ).truths
        for truth, one, other in [(second, 2, 3), (third, 4, 5), (third, 6, 7)]:
            assert not (ndimage.binary_dilation(truth == one) & (truth == other)).any()


def test_volumes_of_the_parts_are_those_of_the_recipe():
    sizes = np.mean(
        [np.bincount(cell_phantom(seed).truths[2].ravel(), minlength=8) for seed in range(40)], 0
    )
    sphere = 4 / 3 * np.pi
    assert sizes[4:6] == pytest.approx(sphere * 2**3, rel=0.1)
    assert sizes[6:8] == pytest.approx(6**3, rel=0.1)
    assert sizes[[2, 4, 5]].sum() == pytest.approx(sphere * 8**3, rel=0.1)
    assert sizes[[3, 6, 7]].sum() == pytest.approx(16**3, rel=0.1)


def test_a_larger_volume_has_larger_parts():
    small = np.bincount(cell_phantom(5).truths[1].ravel())
    large = np.bincount(cell_phantom(5, shape=(100, 100, 100)).truths[1].ravel())
    assert large / small == pytest.approx(8.0, rel=0.1)


def test_anisotropic_voxels_keep_spheres_spherical():
    truth = cell_phantom(2, shape=(25, 100, 100), voxel_size_nm=(40.0, 10.0, 10.0)).truths[1]
    z, y, x = (np.ptp(axis) + 1 for axis in np.nonzero(truth == 2))
    assert y == pytest.approx(x, abs=1.1)
    assert 4 * z == pytest.approx(x, abs=4.1)


def test_a_seed_gives_the_same_volume_twice_and_another_seed_another(variant):
    one, again, other = (cell_phantom(seed, variant=variant) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.truths[2], again.truths[2])
    assert (one.truths[2] != other.truths[2]).any()


def test_irregular_moves_surfaces_a_little():
    regular, irregular = (cell_phantom(4, variant=v) for v in ("regular", "irregular"))
    overlap = (regular.truths[0] & irregular.truths[0]).sum() * 2
    dice = overlap / (regular.truths[0].sum() + irregular.truths[0].sum())
    assert 0.85 < dice < 0.99
    kept = regular.truths[2] == irregular.truths[2]
    np.testing.assert_array_equal(regular.image[kept], irregular.image[kept])


def test_colours_spread_as_a_standard_normal():
    colours = []
    for seed in range(60):
        phantom = cell_phantom(seed, shape=(24, 24, 24))
        colours += [phantom.image[phantom.truths[2] == label].mean() for label in (0, 1, 2, 3)]
    assert np.mean(colours) == pytest.approx(0.0, abs=0.3)
    assert np.std(colours) == pytest.approx(1.0, abs=0.2)


def test_noise_has_the_strength_of_the_recipe():
    phantom = cell_phantom(1)
    # A texture or white noise of 0.25, and pink noise of 0.25 over the whole volume.
    for label in (0, 1):
        assert phantom.image[phantom.truths[2] == label].std() == pytest.approx(0.354, rel=0.15)


def test_texture_variant_leaves_nothing_to_intensity():
    phantom = cell_phantom(6, variant="texture")
    regular = cell_phantom(6)
    np.testing.assert_array_equal(phantom.truths[2], regular.truths[2])
    # The same pink noise lies over both, so what remains is 0.25 of a standardised texture.
    for label in range(8):
        mask = phantom.truths[2] == label
        assert phantom.image[mask].mean() == pytest.approx(0.0, abs=0.6)
    difference = regular.image - phantom.image
    parts = [difference[phantom.truths[2] == label] for label in range(4)]
    assert max(part.std() for part in parts) < 0.1
    assert np.std([part.mean() for part in parts]) > 0.1


def test_counts_make_classes():
    recipe = CellRecipe(
        vesicles=2,
        mitochondria=2,
        proteins=1,
        vesicle=(4.0, 0.2),
        mitochondrion=(4.0, 0.2),
        mitochondrion_protein=(2.0, 0.1),
    )
    truths = cell_phantom(0, recipe=recipe).truths
    assert [truth.max() + 1 for truth in truths] == [2, 6, 10]
    for organelle, protein in zip(range(2, 6), range(6, 10), strict=True):
        assert (truths[1][truths[2] == protein] == organelle).all()


def test_a_cell_that_cannot_hold_its_parts_is_refused():
    crowded = CellRecipe(vesicles=9)
    with pytest.raises(SettingsError, match=r"no cell with 9 vesicles .* fitted in 100 tries"):
        cell_phantom(0, shape=(12, 12, 12), recipe=crowded)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, r"must not be negative, and it is -1"),
        ({"seed": 0, "shape": (4, 50, 50)}, r"at least 8 voxels, and shape is \(4, 50, 50\)"),
        ({"seed": 0, "voxel_size_nm": (1.0, 0.0, 1.0)}, r"three positive lengths"),
        ({"seed": 0, "recipe": CellRecipe(proteins=200)}, r"at most 256 classes"),
        ({"seed": 0, "recipe": CellRecipe(vesicles=-1)}, r"must not be negative"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        cell_phantom(**settings)
