"""The particle detector: a RetinaNet in three dimensions."""

from .builtin import virion_detector as virion_detector
from .calibration import calibrated as calibrated
from .examples import Example as Example
from .examples import example_of as example_of
from .particle_detector import ParticleDetector as ParticleDetector
from .settings import DetectorSettings as DetectorSettings
from .training import DetectorRecord as DetectorRecord
from .training import DetectorTraining as DetectorTraining
from .training import train_detector as train_detector
