"""From an aligned tilt series to a tomogram."""

from .preparation import ImageStep as ImageStep
from .row_filters import RowFilter as RowFilter
from .sirt import SirtTomogram as SirtTomogram
from .sirt import sirt as sirt
from .sirt import write_sirt as write_sirt
from .weighted_back_projection import smeared_rows as smeared_rows
from .weighted_back_projection import weighted_back_projection as weighted_back_projection
