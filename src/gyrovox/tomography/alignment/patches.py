"""Alignment without beads: patches of the specimen, followed from image to image."""

import numpy as np
from jaxtyping import Float64

from gyrovox.progress import track
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .bundle_adjustment import BundleAdjustment, adjust_bundle
from .coarse import outwards, plane_to_detector, stretched
from .correlation import measured_shift

_PATCHES = 5  # along each side of an image, overlapping
_SHARE = 0.4  # of an image's side
_FARTHEST = 0.15  # of a patch's side: how far it may move between two images
_REFERENCES = 3  # images before, whose mean a patch is compared with
_ROUNDS = 2


def align_by_patches(
    series: TiltSeries, start: TiltGeometry, *, quiet: bool = True
) -> BundleAdjustment:
    """Geometry from patches of the specimen.

    The least tilted image is cut into a grid of patches that overlap. Each is followed outwards: it
    is compared with the mean of the images before, stretched to its tilt. The bundle of all their
    ways is adjusted, and they are followed once more from where it foretells them.

    Args:
        series: Images.
        start: Geometry to begin with, as `align_coarsely` finds it.
        quiet: Show no progress.

    Returns:
        Geometry, positions of the patches, and residuals.

    Raises:
        AlignmentError: If too few patches stay in sight.
    """
    height, width = series.images.shape[1:]
    shape = (round(_SHARE * height), round(_SHARE * width))
    adjusted, geometry = None, start
    landmarks = _grid(geometry, (height, width), shape)
    for turn in range(_ROUNDS):
        seen = _followed(series, geometry, landmarks, shape, f"patches {turn + 1}", quiet=quiet)
        kept = (~np.isnan(seen[..., 0])).sum(axis=0) >= 3
        adjusted = adjust_bundle(seen[:, kept], geometry, own_angles=False)
        geometry, landmarks = adjusted.geometry, adjusted.landmarks
    assert adjusted is not None  # there is at least one round
    return adjusted


def _grid(
    geometry: TiltGeometry, image: tuple[int, int], patch: tuple[int, int]
) -> Float64[np.ndarray, "landmarks 3"]:
    """Middles of patches on the specimen's middle plane, as the least tilted image shows them."""
    first = outwards(geometry.tilt_degrees)[0][0]
    axes = [
        np.linspace(-0.5, 0.5, _PATCHES) * (side - size)
        for side, size in zip(image, patch, strict=True)
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    back = np.linalg.inv(plane_to_detector(geometry, first))
    return np.pad((places - geometry.shifts[first]) @ back.T, ((0, 0), (1, 0)))


def _followed(
    series: TiltSeries,
    geometry: TiltGeometry,
    landmarks: Float64[np.ndarray, "landmarks 3"],
    shape: tuple[int, int],
    description: str,
    *,
    quiet: bool,
) -> Float64[np.ndarray, "tilts landmarks 2"]:
    """Where each patch is in each image, NaN where it is out of sight."""
    expected = geometry.project(landmarks)
    seen = np.full_like(expected, np.nan)
    pairs = outwards(geometry.tilt_degrees)
    first = pairs[0][0]
    seen[first] = expected[first]
    half = np.array(series.images.shape[1:]) / 2
    before: dict[int, list[int]] = {first: []}
    for index, neighbour in track(
        pairs[1:], description, len(pairs) - 1, quiet=quiet, unit="images"
    ):
        before[index] = [neighbour, *before[neighbour]][:_REFERENCES]
        for number in range(len(landmarks)):
            # The neighbour's error is its next image's expectation: a way is one piece.
            drift = seen[neighbour, number] - expected[neighbour, number]
            wanted = expected[index, number] + np.nan_to_num(drift)
            if (np.abs(wanted) > half - np.array(shape) / 4).any():
                continue
            seen[index, number] = _found(series, geometry, (index, number), wanted, seen, before)
    return seen


def _found(
    series: TiltSeries,
    geometry: TiltGeometry,
    which: tuple[int, int],
    wanted: Float64[np.ndarray, " 2"],
    seen: Float64[np.ndarray, "tilts landmarks 2"],
    before: dict[int, list[int]],
) -> Float64[np.ndarray, " 2"]:
    """Where a patch is in an image, given where it was in those before."""
    index, number = which
    sides = [round(_SHARE * side) for side in series.images.shape[1:]]
    shape = (sides[0], sides[1])
    nothing = np.zeros(2)
    references = [
        stretched(
            series.images[other],
            geometry,
            other,
            index,
            shape=shape,
            centre=nothing,
            shift=seen[other, number],
        )
        for other in before[index]
        if not np.isnan(seen[other, number, 0])
    ]
    if not references:
        return np.full(2, np.nan)
    patch = stretched(
        series.images[index], geometry, index, index, shape=shape, centre=nothing, shift=wanted
    )
    moved, _ = measured_shift(patch, np.mean(references, axis=0), farthest=_FARTHEST * min(shape))
    return wanted + moved
