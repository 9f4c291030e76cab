"""From an aligned tilt series to a tomogram."""

from .row_filters import RowFilter as RowFilter
from .weighted_back_projection import weighted_back_projection as weighted_back_projection
