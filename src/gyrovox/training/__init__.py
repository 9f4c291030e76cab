"""The training loop and the steps that it takes."""

from .dense_step import DenseStep as DenseStep
from .loop import TrainingRecord as TrainingRecord
from .loop import train as train
from .patch_step import PatchStep as PatchStep
from .step import Step as Step
from .step import StepLoss as StepLoss
