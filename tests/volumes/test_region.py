import pytest

from gyrovox.volumes import Region


def test_a_region_knows_its_shape_and_slices():
    region = Region((1, 2, 3), (4, 8, 3))
    assert region.shape == (3, 6, 0)
    assert region.slices == (slice(1, 4), slice(2, 8), slice(3, 3))


def test_the_whole_of_a_shape_lies_in_it_and_not_in_a_smaller_one():
    region = Region.whole((4, 5, 6))
    assert region.shape == (4, 5, 6)
    assert region.lies_in((4, 5, 6))
    assert not region.lies_in((4, 4, 6))


@pytest.mark.parametrize(("start", "stop"), [((-1, 0, 0), (1, 1, 1)), ((2, 0, 0), (1, 1, 1))])
def test_a_region_that_is_no_box_is_refused(start, stop):
    with pytest.raises(ValueError, match="0 <= start <= stop"):
        Region(start, stop)
