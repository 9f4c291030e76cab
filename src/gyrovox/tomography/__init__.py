"""From a specimen to its tilt series, and from a tilt series to a tomogram."""

from .projection import backproject as backproject
from .projection import project as project
from .tilt_geometry import TiltGeometry as TiltGeometry
from .tilt_series import TiltSeries as TiltSeries
