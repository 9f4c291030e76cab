r"""Geodesics of the Poincaré disk as arcs of circles, for whatever draws them.

The disk is the unit disk, of curvature −1: points of another curvature κ are scaled by √−κ first.
Its geodesics are the circles, and the lines, that meet the unit circle at right angles.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float64

_STRAIGHT = 1e-9  # a circle of which this is the curvature is a line to any eye
_REACH = 12.0  # hyperbolic length of each half of a bisector that is followed: 1e-5 off the circle


@final
@dataclass(frozen=True)
class GeodesicArc:
    """A piece of a geodesic, from one point to another.

    Args:
        start: Where it begins, (x, y).
        end: Where it ends, (x, y).
        centre: Middle of the circle that it lies on; None for a straight piece.
        radius: Radius of that circle; infinite for a straight piece.
        sweep: Angle about the centre from start to end, in radians, positive where it runs
            against the clock (x to the right, y up); less than π in size, and 0 for a straight
            piece.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    centre: tuple[float, float] | None
    radius: float
    sweep: float

    def points(self, count: int = 33) -> Float64[np.ndarray, "count 2"]:
        """Points along the piece, both ends included, shape ``(count, 2)``."""
        share = np.linspace(0.0, 1.0, count)[:, np.newaxis]
        start, end = np.array(self.start), np.array(self.end)
        if self.centre is None:
            return np.asarray(start + share * (end - start))
        middle = np.array(self.centre)
        first = math.atan2(*(start - middle)[::-1])
        angles = first + share[:, 0] * self.sweep
        found = middle + self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        # A large circle has lost digits of its ends.
        found[0], found[-1] = start, end
        return found


def geodesic_arc(start: tuple[float, float], end: tuple[float, float]) -> GeodesicArc:
    r"""The geodesic between two points of the closed unit disk.

    .. math::
        c \cdot x = \frac{1 + ‖x‖^2}{2} \;\text{for both ends}\; x, \qquad r^2 = ‖c‖^2 - 1

    Args:
        start: Where it begins, (x, y); on the unit circle for an ideal point.
        end: Where it ends, (x, y).

    Returns:
        The piece of a circle, or of a line where both lie on one through the origin.

    Raises:
        ValueError: If a point lies outside the disk.

    Source:
        Cannon et al. (1997), *Hyperbolic geometry*, section 7: the circles orthogonal to the unit
        circle. https://library.slmath.org/books/Book31/files/cannon.pdf
    """
    for x, y in (start, end):
        if not math.hypot(x, y) <= 1 + 1e-9:
            raise ValueError(f"points must lie in the unit disk, and ({x:g}, {y:g}) came.")
    (ax, ay), (bx, by) = start, end
    area = ax * by - ay * bx
    first, second = (1 + ax * ax + ay * ay) / 2, (1 + bx * bx + by * by) / 2
    top_x, top_y = first * by - second * ay, second * ax - first * bx
    if abs(area) <= _STRAIGHT * math.hypot(top_x, top_y):
        return GeodesicArc(start, end, None, math.inf, 0.0)
    centre = top_x / area, top_y / area
    # Of the points, not √(‖c‖² − 1): the circles of near points on the boundary are small.
    radius = (math.dist(centre, start) + math.dist(centre, end)) / 2
    half = math.asin(min(1.0, math.dist(start, end) / (2 * radius)))
    # The centre lies outside the disk: seen from there the ends are less than π apart.
    sweep = math.copysign(
        2 * half,
        (ax - centre[0]) * (by - centre[1]) - (ay - centre[1]) * (bx - centre[0]),
    )
    return GeodesicArc(start, end, centre, radius, sweep)


def bisector(
    first: tuple[float, float], second: tuple[float, float], count: int = 257
) -> Float64[np.ndarray, "count 2"]:
    r"""Points of the perpendicular bisector of two points: those as far from one as from the other.

    .. math::
        ‖x‖^2 - 2 x \cdot c + 1 = 0, \qquad c = \frac{N_{space}}{N_{time}}, \quad N = P - Q

    for the points P, Q on the hyperboloid. It is a geodesic itself.

    Args:
        first: A point of the open unit disk, (x, y).
        second: Another.
        count: How many points, at equal hyperbolic distances.

    Returns:
        Points from one side of the disk to the other, shape ``(count, 2)``.

    Raises:
        ValueError: If the two points are one, or lie outside the open disk.

    Source:
        The points with ⟨X, P⟩ = ⟨X, Q⟩ on the hyperboloid; Cannon et al. (1997), *Hyperbolic
        geometry*, section 10. https://library.slmath.org/books/Book31/files/cannon.pdf
    """
    p, q = np.array(first), np.array(second)
    room_p, room_q = 1 - p @ p, 1 - q @ q
    if not (room_p > 0 and room_q > 0) or np.array_equal(p, q):
        raise ValueError(
            f"a bisector is of two points inside the unit disk, and {first} and {second} came."
        )
    # N_space and N_time, both times half the product of the rooms.
    space = p * room_q - q * room_p
    time = (p @ p) - (q @ q)
    size = float(np.linalg.norm(space))
    towards = space / size
    along = np.array([-towards[1], towards[0]])
    # The point nearest to the origin lies at the distance r on the ray of N_space: r and 1 / r are
    # the roots of ρ² − 2 ρ size / time + 1.
    near = time / (size + math.sqrt(max(0.0, size * size - time * time)))
    steps = np.tanh(np.linspace(-_REACH, _REACH, count) / 2)[:, np.newaxis]
    return _translated(steps * along, near * towards)


def voronoi_borders(
    centres: Float64[np.ndarray, "classes 2"], *, flat: bool = False, count: int = 601
) -> list[Float64[np.ndarray, "_ 2"]]:
    """Borders between the cells of the points nearest to each centre.

    Args:
        centres: Points of the open unit disk, or, where `flat`, of the plane, shape
            ``(classes, 2)``.
        flat: Whether distances are those of the plane.
        count: Points that each bisector is followed at.

    Returns:
        Pieces of the bisectors, each a line of points, shape ``(points, 2)``.
    """
    pieces = []
    for i in range(len(centres)):
        for j in range(i + 1, len(centres)):
            if np.linalg.norm(centres[i] - centres[j]) < 1e-7:
                continue  # two classes of one code have no border
            line = _line_between(centres[i], centres[j], count, flat=flat)
            to_all = _closeness(line, centres, flat=flat)
            nearest = to_all.min(axis=1)
            kept = to_all[:, i] <= nearest * (1 + 1e-9) + 1e-12
            pieces += _runs(line, kept)
    return pieces


def _line_between(
    first: Float64[np.ndarray, "2"], second: Float64[np.ndarray, "2"], count: int, *, flat: bool
) -> Float64[np.ndarray, "count 2"]:
    if not flat:
        return bisector((first[0], first[1]), (second[0], second[1]), count)
    gap = second - first
    along = np.array([-gap[1], gap[0]]) / np.linalg.norm(gap)
    return np.asarray((first + second) / 2 + np.linspace(-3, 3, count)[:, np.newaxis] * along)


def _closeness(
    points: Float64[np.ndarray, "points 2"],
    centres: Float64[np.ndarray, "classes 2"],
    *,
    flat: bool,
) -> Float64[np.ndarray, "points classes"]:
    """A function of the distances that grows with them: sinh²(d / 2) over the point's own room."""
    square = np.square(points[:, np.newaxis] - centres).sum(axis=-1)
    return np.asarray(square if flat else square / (1 - np.square(centres).sum(axis=-1)))


def _runs(
    line: Float64[np.ndarray, "count 2"], kept: Bool[np.ndarray, "count"]
) -> list[Float64[np.ndarray, "_ 2"]]:
    """The stretches of a line of points that are kept, of two points or more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [line[start:stop] for start, stop in pairs if stop - start > 1]


def _translated(
    points: Float64[np.ndarray, "points 2"], by: Float64[np.ndarray, "2"]
) -> Float64[np.ndarray, "points 2"]:
    """Möbius translation by ⊕ points, which takes the origin to `by` and geodesics to geodesics."""
    dot = (points @ by)[:, np.newaxis]
    square = np.square(points).sum(axis=-1, keepdims=True)
    own = float(by @ by)
    top = (1 + 2 * dot + square) * by + (1 - own) * points
    return np.asarray(top / (1 + 2 * dot + own * square))
