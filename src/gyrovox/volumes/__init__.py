"""What a volume is: voxels (channels, z, y, x), their size, their place in the world."""

from typing import TYPE_CHECKING

from gyrovox.volumes.agreement import SAME_SIZE_WITHIN as SAME_SIZE_WITHIN
from gyrovox.volumes.agreement import check_alike as check_alike
from gyrovox.volumes.mask import Mask as Mask
from gyrovox.volumes.mask import check_mask as check_mask
from gyrovox.volumes.mask import inside_of_mask as inside_of_mask
from gyrovox.volumes.mask import mask_of as mask_of
from gyrovox.volumes.mask_cells import MaskCells as MaskCells
from gyrovox.volumes.particle_table import ParticleTable as ParticleTable
from gyrovox.volumes.region import Region as Region
from gyrovox.volumes.source import ArraySink as ArraySink
from gyrovox.volumes.source import ArraySource as ArraySource
from gyrovox.volumes.source import InMemory as InMemory
from gyrovox.volumes.source import slabs as slabs
from gyrovox.volumes.statistics import Normalisation as Normalisation
from gyrovox.volumes.statistics import normalisation_of as normalisation_of
from gyrovox.volumes.validation import NanPolicy as NanPolicy
from gyrovox.volumes.volume import Volume as Volume
from gyrovox.volumes.volume import axis_aligned as axis_aligned
from gyrovox.volumes.volume import is_axis_aligned as is_axis_aligned

if TYPE_CHECKING:
    from gyrovox.volumes.cell_parts import CellRecipe as CellRecipe
    from gyrovox.volumes.phantom_cell import CellPhantom as CellPhantom
    from gyrovox.volumes.phantom_cell import cell_phantom as cell_phantom


def __getattr__(name: str) -> object:
    """The phantom, when it is asked for: its SciPy would double the time that `io` takes to load.

    Raises:
        AttributeError: If the package has no such name.
    """
    if name not in {"CellPhantom", "CellRecipe", "cell_phantom"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gyrovox.volumes import cell_parts, phantom_cell

    lazy: dict[str, object] = {
        "CellPhantom": phantom_cell.CellPhantom,
        "CellRecipe": cell_parts.CellRecipe,
        "cell_phantom": phantom_cell.cell_phantom,
    }
    return lazy[name]
