"""Settings and named configurations; loads no torch."""

from .configuration import CATALOGUE as CATALOGUE
from .configuration import Configuration as Configuration
from .configuration import ConfigurationName as ConfigurationName
from .configuration import configuration as configuration
from .model import ModelSettings as ModelSettings
from .training import ScaleSampling as ScaleSampling
from .training import TrainingSettings as TrainingSettings
