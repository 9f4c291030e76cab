"""The training loop, the steps that it takes, and how a run survives and is shared."""

from .crops import check_fits as check_fits
from .crops import check_size as check_size
from .crops import training_boxes as training_boxes
from .dense_step import DenseStep as DenseStep
from .distributed import ProcessGroup as ProcessGroup
from .distributed import current_group as current_group
from .distributed import own_device as own_device
from .distributed import process_group as process_group
from .loop import never as never
from .loop import train as train
from .loss_curves import LossCurves as LossCurves
from .loss_curves import stored_curves as stored_curves
from .patch_step import PatchStep as PatchStep
from .state import TrainingRecord as TrainingRecord
from .step import Step as Step
from .step import StepLoss as StepLoss
