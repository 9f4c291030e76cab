"""Alignment of a tilt series: coarse, by gold beads, or by patches."""

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import AlignmentError, SettingsError
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .beads import align_by_beads
from .bundle_adjustment import BundleAdjustment
from .coarse import align_coarsely
from .patches import align_by_patches

AlignmentMethod = Literal["auto", "fiducial", "patches", "coarse"]
"""How a series is aligned; ``auto`` takes beads where there are enough, else patches."""

_ENOUGH_BEADS = 4


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Alignment:
    """How the images of a series were taken, and how well that fits what they show.

    Args:
        series: The images with the geometry that was found.
        method: ``fiducial``, ``patches`` or ``coarse``.
        landmarks: Beads or patches, (z, y, x) in pixels from the specimen's centre; none where
            images were only compared with their neighbours.
        residuals: How far each was seen from where it should be, in pixels, shape (tilts,
            landmarks); NaN where it was not seen.
    """

    series: TiltSeries
    method: Literal["fiducial", "patches", "coarse"]
    landmarks: Float64[np.ndarray, "landmarks 3"]
    residuals: Float64[np.ndarray, "tilts landmarks"]

    @property
    def mean_residual(self) -> float | None:
        """Mean residual of all that was seen, in pixels; None without landmarks."""
        return float(np.nanmean(self.residuals)) if self.residuals.size else None

    @property
    def max_residual(self) -> float | None:
        """Largest residual, in pixels; None without landmarks."""
        return float(np.nanmax(self.residuals)) if self.residuals.size else None


def align(
    series: TiltSeries,
    *,
    method: AlignmentMethod = "auto",
    gold_diameter_nm: float = 10.0,
    quiet: bool = True,
) -> Alignment:
    """Find how the images of a tilt series were taken.

    Args:
        series: Images, with their nominal tilts and the angle of the tilt axis within some degrees.
        method: By what.
        gold_diameter_nm: Diameter of beads.
        quiet: Show no progress.

    Returns:
        The geometry, with residuals.

    Raises:
        AlignmentError: If there are fewer than 3 images, or too few landmarks.
        SettingsError: If there is no such method, or a bead is less than 2 pixels wide.
    """
    if method not in {"auto", "fiducial", "patches", "coarse"}:
        raise SettingsError(
            f"method must be 'auto', 'fiducial', 'patches' or 'coarse', got {method!r}."
        )
    if len(series) < 3:
        raise AlignmentError(f"alignment needs at least 3 images, and has {len(series)}.")
    start = align_coarsely(series, quiet=quiet)
    if method == "coarse":
        return _coarse(series, start)
    if method == "patches":
        return _of(series, "patches", align_by_patches(series, start, quiet=quiet))
    if method == "fiducial":
        beads = align_by_beads(series, start, gold_diameter_nm, quiet=quiet)
        return _of(series, "fiducial", beads)
    try:
        beads = align_by_beads(series, start, gold_diameter_nm, quiet=quiet)
    except (AlignmentError, SettingsError):  # too few of them, or too small to be seen
        return _of(series, "patches", align_by_patches(series, start, quiet=quiet))
    if len(beads.landmarks) < _ENOUGH_BEADS:
        return _of(series, "patches", align_by_patches(series, start, quiet=quiet))
    return _of(series, "fiducial", beads)


def _of(
    series: TiltSeries, method: Literal["fiducial", "patches"], found: BundleAdjustment
) -> Alignment:
    return Alignment(
        series=replace(series, geometry=found.geometry),
        method=method,
        landmarks=found.landmarks,
        residuals=found.residuals,
    )


def _coarse(series: TiltSeries, geometry: TiltGeometry) -> Alignment:
    return Alignment(
        series=replace(series, geometry=geometry),
        method="coarse",
        landmarks=np.empty((0, 3)),
        residuals=np.empty((len(series), 0)),
    )
