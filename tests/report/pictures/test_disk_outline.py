"""The rim of the disk, and edges within."""

import numpy as np
import pytest

from gyrovox.report.geodesics import geodesic_arc
from gyrovox.report.pictures.disk_outline import draw_edges, draw_rim
from gyrovox.report.pictures.look import Box, axes_in, page


@pytest.fixture
def axes():
    return axes_in(page(3.0, 3.0, "", ""), Box(0.0, 0.0, 3.0, 3.0))


def test_the_rim_is_the_unit_circle_with_circles_of_radius_1_2_and_3(axes):
    draw_rim(axes, is_disk=True)
    radii = [circle.get_radius() for circle in axes.patches]
    np.testing.assert_allclose(radii, [1, *np.tanh([0.5, 1, 1.5])])
    assert axes.get_xlim() == pytest.approx((-1.04, 1.04))


def test_a_part_of_the_disk_is_a_square_of_it(axes):
    draw_rim(axes, is_disk=True, reach=0.3)
    square, *circles = axes.patches
    assert square.get_bbox().bounds == pytest.approx((-0.3, -0.3, 0.6, 0.6))
    assert circles[0].get_radius() == pytest.approx(np.tanh(0.125))
    assert axes.get_ylim() == pytest.approx((-0.312, 0.312))


def test_flat_space_is_a_square(axes):
    draw_rim(axes, is_disk=False)
    (square,) = axes.patches
    assert square.get_bbox().bounds == (-1, -1, 2, 2)


@pytest.mark.parametrize("is_disk", [True, False])
def test_edges_lead_from_the_chosen_nodes_to_their_parents(axes, is_disk):
    positions = np.array([[0.5, 0.1], [-0.3, 0.6], [0.2, -0.7]])
    draw_edges(axes, np.array([2, 2, 2]), positions, np.array([1]), is_disk=is_disk)
    (line,) = axes.collections[0].get_segments()
    expected = geodesic_arc((-0.3, 0.6), (0.2, -0.7)).points() if is_disk else positions[[1, 2]]
    np.testing.assert_allclose(line, expected)
