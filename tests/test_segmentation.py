"""From trees and codes to label volumes of several levels."""

import numpy as np
import pytest
from block_tree import block_tree
from hypothesis import given
from hypothesis import strategies as st
from tree_laws import chain, random_tree, trees

from gyrovox import segmentation as module
from gyrovox.errors import ClusterCountError, SettingsError
from gyrovox.segmentation import Cleaning, check_levels, kmeans_levels, tree_levels
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume

TREE, KMEANS = SegmentationSettings(), SegmentationSettings(clustering="kmeans")


def assert_nested(levels):
    """Every class lies in one class of every coarser level, by counting pairs."""
    for fine in levels:
        for coarse in levels:
            if coarse < fine:
                pairs = set(zip(levels[fine].flat, levels[coarse].flat, strict=True))
                assert len(pairs) == len(np.unique(levels[fine]))


@pytest.fixture(scope="module")
def codes():
    """Noisy codes of two halves, one of which has two halves again."""
    generator = np.random.default_rng(0)
    codes = generator.normal(scale=0.7, size=(8, 12, 16, 2)).astype(np.float32)
    codes[..., :8, 0] += 3
    codes[:, :6, :8, 1] += 2
    return codes


@given(trees(most_leaves=9), st.data())
def test_levels_of_a_tree_are_nested_cleaned_or_not(tree, data):
    most = tree.n_leaves
    wanted = data.draw(st.lists(st.integers(1, most), min_size=1, max_size=4, unique=True))
    cleaning = Cleaning(
        smallest_nm3=data.draw(st.sampled_from([0.0, 20.0, 60.0])),
        fill_holes_nm3=data.draw(st.sampled_from([0.0, 30.0])),
        largest_component=data.draw(st.booleans()),
    )
    found = tree_levels(tree, wanted, cleaning)
    assert list(found) == wanted
    assert_nested(found)
    for labels in found.values():
        assert (labels[tree.leaves < 0] == 0).all()
        if tree.is_masked:
            assert (labels[tree.leaves >= 0] > 0).all()


@given(trees(most_leaves=9))
def test_levels_of_a_tree_are_its_cuts(tree):
    counts = range(1, tree.n_leaves + 1)
    for k, labels in tree_levels(tree, list(counts), Cleaning()).items():
        np.testing.assert_array_equal(labels, tree.cut(k).labels)


def test_coarser_levels_follow_the_cleaned_finest(codes):
    tree = block_tree(codes, codes, curvature=-1.0)
    plain = tree_levels(tree, (2, 12), Cleaning())
    clean = tree_levels(tree, (2, 12), Cleaning(smallest_nm3=100.0))
    expected = Cleaning(smallest_nm3=100.0).cleaned(plain[12], voxel_size_nm=None, inside=None)
    np.testing.assert_array_equal(clean[12], expected)
    assert (clean[12] != plain[12]).any()
    # Every voxel of a fine class has the coarse class that it had, whoever the voxel was before.
    for fine in np.unique(clean[12]):
        (coarse,) = np.unique(plain[2][plain[12] == fine])
        assert (clean[2][clean[12] == fine] == coarse).all()


def test_a_tree_suggests_levels(codes):
    tree = block_tree(codes, codes, curvature=-1.0)
    assert tuple(tree_levels(tree, "auto", Cleaning())) == tree.suggested_levels()
    assert list(tree_levels(random_tree(1), "auto", Cleaning())) == [1]


def test_too_few_leaves_are_said():
    with pytest.raises(ClusterCountError, match=r"6 were asked for of 5 leaves. Ask for fewer"):
        tree_levels(chain(5), (2, 6), Cleaning())


def test_levels_that_are_not_nested_are_a_fault(monkeypatch):
    tree = random_tree(6)
    wrong = {k: tree.cut(k).labels for k in (2, 4)}
    wrong[2] = wrong[2][::-1]
    with pytest.raises(RuntimeError, match="every class of the level of 4 must lie in one class"):
        module._check_nested(wrong)


class TestCleaning:
    def labels(self):
        labels = np.zeros((5, 6, 7), np.uint8)
        labels[..., 4:] = 1
        labels[2, 2, 1] = 1  # one voxel
        labels[3, 4, 1:3] = 1  # two
        return labels

    def changed(self, cleaning, voxel_size_nm=None):
        labels = self.labels()
        cleaned = cleaning.cleaned(labels, voxel_size_nm=voxel_size_nm, inside=None)
        assert cleaned.dtype == labels.dtype
        return int((cleaned != labels).sum())

    def test_sizes_become_whole_voxels(self):
        cleaning = Cleaning(smallest_nm3=0.3, fill_holes_nm3=0.35)
        assert cleaning.in_voxels((0.1, 1.0, 1.0)) == (3, 3)
        assert cleaning.in_voxels((0.125, 1.0, 1.0)) == (3, 2)
        assert Cleaning(smallest_nm3=5.0).in_voxels(None) == (5, 0)

    @pytest.mark.parametrize(
        "cleaning",
        [
            Cleaning(smallest_nm3=1.0),
            Cleaning(fill_holes_nm3=1.0),
            Cleaning(largest_component=True),
        ],
    )
    def test_it_says_whether_it_is_wanted(self, cleaning):
        assert cleaning.is_wanted
        assert not Cleaning().is_wanted

    def test_by_default_it_does_nothing(self):
        labels = self.labels()
        assert Cleaning().cleaned(labels, voxel_size_nm=None, inside=None) is labels

    @pytest.mark.parametrize(
        ("nm3", "size", "gone"),
        [
            (1.0, None, 0),
            (1.5, None, 1),
            (2.0, None, 1),
            (3.0, None, 3),
            (0.3, (0.1, 1.0, 1.0), 3),  # 0.3 / 0.1 is a little less than 3
            (0.6, (0.2, 1.0, 1.0), 3),  # 0.6 / 0.2 is a little less than 3
            (0.007, (0.01, 0.7, 1.0), 0),  # 0.007 / (0.01 * 0.7) is a little more than 1
            (16.0, (2.0, 2.0, 2.0), 1),
            (16.1, (2.0, 2.0, 2.0), 3),
        ],
    )
    def test_what_is_smaller_goes(self, nm3, size, gone):
        assert self.changed(Cleaning(smallest_nm3=nm3), size) == gone

    @pytest.mark.parametrize(
        ("nm3", "size", "gone"),
        [
            (0.5, None, 0),
            (1.0, None, 1),
            (1.9, None, 1),
            (2.0, None, 3),
            (0.2, (0.1, 1.0, 1.0), 3),
            (15.9, (2.0, 2.0, 2.0), 1),
            (16.0, (2.0, 2.0, 2.0), 3),
        ],
    )
    def test_holes_that_are_no_larger_are_filled(self, nm3, size, gone):
        assert self.changed(Cleaning(fill_holes_nm3=nm3), size) == gone

    def test_the_largest_component_stays(self):
        assert self.changed(Cleaning(largest_component=True)) == 3

    def test_what_is_outside_stays_as_it_is(self):
        labels = self.labels() + np.uint8(1)
        inside = np.ones(labels.shape, bool)
        inside[:3] = False
        labels[~inside] = 0
        cleaned = Cleaning(largest_component=True).cleaned(
            labels, voxel_size_nm=None, inside=inside
        )
        assert (cleaned != labels).sum() == 2
        assert (cleaned[~inside] == 0).all()

    @pytest.mark.parametrize("size", [-1.0, float("nan"), float("inf")])
    def test_sizes_are_finite_and_not_negative(self, size):
        with pytest.raises(SettingsError, match=r"smallest_nm3 must be a volume .*0 or more"):
            Cleaning(smallest_nm3=size)
        with pytest.raises(SettingsError, match=r"fill_holes_nm3 must be a volume .*0 or more"):
            Cleaning(fill_holes_nm3=size)


class TestKmeans:
    def test_every_level_is_a_clustering(self, codes):
        found = kmeans_levels(codes, (3, 2), Cleaning(), curvature=0.0, smoothing=0.0)
        assert list(found) == [3, 2]
        truth = np.zeros(codes.shape[:3], int)
        truth[..., :8] = 1
        assert max((found[2] == truth).mean(), (found[2] != truth).mean()) > 0.95

    @pytest.mark.parametrize(("level", "dtype"), [(255, np.uint8), (256, np.uint16)])
    def test_with_a_mask_0_is_outside(self, codes, level, dtype):
        inside = np.ones(codes.shape[:3], bool)
        inside[0, 0, 0] = False
        (labels,) = kmeans_levels(
            codes, (level,), Cleaning(), curvature=0.0, smoothing=0.0, inside=inside
        ).values()
        assert labels.dtype == dtype
        assert labels[0, 0, 0] == 0
        np.testing.assert_array_equal(np.unique(labels[inside]), np.arange(1, level + 1))

    def test_codes_outside_have_no_say(self, codes):
        inside = np.zeros(codes.shape[:3], bool)
        inside[:, 2:9] = True
        other = codes.copy()
        other[~inside] += 5
        options = {"curvature": 0.0, "smoothing": 0.0, "inside": inside}
        one, same = (kmeans_levels(c, (3,), Cleaning(), **options)[3] for c in (codes, other))
        np.testing.assert_array_equal(one, same)

    def test_distinct_codes_are_counted_inside(self, codes):
        inside = np.zeros(codes.shape[:3], bool)
        inside[0, 0, :3] = True
        with pytest.raises(ClusterCountError, match="it is 4 for 3 distinct codes"):
            kmeans_levels(codes, (4,), Cleaning(), curvature=0.0, smoothing=0.4, inside=inside)

    def test_levels_are_cleaned_each_by_itself(self, codes):
        size = (1.0, 1.0, 2.0)
        cleaning = Cleaning(smallest_nm3=40.0, largest_component=True)
        options = {"curvature": 0.0, "smoothing": 0.0}
        plain = kmeans_levels(codes, (2, 4), Cleaning(), **options)
        clean = kmeans_levels(codes, (2, 4), cleaning, voxel_size_nm=size, **options)
        for k in (2, 4):
            expected = cleaning.cleaned(plain[k], voxel_size_nm=size, inside=None)
            np.testing.assert_array_equal(clean[k], expected)
            assert (clean[k] != plain[k]).any()


class TestLevels:
    volume = Volume.from_array(np.zeros((50, 50, 50), np.float32), name="box")

    def test_as_many_classes_as_labels_have(self):
        inside = np.ones((50, 50, 50), bool)
        check_levels((2**16,), self.volume, KMEANS, None)
        check_levels((2**16 - 1,), self.volume, KMEANS, inside)
        with pytest.raises(SettingsError, match=r"from 2 to 65535, got \[65536\]"):
            check_levels((2**16,), self.volume, KMEANS, inside)

    def test_as_many_classes_as_regions(self):
        few = SegmentationSettings(regions=7)
        check_levels((2, 7), self.volume, few, None)
        with pytest.raises(ClusterCountError, match=r"got 8, and segmentation.regions is 7. Ask"):
            check_levels((2, 8), self.volume, few, None)

    def test_only_a_tree_chooses(self):
        check_levels("auto", self.volume, TREE, None)
        with pytest.raises(SettingsError, match="only a tree suggests them"):
            check_levels("auto", self.volume, KMEANS, None)
