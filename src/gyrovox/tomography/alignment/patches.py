"""Alignment without beads: patches of the specimen, followed through the images."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from gyrovox.tomography.binning import binned, unbinned
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .bundle_adjustment import BundleAdjustment, adjust_bundle
from .coarse import outwards, plane_to_detector, stretched
from .correlation import measured_shift
from .matching import match_projections
from .reprojection import reprojections

_PATCHES = 5  # along each side of an image, overlapping
_SHARE = 0.4  # of an image's side
_FARTHEST = 0.15  # of a patch's side: how far it may lie from where it is expected
_WIDEST = 192  # pixels; larger images are binned, as high frequencies tell nothing here
_ROUNDS = 2


def align_by_patches(
    series: TiltSeries, start: TiltGeometry, *, depth: int | None = None, quiet: bool = True
) -> BundleAdjustment:
    """Geometry from patches of the specimen.

    Images are matched with projections of the tomogram that the others make. Then the specimen is
    cut into patches that overlap, each is sought where it is expected in every image, and the
    bundle of all their ways is adjusted, twice.

    Args:
        series: Images.
        start: Geometry to begin with, as `align_coarsely` finds it.
        depth: Thickness of the specimen in pixels; half the width of an image by default.
        quiet: Show no progress.

    Returns:
        Geometry, positions of the patches, and residuals, in pixels of the series.

    Raises:
        AlignmentError: If too few patches stay in sight.
    """
    height, width = series.images.shape[1:]
    factor = max(1, -(-max(height, width) // _WIDEST))
    small = binned(replace(series, geometry=start), factor)
    depth = max(1, (width // 2 if depth is None else depth) // factor)
    geometry = match_projections(small, depth, quiet=quiet)
    landmarks = _grid(small, geometry)
    for turn in range(_ROUNDS):
        now = replace(small, geometry=geometry)
        seen = _seen(now, landmarks, depth, f"patches {turn + 1}", quiet=quiet)
        kept = (~np.isnan(seen[..., 0])).sum(axis=0) >= 3
        adjusted = adjust_bundle(seen[:, kept], geometry, own_angles=False)
        geometry, landmarks = adjusted.geometry, adjusted.landmarks
    return BundleAdjustment(
        geometry=unbinned(geometry, factor, (height, width)),
        landmarks=landmarks * factor,
        residuals=adjusted.residuals * factor,
    )


def _patch_shape(series: TiltSeries) -> tuple[int, int]:
    height, width = series.images.shape[1:]
    return round(_SHARE * height), round(_SHARE * width)


def _grid(series: TiltSeries, geometry: TiltGeometry) -> Float64[np.ndarray, "landmarks 3"]:
    """Middles of patches on the specimen's middle plane, as the least tilted image shows them."""
    first = outwards(geometry.tilt_degrees)[0][0]
    axes = [
        np.linspace(-0.5, 0.5, _PATCHES) * (side - size)
        for side, size in zip(series.images.shape[1:], _patch_shape(series), strict=True)
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    back = np.linalg.inv(plane_to_detector(geometry, first))
    return np.pad((places - geometry.shifts[first]) @ back.T, ((0, 0), (1, 0)))


def _seen(
    series: TiltSeries,
    landmarks: Float64[np.ndarray, "landmarks 3"],
    depth: int,
    description: str,
    *,
    quiet: bool,
) -> Float64[np.ndarray, "tilts landmarks 2"]:
    """Where each patch is in each image, NaN where it is out of sight."""
    expected = reprojections(series, depth, description=description, quiet=quiet)
    places = series.geometry.project(landmarks)
    shape = _patch_shape(series)
    half = np.array(series.images.shape[1:]) / 2
    in_sight = (np.abs(places) <= half - np.array(shape) / 4).all(axis=2)
    seen = np.full_like(places, np.nan)
    for index, number in np.argwhere(in_sight).tolist():
        place = places[index, number]
        patch, wanted = (
            stretched(
                pixels,
                series.geometry,
                index,
                index,
                shape=shape,
                centre=np.zeros(2),
                shift=place,
            )
            for pixels in (series.images[index], expected[index])
        )
        moved, _ = measured_shift(patch, wanted, farthest=_FARTHEST * min(shape))
        seen[index, number] = place + moved
    return seen
