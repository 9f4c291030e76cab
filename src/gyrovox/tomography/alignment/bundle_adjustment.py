"""Bundle adjustment: the geometry that explains best where landmarks were seen."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float64
from scipy import optimize

from gyrovox.errors import AlignmentError
from gyrovox.tomography.tilt_geometry import TiltGeometry

_AXIS_SPREAD_DEGREES = 1.0  # of single images around the axis of all
_TILT_SPREAD_DEGREES = 0.2  # of the stage around its nominal tilts
_ROBUST_PIXELS = 0.7  # residuals beyond it count less
_OUTLIER_PIXELS = 1.5
_OUTLIER_DEVIATIONS = 4.0
_HOLD = 1e-3  # of shifts: the specimen could be anywhere
_ROUNDS = 3
_OWN_ANGLES_FROM = 6  # landmarks in an image


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class BundleAdjustment:
    """What bundle adjustment found.

    Args:
        geometry: How each image was taken.
        landmarks: Where they are in the specimen, (z, y, x) in pixels from its centre.
        residuals: How far each was seen from where it should be, in pixels, shape (tilts,
            landmarks); NaN where it was not seen, or not believed.
    """

    geometry: TiltGeometry
    landmarks: Float64[np.ndarray, "landmarks 3"]
    residuals: Float64[np.ndarray, "tilts landmarks"]


def adjust_bundle(
    seen: Float64[np.ndarray, "tilts landmarks 2"],
    geometry: TiltGeometry,
    *,
    own_angles: bool = True,
) -> BundleAdjustment:
    """Positions of landmarks, and shift, axis and tilt of every image, that fit what was seen.

    The sum of squared distances is least, those beyond a pixel counting less; what is far off is
    left out, and the rest is fitted again. The axis of an image is held near that of all, its tilt
    near the nominal one. The specimen as a whole could be elsewhere with all shifts changed: it is
    put where these are least.

    Args:
        seen: Where each landmark was seen in each image, (v, u) in pixels from the image's centre;
            NaN where it was not. Each must have been seen in 3 images, and each image must show
            one.
        geometry: Where to begin: nominal tilts, an approximate axis.
        own_angles: Whether each image that shows enough has an axis and a tilt of its own, which
            only landmarks that are seen sharply can tell.

    Returns:
        Geometry, landmarks and residuals.

    Raises:
        AlignmentError: If there are fewer than 3 landmarks, or one is seen in fewer than 3 images,
            or an image shows none.

    Source:
        Lawrence et al. (2006), J. Struct. Biol. 154:144; Triggs et al. (2000), Bundle adjustment.
    """
    believed = ~np.isnan(seen).any(axis=2)
    _check(believed)
    problem = _Problem(seen, geometry)
    values = problem.start(believed)
    for _ in range(_ROUNDS):
        values = problem.solved(values, believed, own_angles=own_angles)
        distance = problem.distances(values)
        limit = max(_OUTLIER_PIXELS, _OUTLIER_DEVIATIONS * np.median(distance[believed]))
        kept = believed & (distance <= limit)
        # What would leave an image or a landmark with too little stays.
        kept |= believed & ((kept.sum(axis=1) < 1)[:, None] | (kept.sum(axis=0) < 3))
        if (kept == believed).all():
            break
        believed = kept
    found, landmarks = problem.unpacked(values)
    found, landmarks = _settled(found, landmarks)
    residuals = np.where(believed, problem.distances(values), np.nan)
    return BundleAdjustment(geometry=found, landmarks=landmarks, residuals=residuals)


def _check(believed: Bool[np.ndarray, "tilts landmarks"]) -> None:
    views, shown = believed.sum(axis=0), believed.sum(axis=1)
    if believed.shape[1] < 3:
        raise AlignmentError(
            f"alignment needs at least 3 landmarks, and has {believed.shape[1]}. Use --method "
            f"patches, or coarse."
        )
    if views.min() < 3:
        raise AlignmentError(
            f"each landmark must be seen in at least 3 images, and one was in {views.min()}."
        )
    if shown.min() < 1:
        raise AlignmentError(
            f"each image must show a landmark, and image {shown.argmin()} shows none. Leave it out "
            f"of the series, or use --method patches."
        )


@final
class _Problem:
    """Unknowns in one vector: landmarks, shifts, the axis of all, and each image's own angles."""

    def __init__(
        self, seen: Float64[np.ndarray, "tilts landmarks 2"], geometry: TiltGeometry
    ) -> None:
        self._seen = seen
        self._geometry = geometry
        self._tilts, self._landmarks = seen.shape[:2]

    def start(self, believed: Bool[np.ndarray, "tilts landmarks"]) -> Float64[np.ndarray, " n"]:
        """The geometry that came, with the landmarks that suit it best."""
        matrices = self._geometry.matrices()
        landmarks = np.zeros((self._landmarks, 3))
        for number in range(self._landmarks):
            images = np.flatnonzero(believed[:, number])
            wanted = self._seen[images, number] - self._geometry.shifts[images]
            landmarks[number] = np.linalg.lstsq(
                matrices[images].reshape(-1, 3), wanted.reshape(-1), rcond=None
            )[0]
        own = np.zeros(2 * self._tilts)
        return np.concatenate([landmarks.ravel(), self._geometry.shifts.ravel(), [0.0], own])

    def unpacked(
        self, values: Float64[np.ndarray, " n"]
    ) -> tuple[TiltGeometry, Float64[np.ndarray, "landmarks 3"]]:
        landmarks, shifts, axis, own_axis, own_tilt = self._parts(values)
        geometry = TiltGeometry(
            tilt_degrees=self._geometry.tilt_degrees + own_tilt,
            axis_degrees=self._geometry.axis_degrees + axis + own_axis,
            shifts=shifts,
        )
        return geometry, landmarks

    def distances(
        self, values: Float64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "tilts landmarks"]:
        """How far each landmark was seen from where it should be; 0 where it was not seen."""
        geometry, landmarks = self.unpacked(values)
        away: Float64[np.ndarray, "tilts landmarks"] = np.linalg.norm(
            np.nan_to_num(geometry.project(landmarks) - self._seen), axis=2
        )
        return away

    def solved(
        self,
        values: Float64[np.ndarray, " n"],
        believed: Bool[np.ndarray, "tilts landmarks"],
        *,
        own_angles: bool,
    ) -> Float64[np.ndarray, " n"]:
        # An image with few landmarks would turn to fit their noise.
        free = np.tile(own_angles & (believed.sum(axis=1) >= _OWN_ANGLES_FROM), 2)
        known = np.r_[np.ones(values.size - free.size, bool), free]

        def whole(part: Float64[np.ndarray, " part"]) -> Float64[np.ndarray, " n"]:
            out = np.zeros_like(values)
            out[known] = part
            return out

        def residuals(part: Float64[np.ndarray, " part"]) -> Float64[np.ndarray, " residuals"]:
            geometry, landmarks = self.unpacked(whole(part))
            _, _, _, own_axis, own_tilt = self._parts(whole(part))
            away = (geometry.project(landmarks) - self._seen)[believed]
            held = own_axis / _AXIS_SPREAD_DEGREES, own_tilt / _TILT_SPREAD_DEGREES
            return np.concatenate([away.ravel(), *held, geometry.shifts.ravel() * _HOLD])

        def slopes(part: Float64[np.ndarray, " part"]) -> Float64[np.ndarray, "residuals part"]:
            return self._slopes(whole(part), believed)[:, known]

        found = optimize.least_squares(
            residuals,
            values[known],
            slopes,
            loss="soft_l1",
            f_scale=_ROBUST_PIXELS,
            x_scale="jac",
        )
        return whole(found.x)

    def _slopes(
        self, values: Float64[np.ndarray, " n"], believed: Bool[np.ndarray, "tilts landmarks"]
    ) -> Float64[np.ndarray, "residuals n"]:
        """How each residual changes with each unknown, angles in degrees."""
        geometry, landmarks = self.unpacked(values)
        image, number = np.nonzero(believed)
        count, tilts = len(image), self._tilts
        row = np.arange(count)
        degree = np.pi / 180
        fallen = geometry.project(landmarks)[image, number] - geometry.shifts[image]
        turning = degree * np.stack([-fallen[:, 1], fallen[:, 0]], axis=1)
        tilt, axis = (
            degree * angles[image] for angles in (geometry.tilt_degrees, geometry.axis_degrees)
        )
        point = landmarks[number]
        across = point[:, 0] * np.cos(tilt) - point[:, 2] * np.sin(tilt)
        tilting = degree * across[:, None] * np.stack([-np.sin(axis), np.cos(axis)], axis=1)
        out = np.zeros((count, 2, values.size))
        first = 3 * self._landmarks
        for part in range(3):
            out[row, :, 3 * number + part] = geometry.matrices()[image, :, part]
        for part in range(2):
            out[row, part, first + 2 * image + part] = 1
        own = first + 2 * tilts + 1
        out[row, :, own - 1] = out[row, :, own + image] = turning
        out[row, :, own + tilts + image] = tilting
        held = np.zeros((2 * tilts, values.size))
        spread = np.repeat([_AXIS_SPREAD_DEGREES, _TILT_SPREAD_DEGREES], tilts)
        held[np.arange(2 * tilts), own + np.arange(2 * tilts)] = 1 / spread
        shifts = np.zeros((2 * tilts, values.size))
        shifts[np.arange(2 * tilts), first + np.arange(2 * tilts)] = _HOLD
        return np.concatenate([out.reshape(2 * count, -1), held, shifts])

    def _parts(
        self, values: Float64[np.ndarray, " n"]
    ) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, np.ndarray]:
        tilts, landmarks = self._tilts, self._landmarks
        ends = np.cumsum([3 * landmarks, 2 * tilts, 1, tilts])
        first, shifts, axis, own_axis, own_tilt = np.split(values, ends)
        return first.reshape(-1, 3), shifts.reshape(-1, 2), float(axis[0]), own_axis, own_tilt


def _settled(
    geometry: TiltGeometry, landmarks: Float64[np.ndarray, "landmarks 3"]
) -> tuple[TiltGeometry, Float64[np.ndarray, "landmarks 3"]]:
    """The same, with the specimen where shifts are least."""
    matrices = geometry.matrices()
    moved, *_ = np.linalg.lstsq(matrices.reshape(-1, 3), geometry.shifts.reshape(-1), rcond=None)
    rest = geometry.shifts - matrices @ moved
    settled = TiltGeometry(
        tilt_degrees=geometry.tilt_degrees, axis_degrees=geometry.axis_degrees, shifts=rest
    )
    return settled, landmarks + moved
