"""Runs that go through a volume of any size, tile by tile, and survive."""

from .cleaning_run import cleaned_labels as cleaned_labels
from .cost_model import Costs as Costs
from .cost_model import Machine as Machine
from .cost_model import Plan as Plan
from .cost_model import planned as planned
from .embedding import EmbeddingRun as EmbeddingRun
from .embedding import stated_error as stated_error
from .inputs import ModelFile as ModelFile
from .inputs import VolumeFile as VolumeFile
from .inputs import stamps as stamps
from .kept_normalisation import kept_normalisation as kept_normalisation
from .kmeans_run import kmeans_classes as kmeans_classes
from .looked_up import LookedUp as LookedUp
from .measured_costs import Trial as Trial
from .measured_costs import machine_at as machine_at
from .measured_costs import measured_costs as measured_costs
from .run_folder import opened_run as opened_run
from .run_folder import put_in_place as put_in_place
from .run_folder import run_folder as run_folder
from .tile_job import TileJob as TileJob
from .tree_run import build_trunk as build_trunk
from .tree_run import tile_labels as tile_labels
from .workplace import Workplace as Workplace
