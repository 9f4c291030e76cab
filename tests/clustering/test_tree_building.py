import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from gyrovox.clustering import build_tree
from gyrovox.errors import VolumeError
from gyrovox.evaluation import evaluate
from gyrovox.patches import cartoon_and_texture, normalise
from gyrovox.volumes.phantom_cell import cell_phantom

SHAPE = (16, 17, 18)
LEVELS = (2, 4, 8)


def noise(shape=SHAPE, channels=1, seed=0):
    return np.random.default_rng(seed).normal(size=(channels, *shape)).astype(np.float32)


def tree_of(voxels, *, dim=2, curvature=-1.0, spacing=None, **options):
    """The tree of some channels, with codes that are noise."""
    voxels = normalise(voxels)
    evidence = cartoon_and_texture(voxels, spacing=spacing or (1.0, 1.0, 1.0))
    codes = np.random.default_rng(1).normal(size=(*evidence.shape[:3], dim)).astype(np.float32)
    intensities = np.moveaxis(voxels, 0, -1).copy()
    return build_tree(
        codes, evidence, intensities, curvature=curvature, voxel_size_nm=spacing, **options
    )


def same_share(one, other):
    """Share of the voxels with the same label, once labels are matched."""
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one.ravel(), other.ravel()), 1)
    return table[linear_sum_assignment(table, maximize=True)].sum() / one.size


@pytest.fixture(scope="module")
def phantom():
    return cell_phantom(301)


@pytest.fixture(scope="module")
def tree(phantom):
    return tree_of(phantom.image[None])


def check_whole(tree, inside):
    """Leaves cover the mask; all cuts are nested, and each has as many classes as asked for."""
    np.testing.assert_array_equal(tree.leaves >= 0, inside)
    assert tree.sizes[-1] == inside.sum()
    counts = sorted({1, min(2, tree.n_leaves), min(7, tree.n_leaves), tree.n_leaves})
    cuts = [tree.cut(count) for count in counts]
    for count, cut in zip(counts, cuts, strict=True):
        assert len(np.unique(cut.labels[inside])) == count
    for coarse, fine in itertools.combinations(cuts, 2):
        assert fine.is_refinement_of(coarse)
        pairs = np.stack([fine.labels[inside], coarse.labels[inside]]).astype(np.int64)
        assert np.unique(pairs, axis=1).shape[1] == len(fine.nodes)


@pytest.mark.parametrize("seed", range(3))
def test_every_cut_is_nested_in_every_coarser_one(seed):
    tree = tree_of(noise(seed=seed), regions=40)
    cuts = [tree.cut(count).labels.astype(np.int64) for count in range(1, tree.n_leaves + 1)]
    assert len(cuts) > 15
    for coarse, fine in itertools.combinations(range(len(cuts)), 2):
        joint = np.unique(cuts[fine] * 1000 + cuts[coarse])
        assert len(joint) == fine + 1


def test_the_same_volume_has_the_same_tree_twice():
    one, same = tree_of(noise()), tree_of(noise())
    for name in ("leaves", "parents", "altitudes", "sizes", "codes", "spreads", "contrasts"):
        np.testing.assert_array_equal(vars(one)[name], vars(same)[name])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_volume_has_the_flipped_cuts(phantom, tree, axis):
    flipped = tree_of(np.flip(phantom.image, axis)[None].copy())
    for level in LEVELS:
        back = np.flip(flipped.cut(level).labels, axis)
        assert same_share(back, tree.cut(level).labels) >= 0.93


def test_the_cell_is_found(phantom, tree):
    assert evaluate(tree.cut(2).labels, phantom.truths[0]).mean_dice > 0.95
    assert evaluate(tree.cut(4).labels, phantom.truths[1]).mean_dice > 0.85


def test_a_cell_that_only_textures_tell_apart_is_found():
    phantom = cell_phantom(300, variant="texture")
    cut = tree_of(phantom.image[None]).cut(2)
    assert evaluate(cut.labels, phantom.truths[0]).mean_dice > 0.9


def test_objects_of_one_kind_are_one_class():
    truth = np.zeros((24, 24, 24), np.uint8)
    for corner in itertools.product((3, 15), repeat=3):
        truth[tuple(slice(c, c + 6) for c in corner)] = 1
    voxels = (4.0 * truth + noise(truth.shape)[0]).astype(np.float32)
    assert evaluate(tree_of(voxels[None]).cut(2).labels, truth).mean_dice > 0.9


def test_a_second_channel_tells_what_the_first_does_not():
    truth = np.zeros((20, 20, 20), np.uint8)
    truth[6:14, 6:14, 6:14] = 1
    voxels = noise(truth.shape, channels=2)
    voxels[1] += 4 * truth
    assert evaluate(tree_of(voxels).cut(2).labels, truth).mean_dice > 0.95


def test_facts_of_the_volume_are_kept():
    tree = tree_of(noise(), curvature=-2.0, spacing=(3.0, 2.0, 2.0), dim=5)
    assert tree.curvature == -2.0
    assert tree.voxel_size_nm == (3.0, 2.0, 2.0)
    assert tree.codes.shape == (tree.n_nodes, 5)
    assert not tree.is_masked


@pytest.mark.parametrize("regions", [1, 2, 3, 10])
def test_there_are_no_more_leaves_than_asked_for(regions):
    tree = tree_of(noise(), regions=regions)
    assert tree.n_leaves == regions
    check_whole(tree, np.ones(SHAPE, bool))


MASKS = {
    "one voxel": lambda z, y, x: (z == 3) & (y == 4) & (x == 5),
    "two voxels": lambda z, y, x: (z == y) & (y == x) & (z % 9 == 3),
    "two parts": lambda z, y, x: (z < 5) | (z > 9),
    "a plane": lambda z, y, x: (z == 7) & (y >= 0) & (x >= 0),
    "a chessboard": lambda z, y, x: (z + y + x) % 2 == 0,
    "all": lambda z, y, x: z + y + x >= 0,
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("flat", [False, True])
def test_only_the_mask_is_covered(mask, flat):
    inside = np.broadcast_to(MASKS[mask](*np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]), SHAPE)
    voxels = noise() * (0 if flat else 1)
    check_whole(tree_of(voxels.astype(np.float32), inside=inside.copy()), inside)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((8, 8, 8), None),
        ((1, 24, 24), None),
        ((24, 1, 24), (2.0, 2.0, 2.0)),
        ((1, 1, 9), None),
        ((1, 1, 1), None),
        ((8, 20, 20), (3.0, 1.0, 1.0)),
        ((20, 12, 8), (0.5, 1.0, 40.0)),
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3])
def test_volumes_of_every_shape_have_a_tree(shape, spacing, channels):
    check_whole(tree_of(noise(shape, channels), spacing=spacing), np.ones(shape, bool))


def partly_empty(voxels):
    voxels[:, :9] = 0


def a_single_dot(voxels):
    voxels[:] = 0
    voxels[0, 8, 8, 8] = 1


def a_clean_cube(voxels):
    voxels[:] = 0
    voxels[0, 4:9, 4:9, 4:9] = 1


def an_empty_channel(voxels):
    voxels[1] = 0


def the_same_channel_twice(voxels):
    voxels[1] = voxels[0]


def nothing(voxels):
    voxels[:] = 3


@pytest.mark.parametrize(
    "change",
    [partly_empty, a_single_dot, a_clean_cube, an_empty_channel, the_same_channel_twice, nothing],
)
def test_volumes_that_are_partly_constant_have_a_tree(change):
    voxels = noise(channels=2)
    change(voxels)
    check_whole(tree_of(voxels), np.ones(SHAPE, bool))


@pytest.mark.parametrize("value", [0.0, 1e10])
@pytest.mark.parametrize("curvature", [0.0, -1.0])
def test_constant_evidence_has_a_tree(value, curvature):
    codes = np.zeros((*SHAPE, 2), np.float32)
    evidence = np.full((*SHAPE, 3), value, np.float32)
    check_whole(build_tree(codes, evidence, curvature=curvature), np.ones(SHAPE, bool))


def test_a_mask_of_nothing_is_refused():
    with pytest.raises(VolumeError, match="at least one voxel inside its mask, and none is"):
        tree_of(noise(), inside=np.zeros(SHAPE, bool))


def test_small_parts_are_found_by_their_intensity_and_not_by_features_alone(phantom, tree):
    features = cartoon_and_texture(normalise(phantom.image[None]))
    without = build_tree(features[..., :2], features, curvature=0.0)
    by_features, by_both = (
        evaluate(one.cut(8).labels, phantom.truths[2]).mean_dice for one in (without, tree)
    )
    assert by_both > 0.75
    assert by_features < by_both - 0.1


@pytest.mark.parametrize("given", [True, False])
def test_a_tree_does_without_intensities(given):
    features = cartoon_and_texture(noise(channels=2))
    intensities = np.moveaxis(noise(channels=6), 0, -1).copy() if given else None
    check_whole(build_tree(features, features, intensities, curvature=0.0), np.ones(SHAPE, bool))
