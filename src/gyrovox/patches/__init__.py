"""How a volume becomes patches: normalisation, cubic voxels, scales, triplets."""

from gyrovox.patches.texture import cartoon_and_texture as cartoon_and_texture
from gyrovox.patches.texture import noise_scale as noise_scale

from .interpolation import Excerpt as Excerpt
from .normalisation import normalise as normalise
from .scale_pyramid import scale_pyramid as scale_pyramid
from .scale_pyramid import scale_weights as scale_weights
from .scale_pyramid import sliding_mean as sliding_mean
from .tiling import SIDE as SIDE
from .tiling import WHOLE as WHOLE
from .tiling import lattice as lattice
from .tiling import pieces as pieces
from .tiling import tiles as tiles
from .triplets import Cubes as Cubes
from .triplets import Triplets as Triplets
from .triplets import TripletSizes as TripletSizes
from .triplets import resize_cubes as resize_cubes
from .triplets import sample_triplets as sample_triplets
from .working_grid import WorkingGrid as WorkingGrid
