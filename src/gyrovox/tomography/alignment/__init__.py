"""How the images of a tilt series were taken, found from what they show."""

from .aligning import Alignment as Alignment
from .aligning import AlignmentMethod as AlignmentMethod
from .aligning import align as align
from .bundle_adjustment import BundleAdjustment as BundleAdjustment
from .bundle_adjustment import adjust_bundle as adjust_bundle
from .coarse import align_coarsely as align_coarsely
