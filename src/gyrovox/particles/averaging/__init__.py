"""Sub-volume averaging: from particles in a tomogram to their structure."""

from gyrovox.settings.averaging import AveragingRecipe as AveragingRecipe

from .averager import Average as Average
from .averager import Averager as Averager
from .averaging_state import AveragingState as AveragingState
from .map_filters import GOLD_STANDARD as GOLD_STANDARD
from .map_filters import resolved_frequency as resolved_frequency
