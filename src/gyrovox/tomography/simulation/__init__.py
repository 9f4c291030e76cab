"""Specimens whose every voxel is known, and what a microscope makes of them."""

from gyrovox.settings.simulation import ImagingRecipe as ImagingRecipe
from gyrovox.settings.simulation import SpecimenRecipe as SpecimenRecipe

from .imaging import make_tilt_series as make_tilt_series
from .object_classes import LEVEL_NAMES as LEVEL_NAMES
from .object_classes import Coarse as Coarse
from .object_classes import Part as Part
from .simulated_tomogram import SimulatedTomogram as SimulatedTomogram
from .simulated_tomogram import simulated_tomogram as simulated_tomogram
from .specimen import Specimen as Specimen
from .specimen import make_specimen as make_specimen
