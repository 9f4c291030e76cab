import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings import CATALOGUE, SegmentationSettings


@pytest.mark.parametrize("weight", [-0.1, float("nan")])
def test_a_weight_must_be_0_or_positive(weight):
    with pytest.raises(SettingsError, match=r"smoothing must be 0 \(none\) or positive"):
        SegmentationSettings(smoothing=weight)


def test_the_published_method_does_not_smooth():
    assert CATALOGUE["paper"].segmentation.smoothing == 0
    assert CATALOGUE["default"].segmentation.smoothing > 0
