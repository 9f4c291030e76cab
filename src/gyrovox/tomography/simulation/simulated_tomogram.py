"""The whole way: a specimen, its tilt series, and the tomogram that comes of them."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float32

from gyrovox.settings.simulation import ImagingRecipe, SpecimenRecipe

from ..reconstruction import weighted_back_projection
from ..tilt_geometry import TiltGeometry
from ..tilt_series import TiltSeries
from .imaging import make_tilt_series
from .specimen import Specimen, make_specimen


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedTomogram:
    """A tomogram whose specimen is known.

    Args:
        tomogram: Reconstruction, shape (z, y, x); dense matter is dark.
        specimen: What it is of, on the same voxels.
        series: The tilt series, with its nominal geometry.
        geometry: The true geometry of its images.
    """

    tomogram: Float32[np.ndarray, "z y x"]
    specimen: Specimen
    series: TiltSeries
    geometry: TiltGeometry


def simulated_tomogram(
    seed: int,
    recipe: SpecimenRecipe | None = None,
    imaging: ImagingRecipe | None = None,
    *,
    where: torch.device | None = None,
) -> SimulatedTomogram:
    """A tomogram of a specimen, by weighted back-projection of images whose geometry is known.

    Args:
        seed: Not negative; of the specimen and of its images.
        recipe: What the specimen holds; None for the default.
        imaging: How it is imaged; None for the default.
        where: The device to compute on; the CPU by default.

    Returns:
        The tomogram with all that it came from, the same for the same arguments.

    Raises:
        SettingsError: If the seed is negative, or virions or their spikes do not fit.
        MissingFileError: If the recipe's templates are not there.
        VolumeError: If one of them cannot be worked with.
    """
    specimen = make_specimen(seed, recipe)
    series, true = make_tilt_series(seed, specimen, imaging, where=where)
    return SimulatedTomogram(
        tomogram=reconstructed(series, true, specimen, where=where),
        specimen=specimen,
        series=series,
        geometry=true,
    )


def reconstructed(
    series: TiltSeries,
    true: TiltGeometry,
    specimen: Specimen,
    *,
    where: torch.device | None = None,
) -> Float32[np.ndarray, "z y x"]:
    """The tomogram of a tilt series, on the voxels of its specimen.

    Args:
        series: Images of the specimen.
        true: Their geometry.
        specimen: Whose shape the tomogram takes.
        where: The device to compute on; the CPU by default.

    Returns:
        Shape (z, y, x); dense matter is dark.
    """
    depth, height, width = specimen.density.shape
    aligned = replace(series, geometry=true)
    return weighted_back_projection(
        aligned, (depth, height, width), thickness=float(depth), where=where
    )
