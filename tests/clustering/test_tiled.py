import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from gyrovox.clustering import build_tree
from gyrovox.clustering.tiled import build_tree_tiled
from gyrovox.errors import VolumeError
from gyrovox.patches import cartoon_and_texture, normalise
from gyrovox.volumes import Region
from gyrovox.volumes.phantom_cell import cell_phantom

LEVELS = (2, 4, 8)
AGREEMENT = 0.96
"""Least share of voxels that cuts of a phantom have in common, in tiles and as a whole."""
WITHOUT_MARGINS = 0.985
"""More than this, of large tiles; without a margin around each they had 0.98."""


def lattice(shape, side):
    cuts = [[*range(0, length - side // 4, side), length] for length in shape]
    spans = [list(itertools.pairwise(cut)) for cut in cuts]
    return [Region((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in itertools.product(*spans)]


def whole(voxels, codes, **options):
    features = cartoon_and_texture(voxels, spacing=options.get("voxel_size_nm") or (1.0, 1.0, 1.0))
    intensities = np.moveaxis(voxels, 0, -1).copy()
    return build_tree(codes, features, intensities, **options)


def same_share(one, other):
    """Share of the voxels with the same label, once labels are matched."""
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one.ravel(), other.ravel()), 1)
    return table[linear_sum_assignment(table, maximize=True)].sum() / one.size


def codes_of(shape, dim=2):
    return np.random.default_rng(1).normal(size=(*shape, dim)).astype(np.float32)


def noise(shape, channels=1):
    voxels = np.random.default_rng(0).normal(size=(channels, *shape))
    return normalise(voxels.astype(np.float32))


@pytest.mark.parametrize("shape", [(24, 25, 26), (1, 40, 30), (9, 9, 60)], ids=str)
@pytest.mark.parametrize("spacing", [None, (3.0, 1.0, 1.0)], ids=str)
def test_one_tile_is_the_whole(shape, spacing):
    voxels, codes = noise(shape, channels=2), codes_of(shape)
    inside = np.random.default_rng(3).random(shape) < 0.8
    options = {"curvature": -1.0, "inside": inside, "voxel_size_nm": spacing, "regions": 300}
    one = build_tree_tiled(voxels, codes, [Region.whole(shape)], **options)
    other = whole(voxels, codes, **options)
    for name in ("leaves", "parents", "sizes"):
        np.testing.assert_array_equal(vars(one)[name], vars(other)[name])
    for name in ("altitudes", "codes", "spreads", "contrasts"):
        np.testing.assert_allclose(vars(one)[name], vars(other)[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("variant", ["regular", "irregular", "texture"])
def test_cuts_hardly_depend_on_the_tiles(variant):
    image = cell_phantom(200, variant=variant, shape=(64, 64, 64)).image
    voxels, codes = normalise(image[None]), codes_of(image.shape)
    wanted = whole(voxels, codes, curvature=0.0)
    found = build_tree_tiled(voxels, codes, lattice(image.shape, 40), curvature=0.0)
    for level in LEVELS:
        share = same_share(found.cut(level).labels, wanted.cut(level).labels)
        assert share >= AGREEMENT, (level, share)


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "side"), [("regular", 64), ("texture", 80)])
def test_cuts_of_larger_volumes_hardly_depend_on_the_tiles(variant, side):
    image = cell_phantom(201, variant=variant, shape=(110, 111, 112)).image
    voxels, codes = normalise(image[None]), codes_of(image.shape)
    wanted = whole(voxels, codes, curvature=0.0)
    found = build_tree_tiled(voxels, codes, lattice(image.shape, side), curvature=0.0)
    for level in LEVELS:
        share = same_share(found.cut(level).labels, wanted.cut(level).labels)
        assert share >= WITHOUT_MARGINS, (level, share)


def test_leaves_do_not_end_at_the_faces_of_tiles():
    truth = np.zeros((30, 30, 30), np.float32)
    truth[6:24, 6:24, 6:24] = 6
    voxels = normalise((truth + noise(truth.shape)[0])[None].astype(np.float32))
    tree = build_tree_tiled(
        voxels, codes_of(truth.shape), lattice(truth.shape, 15), curvature=0.0, regions=40
    )
    assert same_share(tree.cut(2).labels, (truth > 0).astype(int)) > 0.99
    # The middle plane of the cube is a face of tiles; boundaries of leaves are no more there.
    across = [
        (tree.leaves[z, 8:22, 8:22] != tree.leaves[z - 1, 8:22, 8:22]).mean() for z in (15, 13)
    ]
    assert across[0] < 0.9


def test_the_same_tiles_give_the_same_bytes():
    shape = (24, 25, 26)
    one, other = (
        build_tree_tiled(noise(shape), codes_of(shape), lattice(shape, 13), curvature=-1.0)
        for _ in range(2)
    )
    for name in ("leaves", "parents", "altitudes", "sizes", "codes", "spreads", "contrasts"):
        np.testing.assert_array_equal(vars(one)[name], vars(other)[name])


@pytest.mark.parametrize("mask", ["a corner", "a ball"])
def test_only_the_mask_is_covered_and_tiles_may_be_empty(mask):
    shape = (40, 30, 30)
    z, y, x = np.indices(shape)
    inside = (z < 15) & (y < 20) if mask == "a corner" else (z - 20) ** 2 + y**2 + x**2 < 150
    tree = build_tree_tiled(
        noise(shape), codes_of(shape), lattice(shape, 12), curvature=-1.0, inside=inside
    )
    np.testing.assert_array_equal(tree.leaves >= 0, inside)
    assert tree.sizes[-1] == inside.sum()
    assert tree.is_masked


def test_a_mask_of_nothing_is_refused():
    shape = (8, 8, 8)
    with pytest.raises(VolumeError, match="at least one voxel inside its mask"):
        build_tree_tiled(
            noise(shape), codes_of(shape), [Region.whole(shape)],
            curvature=0.0, inside=np.zeros(shape, bool),
        )  # fmt: skip


def test_there_are_no_more_leaves_than_asked_for():
    shape = (20, 20, 40)
    tree = build_tree_tiled(
        noise(shape), codes_of(shape), lattice(shape, 20), curvature=0.0, regions=9
    )
    assert tree.n_leaves == 9


SPECKS = ((3, 3, 3), (15, 15, 380))


@pytest.mark.parametrize("starts", [SPECKS[:1], SPECKS], ids=["a corner", "far apart"])
def test_specks_of_a_long_volume_are_enough(starts):
    shape = (20, 21, 400)
    inside = np.zeros(shape, np.bool_)
    for z, y, x in starts:
        inside[z : z + 4, y : y + 5, x : x + 6] = True
    tree = build_tree_tiled(
        noise(shape), codes_of(shape), lattice(shape, 64), curvature=-1.0, inside=inside
    )
    np.testing.assert_array_equal(tree.leaves >= 0, inside)
    assert tree.sizes[-1] == inside.sum() == 120 * len(starts)
    if len(starts) > 1:  # what is not connected is told apart first
        labels = tree.cut(2).labels
        assert len(np.unique(labels[inside])) == 2
