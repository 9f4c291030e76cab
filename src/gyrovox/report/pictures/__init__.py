"""Pictures of a finished segmentation: functions that return figures, and files of them."""

from .code_source import CodeSource as CodeSource
from .code_source import code_source as code_source
from .components import components as components
from .components import write_components as write_components
from .curves import curves as curves
from .disk import disk as disk
from .gallery import Gallery as Gallery
from .level import Level as Level
from .level import level as level
from .level import shown_level as shown_level
from .look import save as save
from .patches import patches as patches
from .projection import projection as projection
from .reconstructions import reconstructions as reconstructions
from .reliability import reliability as reliability
from .reliability import reliability_table as reliability_table
from .reliability import write_reliability as write_reliability
from .slices import slices as slices
from .surfaces import surfaces as surfaces
from .surfaces import write_surfaces as write_surfaces
from .voxel_codes import VoxelCodes as VoxelCodes
from .voxel_codes import voxel_codes as voxel_codes
