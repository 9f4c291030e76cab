import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings import CATALOGUE, SegmentationSettings


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_a_weight_must_be_0_or_positive(weight):
    with pytest.raises(SettingsError, match=r"smoothing must be 0 \(none\) or positive"):
        SegmentationSettings(smoothing=weight)


@pytest.mark.parametrize("regions", [1, 0, -5, 2**16])
def test_regions_must_be_as_many_as_a_label_file_holds(regions):
    with pytest.raises(SettingsError, match=f"regions must be from 2 to 65535, got {regions}"):
        SegmentationSettings(regions=regions)


def test_the_published_method_clusters_each_level_and_does_not_smooth():
    assert CATALOGUE["paper"].segmentation.clustering == "kmeans"
    assert CATALOGUE["paper"].segmentation.smoothing == 0


@pytest.mark.parametrize("name", ["default", "euclidean"])
def test_ours_grows_a_tree(name):
    assert CATALOGUE[name].segmentation.clustering == "tree"
    assert CATALOGUE[name].segmentation.smoothing > 0
