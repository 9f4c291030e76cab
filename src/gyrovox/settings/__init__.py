"""Settings and named configurations; loads no torch."""

from .configuration import CATALOGUE as CATALOGUE
from .configuration import Configuration as Configuration
from .configuration import ConfigurationName as ConfigurationName
from .configuration import configuration as configuration
from .model import FirstLayer as FirstLayer
from .model import ModelSettings as ModelSettings
from .pictures import PictureFormat as PictureFormat
from .pictures import PictureName as PictureName
from .plain_values import from_plain_values as from_plain_values
from .plain_values import plain_values as plain_values
from .segmentation import MOST_REGIONS as MOST_REGIONS
from .segmentation import Clustering as Clustering
from .segmentation import SegmentationSettings as SegmentationSettings
from .training import Precision as Precision
from .training import ScaleSampling as ScaleSampling
from .training import TrainingSettings as TrainingSettings
