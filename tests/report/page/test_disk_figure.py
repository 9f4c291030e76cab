"""The disk of a page."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.report.page.disk_figure import disk_figure, disk_store, place, shown_nodes
from gyrovox.results import disk_positions

ARC = re.compile(r"M(-?\d+) (-?\d+)A(\d+) \3 0 0 ([01]) (-?\d+) (-?\d+)")


def test_the_upper_part_has_the_levels_and_every_parent(opened):
    _, _, subject = opened
    shown = shown_nodes(subject.trunk, [2, 3])
    assert shown == tuple(range(9))
    assert shown_nodes(subject.trunk, []) == tuple(range(9))


def test_of_a_large_tree_only_the_upper_part_is_shown(opened):
    _, _, subject = opened
    leaves = 300
    parents = np.array([leaves + max(0, i - 1) for i in range(leaves)], np.int32)
    above = np.minimum(np.arange(leaves, 2 * leaves - 1) + 1, 2 * leaves - 2).astype(np.int32)
    parents = np.concatenate([parents, above])
    altitudes = np.concatenate([np.zeros(leaves), np.arange(1.0, leaves)])
    sizes = np.concatenate([np.ones(leaves, np.int64), np.arange(2, leaves + 1)])
    trunk = replace(subject.trunk, parents=parents, altitudes=altitudes, sizes=sizes)
    for levels, classes in (([2, 8], 32), ([2, 50], 50), ([280], 128)):
        shown = shown_nodes(trunk, levels)
        assert len(shown) == 2 * classes - 1
        assert all(parents[node] in shown for node in shown)


def test_edges_are_geodesics(opened):
    _, _, subject = opened
    trunk = subject.trunk
    points = disk_positions(trunk)
    store = disk_store(subject, trunk, points)
    arcs = ARC.findall(store)
    lines = re.findall(r"M-?\d+ -?\d+L", store)
    assert len(arcs) + len(lines) == 8
    assert len(arcs) >= 6
    ends = {(place(points[n].tolist()), place(points[trunk.parents[n]].tolist())) for n in range(8)}
    for x0, y0, radius, turn, x1, y1 in (map(int, arc) for arc in arcs):
        assert ((x0, y0), (x1, y1)) in ends
        # The centre that SVG finds from radius and turn lies outside the disk, orthogonal to it.
        middle = np.array([x0 + x1, y0 + y1]) / 2
        along = np.array([x1 - x0, y1 - y0], float)
        half = np.linalg.norm(along) / 2
        away = math.sqrt(max(radius**2 - half**2, 0.0))
        side = np.array([-along[1], along[0]]) / (2 * half) * (1 if turn else -1)
        centre = middle + away * side
        assert centre @ centre == pytest.approx(1000**2 + radius**2, rel=0.05)


def test_in_flat_space_edges_are_straight(opened):
    _, _, subject = opened
    flat = replace(subject.trunk, curvature=0.0)
    store = disk_store(replace(subject, trunk=flat), flat, disk_positions(flat))
    assert not ARC.findall(store)
    assert len(re.findall(r"M-?\d+ -?\d+L", store)) == 8
    assert "<rect" in store


def test_every_leaf_is_a_dot_in_its_colour(opened):
    _, _, subject = opened
    store = disk_store(subject, subject.trunk, disk_positions(subject.trunk))
    dots = re.findall(r'<path d="((?:M-?\d+ -?\d+h0)+)" stroke="(#[0-9a-f]{6})">', store)
    assert sum(path.count("h0") for path, _ in dots) == 5
    assert {colour for _, colour in dots} == {subject.node_colours[leaf] for leaf in range(5)}


def test_classes_lie_on_their_nodes(opened):
    _, _, subject = opened
    points = disk_positions(subject.trunk)
    made = disk_figure(subject, points, [2, 3], identity="stage-disk")
    groups = re.findall(r'<g class="(classes(?: away)?)" data-level="(\d)">(.*?)</g>', made)
    assert [(kind, level) for kind, level, _ in groups] == [
        ("classes", "2"),
        ("classes away", "3"),
    ]
    for row in subject.levels[3]:
        x, y = place(points[row.node].tolist())
        assert re.search(rf'cx="{x}" cy="{y}" r="\d+" fill="{row.colour}"', groups[1][2])
        assert f">{row.label}</text>" in groups[1][2]
    assert "found" not in disk_figure(subject, points, [2])


def test_up_is_up():
    assert place((0.5, 0.25)) == (500, -250)
