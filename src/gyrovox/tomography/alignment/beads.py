"""Fiducial alignment: gold beads found in every image, and followed from one to the next."""

from typing import final

import numpy as np
from jaxtyping import Float64
from scipy import spatial

from gyrovox.errors import AlignmentError
from gyrovox.progress import track
from gyrovox.tomography.gold import find_gold
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .bundle_adjustment import BundleAdjustment, adjust_bundle
from .coarse import outwards

_ROUNDS = 4
_REACH = 1.5  # diameters: how far from where it is expected a bead is looked for at first
_LEAST_VIEWS = 0.4  # of all images, in which a bead must be seen


def align_by_beads(
    series: TiltSeries, start: TiltGeometry, diameter_nm: float, *, quiet: bool = True
) -> BundleAdjustment:
    """Geometry from gold beads.

    Beads of the least tilted image are followed outwards, where the positions that they have shown
    so far foretell them; the bundle is adjusted, and beads are sought again where it foretells
    them, those of other images too.

    Args:
        series: Images, beads dark.
        start: Geometry to begin with, as `align_coarsely` finds it.
        diameter_nm: Of a bead.
        quiet: Show no progress.

    Returns:
        Geometry, positions of the beads, and residuals.

    Raises:
        AlignmentError: If fewer than 3 beads can be followed, or an image shows none.
        SettingsError: If a bead is less than 2 pixels wide.
    """
    diameter = diameter_nm / series.pixel_size_nm
    centre = np.array(series.images.shape[1:]) // 2
    # Of a bead that the edge cuts, the middle is not where it seems.
    whole_within = np.array(series.images.shape[1:]) / 2 - 0.75 * diameter
    fields = []
    for image in track(series.images, "beads", len(series), quiet=quiet, unit="images"):
        places = find_gold(image, diameter) - centre
        fields.append(_Field(places[(np.abs(places) < whole_within).all(axis=1)]))
    seen, geometry = _followed(fields, start, _REACH * diameter)
    adjusted = _adjusted(seen, geometry)
    for _ in range(_ROUNDS):
        spread = float(np.nanmedian(adjusted.residuals))
        reach = min(max(4 * spread, 0.4 * diameter), diameter)
        seen = _sought(fields, adjusted, reach)
        again = _adjusted(seen, adjusted.geometry)
        is_settled = again.landmarks.shape == adjusted.landmarks.shape and np.allclose(
            again.landmarks, adjusted.landmarks, atol=0.01
        )
        adjusted = again
        if is_settled:
            break
    return adjusted


def located_beads(
    found: list[Float64[np.ndarray, "_ 2"]], geometry: TiltGeometry, diameter: float
) -> Float64[np.ndarray, "beads 3"]:
    """Where in the specimen beads are that the images of an aligned series show.

    Args:
        found: Beads of each image, (v, u) in pixels from its centre.
        geometry: How each image was taken.
        diameter: Of a bead, in pixels.

    Returns:
        (z, y, x) in pixels from the specimen's centre, of beads that many images show.
    """
    fields = [_Field(places) for places in found]
    reach = 0.4 * diameter
    nothing = np.full((len(fields), 0, 2), np.nan)
    beads = _new_landmarks(fields, geometry, nothing, reach)
    seen = np.stack([
        field.nearest(places, reach)
        for field, places in zip(fields, geometry.project(beads), strict=True)
    ])
    return _located(seen - geometry.shifts[:, None], geometry.matrices(), beads)


@final
class _Field:
    """Beads of an image, and which of them is the nearest to a place."""

    def __init__(self, places: Float64[np.ndarray, "beads 2"]) -> None:
        self.places = places
        self._tree = spatial.cKDTree(places) if len(places) else None

    def nearest(
        self, wanted: Float64[np.ndarray, "landmarks 2"], reach: float
    ) -> Float64[np.ndarray, "landmarks 2"]:
        """For each place the nearest bead, NaN where none is within reach; no bead twice."""
        out = np.full(wanted.shape, np.nan)
        if self._tree is None:
            return out
        distance, which = self._tree.query(wanted, distance_upper_bound=reach)
        taken: set[int] = set()
        for row in np.argsort(distance, kind="stable"):
            if np.isfinite(distance[row]) and int(which[row]) not in taken:
                taken.add(int(which[row]))
                out[row] = self.places[which[row]]
        return out


def _followed(
    fields: list[_Field], start: TiltGeometry, reach: float
) -> tuple[Float64[np.ndarray, "tilts landmarks 2"], TiltGeometry]:
    """Beads of the least tilted image, followed outwards, and shifts that suit them."""
    pairs = outwards(start.tilt_degrees)
    first = pairs[0][0]
    matrices, shifts = start.matrices(), start.shifts.copy()
    count = len(fields[first].places)
    seen = np.full((len(fields), count, 2), np.nan)
    landmarks = np.zeros((count, 3))
    seen[first] = fields[first].places
    landmarks[:, 1:] = _on_middle_plane(seen[first] - shifts[first], matrices[first])
    for index, _ in pairs[1:]:
        expected = landmarks @ matrices[index].T
        shift = _best_shift(fields[index], expected, shifts[index], reach)
        places = fields[index].nearest(expected + shift, reach)
        shifts[index] = shift
        seen[index] = places
        landmarks = _located(seen - shifts[:, None], matrices, landmarks)
    geometry = TiltGeometry(
        tilt_degrees=start.tilt_degrees, axis_degrees=start.axis_degrees, shifts=shifts
    )
    return seen, geometry


def _on_middle_plane(
    fallen: Float64[np.ndarray, "landmarks 2"], matrix: Float64[np.ndarray, "2 3"]
) -> Float64[np.ndarray, "landmarks 2"]:
    """(y, x) of what lies at z = 0."""
    return fallen @ np.linalg.inv(matrix[:, 1:]).T


def _best_shift(
    field: _Field,
    expected: Float64[np.ndarray, "landmarks 2"],
    shift: Float64[np.ndarray, " 2"],
    reach: float,
) -> Float64[np.ndarray, " 2"]:
    """The shift near one that came under which most beads are where they are expected.

    Each pair of a bead and a place votes for a shift, and the shift with most votes within a
    quarter of the reach wins: a bead that is missing, or another one beside it, moves nothing.
    """
    if not len(field.places) or not len(expected):
        return shift
    votes = (field.places[:, None] - expected[None]).reshape(-1, 2)
    votes = votes[np.abs(votes - shift).max(axis=1) <= 2 * reach]
    if not len(votes):
        return shift
    near = np.linalg.norm(votes[:, None] - votes[None], axis=2) <= reach / 4
    best = near.sum(axis=1) - 1e-6 * np.linalg.norm(votes - shift, axis=1)
    middle: Float64[np.ndarray, " 2"] = votes[near[int(best.argmax())]].mean(axis=0)
    return middle


def _located(
    fallen: Float64[np.ndarray, "tilts landmarks 2"],
    matrices: Float64[np.ndarray, "tilts 2 3"],
    landmarks: Float64[np.ndarray, "landmarks 3"],
) -> Float64[np.ndarray, "landmarks 3"]:
    """Landmarks where the images so far show them; near the middle plane while these are few."""
    out = landmarks.copy()
    for number in range(len(landmarks)):
        images = np.flatnonzero(~np.isnan(fallen[:, number, 0]))
        if len(images) < 2:
            continue
        # Between two similar tilts, a small error is a large height: heights are held near 0.
        rows = np.concatenate([matrices[images].reshape(-1, 3), [[0.05, 0.0, 0.0]]])
        wanted = np.r_[fallen[images, number].ravel(), 0.0]
        out[number] = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return out


def _sought(
    fields: list[_Field], adjusted: BundleAdjustment, reach: float
) -> Float64[np.ndarray, "tilts landmarks 2"]:
    """Beads where the bundle foretells them, and new ones that no landmark foretells."""
    geometry, landmarks = adjusted.geometry, adjusted.landmarks
    seen = np.stack([
        field.nearest(places, reach)
        for field, places in zip(fields, geometry.project(landmarks), strict=True)
    ])
    new = _new_landmarks(fields, geometry, seen, reach)
    if not len(new):
        return seen
    more = np.stack([
        field.nearest(places, reach)
        for field, places in zip(fields, geometry.project(new), strict=True)
    ])
    return np.concatenate([seen, more], axis=1)


def _new_landmarks(
    fields: list[_Field],
    geometry: TiltGeometry,
    seen: Float64[np.ndarray, "tilts landmarks 2"],
    reach: float,
) -> Float64[np.ndarray, "new 3"]:
    """Beads of the image in the middle that no landmark has taken, at the height that most see."""
    first = outwards(geometry.tilt_degrees)[0][0]
    taken = {tuple(place) for place in seen[first] if not np.isnan(place[0])}
    free = np.array([place for place in fields[first].places if tuple(place) not in taken])
    if not len(free):
        return np.empty((0, 3))
    heights = np.arange(-40, 41) * reach
    matrix = geometry.matrices()[first]
    best, votes = np.zeros((len(free), 3)), np.zeros(len(free))
    for height in heights:
        points = np.full((len(free), 3), height)
        fallen = free - geometry.shifts[first] - height * matrix[:, 0]
        points[:, 1:] = _on_middle_plane(fallen, matrix)
        near = [
            ~np.isnan(field.nearest(places, reach)[:, 0])
            for field, places in zip(fields, geometry.project(points), strict=True)
        ]
        count = np.sum(near, axis=0)
        best[count > votes] = points[count > votes]
        votes = np.maximum(votes, count)
    return best[votes >= _LEAST_VIEWS * len(fields)]


def _adjusted(
    seen: Float64[np.ndarray, "tilts landmarks 2"], geometry: TiltGeometry
) -> BundleAdjustment:
    views = (~np.isnan(seen[..., 0])).sum(axis=0)
    kept = views >= max(3, _LEAST_VIEWS * len(seen))
    if kept.sum() < 3:
        raise AlignmentError(
            f"alignment by beads needs at least 3 that are seen in {100 * _LEAST_VIEWS:.0f} % of "
            f"the images, and has {kept.sum()}. Give their diameter with --gold, or use --method "
            f"patches."
        )
    return adjust_bundle(seen[:, kept], geometry)
