import pytest

from gyrovox.geometry.curvature import root_of


def test_root_of_curvature():
    assert root_of(-4.0) == 2.0


@pytest.mark.parametrize("wrong", [0.0, 1.0, float("nan"), float("-inf")])
def test_curvature_must_be_negative(wrong):
    with pytest.raises(ValueError, match=f"must be negative and finite.* is {wrong}.* Give κ < 0"):
        root_of(wrong)
