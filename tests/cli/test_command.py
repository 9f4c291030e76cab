"""Commands and the options that they share."""

import dataclasses
from typing import get_args, get_type_hints

import pytest

from gyrovox.cli.command import (
    CleaningOptions,
    Command,
    LatentOptions,
    LatentType,
    LearningOptions,
    WorkOptions,
)
from gyrovox.cli.program import COMMANDS
from gyrovox.errors import SettingsError
from gyrovox.inference.latents import LatentDtype
from gyrovox.segmentation import Cleaning
from gyrovox.settings import CATALOGUE


def test_every_named_configuration_can_be_chosen_and_the_first_is_the_default():
    named = get_args(get_type_hints(LearningOptions)["configuration"])
    assert set(named) == set(CATALOGUE)
    assert LearningOptions().settings == CATALOGUE[LearningOptions().configuration]


@pytest.mark.parametrize(
    "kind", [*COMMANDS.values(), LearningOptions, CleaningOptions, LatentOptions, WorkOptions]
)
def test_options_are_frozen_dataclasses(kind):
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen


def test_cleaning_does_nothing_unless_asked():
    assert CleaningOptions().settings == Cleaning()
    asked = CleaningOptions(smallest=5.0, fill_holes=7.0, largest_component=True)
    assert asked.settings == Cleaning(smallest_nm3=5.0, fill_holes_nm3=7.0, largest_component=True)


def test_codes_are_kept_as_a_type_that_they_can_be_stored_as():
    assert get_args(LatentType) == get_args(LatentDtype)
    for dtype in get_args(LatentType):
        LatentOptions(keep_latents=True, latent_dtype=dtype).check()
    LatentOptions().check()
    with pytest.raises(SettingsError, match=r"pass --keep-latents too, or leave .*-dtype int8 aw"):
        LatentOptions(latent_dtype="int8").check()


@pytest.mark.parametrize("kind", COMMANDS.values())
def test_a_command_says_in_a_line_what_it_does(kind):
    assert issubclass(kind, Command)
    first = kind.__doc__.splitlines()[0]
    assert first.endswith(".")
    assert len(first) <= 80
