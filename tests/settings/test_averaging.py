"""How sub-volumes are aligned and averaged."""

import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings.averaging import AveragingRecipe


def test_lengths_become_voxels():
    recipe = AveragingRecipe(box_nm=30.0)
    assert recipe.box(1.0) == 30
    assert recipe.box(1.35) == 24, "even, and no smaller than asked for"
    assert recipe.mask_radius(1.5) == pytest.approx(8.0)
    assert AveragingRecipe(mask_nm=18.0).mask_radius(1.5) == 6.0


def test_steps_halve_down_to_the_last():
    recipe = AveragingRecipe(first_step_degrees=20.0, last_step_degrees=4.0)
    assert [recipe.step_degrees(iteration) for iteration in range(4)] == [20, 10, 5, 4]


def test_a_symmetry_says_how_many_turns_it_has():
    assert AveragingRecipe(symmetry="C12").fold == 12


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"box_nm": 0.0}, "box_nm must be above 0, got 0"),
        ({"mask_nm": -1.0}, "mask_nm must be above 0, got -1"),
        ({"initial_resolution_nm": float("inf")}, "initial_resolution_nm must be above 0, got inf"),
        ({"first_step_degrees": 0.0}, "first_step_degrees must be above 0"),
        ({"last_step_degrees": float("nan")}, "last_step_degrees must be above 0, got nan"),
        ({"lean_degrees": -1.0}, "lean_degrees must not be negative"),
        ({"shift_nm": -1.0}, "shift_nm must not be negative"),
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
        ({"seed": -1}, "seed must not be negative"),
        ({"symmetry": "D3"}, "symmetry must be C1 to C99, .* got 'D3'"),
        ({"symmetry": "C0"}, "symmetry must be C1 to C99"),
        ({"tilt_range": (60.0, -60.0)}, "tilt_range must grow and lie between -90 and 90"),
    ],
)
def test_what_no_averaging_can_use_is_refused(values, what):
    with pytest.raises(SettingsError, match=what):
        AveragingRecipe(**values)
