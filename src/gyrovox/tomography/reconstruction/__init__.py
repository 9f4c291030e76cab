"""From an aligned tilt series to a tomogram."""

from .back_projection import smeared_rows as smeared_rows
from .back_projection import weighted_back_projection as weighted_back_projection
from .preparation import ImageStep as ImageStep
from .row_filters import RowFilter as RowFilter
from .simultaneous_iterations import SirtTomogram as SirtTomogram
from .simultaneous_iterations import sirt as sirt
from .simultaneous_iterations import write_sirt as write_sirt
