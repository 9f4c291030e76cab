"""Geodesics of the disk as arcs, beside the hyperbolic distance in another form."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gyrovox.report.geodesics import bisector, geodesic_arc, voronoi_borders

POLAR = st.tuples(st.floats(0.02, 0.97), st.floats(0, 2 * math.pi))


def at(radius, angle):
    return radius * math.cos(angle), radius * math.sin(angle)


def distance(p, q):
    """cosh d = 1 + 2 |p - q|² / ((1 - |p|²)(1 - |q|²)), the definition."""
    gap = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2
    room = (1 - p[0] ** 2 - p[1] ** 2) * (1 - q[0] ** 2 - q[1] ** 2)
    return math.acosh(1 + 2 * gap / room)


@given(POLAR, POLAR)
def test_it_joins_its_ends_on_a_circle_that_is_orthogonal_to_the_boundary(one, other):
    start, end = at(*one), at(*other)
    arc = geodesic_arc(start, end)
    points = arc.points(9)
    assert tuple(points[0]) == start
    assert tuple(points[-1]) == pytest.approx(end, abs=1e-12)
    farthest = max(math.hypot(*start), math.hypot(*end))
    assert (np.hypot(points[:, 0], points[:, 1]) <= farthest + 1e-6).all()
    if arc.centre is None or arc.radius > 1e3:
        return
    assert abs(arc.sweep) < math.pi
    # Two circles are orthogonal where |c|² = 1 + r².
    assert math.hypot(*arc.centre) ** 2 == pytest.approx(1 + arc.radius**2, rel=1e-6)
    for point in (start, end):
        assert math.dist(arc.centre, point) == pytest.approx(arc.radius, rel=1e-6)


@given(POLAR, POLAR)
def test_no_point_of_it_is_a_detour(one, other):
    start, end = at(*one), at(*other)
    whole = distance(start, end)
    for point in geodesic_arc(start, end).points(7):
        through = distance(start, point) + distance(point, end)
        assert through == pytest.approx(whole, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("start", "end"),
    [((0.0, 0.0), (0.3, 0.4)), ((-0.6, 0.0), (0.2, 0.0)), ((0.1, 0.1), (0.1, 0.1))],
    ids=["from the middle", "across it", "of no length"],
)
def test_it_is_straight_along_a_diameter(start, end):
    arc = geodesic_arc(start, end)
    assert arc.centre is None
    assert arc.radius == math.inf
    middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
    np.testing.assert_allclose(arc.points(3)[1], middle)


def test_it_bends_towards_the_middle_and_says_which_way_it_turns():
    arc = geodesic_arc((0.8, 0.0), (0.0, 0.8))
    middle = arc.points(3)[1]
    assert 0 < math.hypot(*middle) < math.hypot(0.4, 0.4)
    assert arc.sweep < 0  # clockwise about a centre beyond the boundary
    assert geodesic_arc((0.0, 0.8), (0.8, 0.0)).sweep == pytest.approx(-arc.sweep)


def test_a_point_outside_the_disk_is_refused():
    with pytest.raises(ValueError, match=r"must lie in the unit disk, and \(1\.2, 0\) came"):
        geodesic_arc((1.2, 0.0), (0.0, 0.0))


@given(POLAR, POLAR)
def test_a_bisector_is_as_far_from_one_as_from_the_other(one, other):
    first, second = at(*one), at(*other)
    assume(distance(first, second) > 1e-2)
    line = bisector(first, second, 41)
    assert (np.hypot(line[:, 0], line[:, 1]) < 1).all()
    # The outermost points lie where a double has few digits of the room to the boundary left.
    for point in line[10:31]:
        assert distance(first, point) == pytest.approx(distance(second, point), abs=1e-3)


def test_a_bisector_crosses_the_disk_from_side_to_side():
    line = bisector((0.5, 0.1), (-0.2, 0.6))
    assert np.hypot(*line[0]) > 0.9999
    assert np.hypot(*line[-1]) > 0.9999


@pytest.mark.parametrize("second", [(0.5, 0.1), (1.0, 0.0)], ids=["the same", "on the boundary"])
def test_points_that_have_no_bisector_are_refused(second):
    with pytest.raises(ValueError, match="a bisector is of two points inside the unit disk"):
        bisector((0.5, 0.1), second)


@pytest.mark.parametrize("flat", [False, True], ids=["hyperbolic", "flat"])
def test_borders_lie_where_no_other_centre_is_nearer(flat):
    centres = np.array([[0.6, 0.0], [-0.4, 0.5], [-0.1, -0.7], [0.05, 0.1]])
    measure = math.dist if flat else distance
    borders = voronoi_borders(centres, flat=flat)
    assert len(borders) >= 3
    for line in borders:
        for x, y in line[:: max(1, len(line) // 5)].tolist():
            if math.hypot(x, y) < 0.999:
                nearest = sorted(measure((x, y), tuple(centre)) for centre in centres.tolist())
                assert nearest[1] == pytest.approx(nearest[0], abs=1e-6)


def test_centres_of_one_code_have_no_border():
    assert voronoi_borders(np.array([[0.3, 0.1], [0.3, 0.1]])) == []
