"""Names and nesting of the classes of a specimen."""

from gyrovox.tomography.simulation import LEVEL_NAMES, Coarse, Part
from gyrovox.tomography.simulation.object_classes import COARSE_OF_PART, OBJECT_NAMES


def test_every_class_of_level_2_lies_within_one_of_level_1():
    assert len(COARSE_OF_PART) == len(Part)
    assert set(COARSE_OF_PART.tolist()) == set(Coarse)
    assert COARSE_OF_PART[Part.SPIKE] == Coarse.VIRION
    assert COARSE_OF_PART[Part.CARGO] == Coarse.VESICLE


def test_names_stand_at_their_labels():
    assert LEVEL_NAMES[0][Coarse.FILAMENT] == "filament"
    assert LEVEL_NAMES[1][Part.VIRION_MEMBRANE] == "virion membrane"


def test_every_object_of_a_specimen_has_a_name_that_is_known(small):
    assert set(small.particles.classes) <= set(OBJECT_NAMES)
