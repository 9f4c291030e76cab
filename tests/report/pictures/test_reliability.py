"""How sure each node is."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.clustering.cuts import owners
from gyrovox.report.pictures import reliability, reliability_table, write_reliability


@pytest.fixture
def table(result, one, codes):
    return reliability_table(result, one, codes)


def test_means_are_over_the_voxels_below_a_node(result, codes, table):
    trunk = result.trunk
    for node in (0, 5, trunk.n_leaves + 3, len(trunk.parents) - 2):
        below = owners(trunk.parents, np.array([node]))[: trunk.n_leaves] == node
        members = np.flatnonzero(below[codes.leaves])
        assert table["voxels"][node] == len(members)
        assert table["looked_at"][node] == min(len(members), 1000)
        if len(members) > 1000:
            continue
        far = codes.distances(members, trunk.codes[node])
        assert table["mean_distance"][node] == pytest.approx(far.mean(), rel=1e-5)
        scale = codes.scales[members].mean()
        assert table["posterior_scale"][node] == pytest.approx(scale, rel=1e-5)


def test_of_a_large_node_an_even_sample_is_taken(result, codes, table):
    root = len(result.trunk.parents) - 1
    assert table["looked_at"][root] == 1000
    far = codes.distances(np.arange(len(codes)), result.trunk.codes[root])
    assert table["mean_distance"][root] == pytest.approx(far.mean(), rel=0.05)


def test_classes_are_those_of_the_label_files(result, one, table):
    assert table["node"].tolist() == list(range(1, len(result.trunk.parents) + 1))
    for index, node in enumerate(one.nodes):
        assert table["class"][node] == one.label(index)
    assert np.count_nonzero(table["class"] >= 0) == 4


def test_separation_is_contrast_over_spread(result, one):
    spreads = np.linspace(0, 2, len(result.trunk.parents)).astype(np.float32)
    contrasts = np.full_like(spreads, 3.0)
    trunk = replace(result.trunk, spreads=spreads, contrasts=contrasts)
    table = reliability_table(replace(result, trunk=trunk), one)
    np.testing.assert_allclose(table["separation"][1:], 3 / spreads[1:].astype(float))
    assert np.isnan(table["separation"][0])  # a node of one code is told from any other


def test_the_file_has_a_row_for_each_node_and_nothing_for_what_is_unknown(result, one, tmp_path):
    table = reliability_table(result, one)
    write_reliability(table, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.trunk.parents)
    assert {row["mean_distance"] for row in rows} == {""}
    assert float(rows[7]["spread"]) == pytest.approx(float(result.trunk.spreads[7]), rel=1e-5)
    assert {row["class"] for row in rows} == {"", "1", "2", "3", "4"}


@pytest.mark.parametrize("with_voxels", [False, True])
def test_a_page_shows_nodes_and_classes(result, one, codes, with_voxels, drawn):
    figure = reliability(result, one, codes if with_voxels else None)
    drawn(figure)
    nodes, classes = figure.axes
    assert nodes.get_xscale() == "log"
    assert [label.get_text() for label in classes.get_yticklabels()] == ["1", "2", "3", "4"]
    widths = [bar.get_width() for bar in classes.patches]
    contrast = float(result.trunk.contrasts[one.nodes[0]])
    assert any(width == pytest.approx(contrast) for width in widths)
