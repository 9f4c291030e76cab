import math

import pytest

from gyrovox.napari_plugin.level_scale import STEPS, LevelScale


@pytest.mark.parametrize("n_leaves", [2, 3, 8, 1019, 65535])
def test_the_ends_are_the_fewest_classes_and_one_per_leaf(n_leaves):
    scale = LevelScale(n_leaves)
    assert scale.classes(0) == 2
    assert scale.classes(STEPS) == n_leaves
    assert scale.position(2) == 0
    assert scale.position(n_leaves) == (STEPS if n_leaves > 2 else 0)


def test_numbers_never_fall_along_the_slider():
    scale = LevelScale(1019)
    numbers = [scale.classes(position) for position in range(STEPS + 1)]
    assert numbers == sorted(numbers)


def test_few_classes_are_all_reached():
    scale = LevelScale(1019)
    assert [scale.classes(scale.position(few)) for few in range(2, 100)] == list(range(2, 100))


def test_equal_ratios_are_equal_ways():
    scale = LevelScale(2**11)
    places = [scale.position(2**power) for power in range(1, 12)]
    assert places == [STEPS * step // 10 for step in range(11)]


def test_beyond_the_ends_is_at_the_ends():
    scale = LevelScale(100)
    assert (scale.position(1), scale.position(10**6)) == (0, STEPS)
    assert (scale.classes(-5), scale.classes(10**6)) == (2, 100)


def test_a_single_leaf_has_a_single_level():
    scale = LevelScale(1)
    assert (scale.fewest, scale.classes(0), scale.classes(STEPS), scale.position(1)) == (1, 1, 1, 0)


def test_a_step_is_at_most_a_hundredth_more():
    scale = LevelScale(65535)
    for position in range(400, STEPS):
        more = scale.classes(position + 1) / scale.classes(position)
        assert math.log(more) < 0.02
