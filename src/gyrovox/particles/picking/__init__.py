"""Classic pickers, the grid that every picker reads, and how picks compare with the truth."""

from .difference_of_gaussians import (
    pick_by_difference_of_gaussians as pick_by_difference_of_gaussians,
)
from .picks_beside_truth import PickCounts as PickCounts
from .picks_beside_truth import above as above
from .picks_beside_truth import best_threshold as best_threshold
from .picks_beside_truth import counted_picks as counted_picks
from .template_matching import TemplateSearch as TemplateSearch
from .template_matching import pick_by_template as pick_by_template
from .tomogram_grid import Contrast as Contrast
