"""The disk: where codes and nodes lie, and in which colours."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.report.pictures import disk, level
from gyrovox.results import disk_positions

FIRST = 0  # of the panels on the page


def spread_codes(count, dim=2, size=0.8, seed=0):
    return np.random.default_rng(seed).normal(0, size, (count, dim))


def collections(axes, kind):
    return [one for one in axes.collections if type(one).__name__ == kind]


def marks(axes):
    return np.concatenate([
        np.asarray(one.get_offsets()) for one in collections(axes, "PathCollection")
    ])


def test_nodes_of_a_level_are_where_their_codes_are(result, codes, with_codes):
    moved = with_codes(result, spread_codes(len(result.trunk.parents)))
    figure = disk(moved, codes=codes, levels=(3,))
    one, positions = level(moved.trunk, 3), disk_positions(moved.trunk)
    expected = positions[list(one.nodes)[::-1]]
    np.testing.assert_allclose(marks(figure.axes[FIRST]), expected, atol=1e-9)


def test_edges_lead_from_every_node_to_its_parent(result, with_codes):
    moved = with_codes(result, spread_codes(len(result.trunk.parents)))
    axes = disk(moved, levels=(3,)).axes[FIRST]
    edges = collections(axes, "LineCollection")[-1].get_segments()
    positions, parents = disk_positions(moved.trunk), moved.trunk.parents
    ends = {tuple(np.round(np.r_[edge[0], edge[-1]], 6)) for edge in edges}
    wanted = set()
    rising = list(level(moved.trunk, 3).nodes)
    while rising:
        node = rising.pop()
        if (parent := parents[node]) != node:
            wanted.add(tuple(np.round(np.r_[positions[node], positions[parent]], 6)))
            rising.append(parent)
    assert ends == wanted
    # Geodesics: some of them bend.
    straight = [np.linalg.norm(edge[16] - (edge[0] + edge[-1]) / 2) for edge in edges]
    assert max(straight) > 0.01


def test_borders_are_drawn_where_distances_are_kept(result, with_codes):
    nodes = len(result.trunk.parents)
    flat = disk(with_codes(result, spread_codes(nodes)), levels=(3,)).axes[FIRST]
    deep = disk(with_codes(result, spread_codes(nodes, 8)), levels=(3,)).axes[FIRST]
    assert len(collections(flat, "LineCollection")) == 2
    assert len(collections(deep, "LineCollection")) == 1


def test_voxels_have_the_colours_of_their_classes(result, codes, drawn):
    picture = (drawn(disk(result, codes=codes, levels=(2,))) * 255).round().reshape(-1, 3)
    for colour in level(result.trunk, 2).colours:
        assert (np.abs(picture - 255 * colour).max(axis=1) < 2).any()


def test_all_panels_are_there(result, codes, said, drawn):
    figure = disk(result, codes=codes, levels=(2, 4))
    words = said(figure)
    for name in ("2 classes", "4 classes", "intensity", "scale at which", "spread of a node"):
        assert name in words
    assert "Poincaré disk: density of the codes of every voxel" in words
    drawn(figure)


def test_without_codes_nodes_are_shown_alone(result, said, drawn):
    figure = disk(result)
    assert "nodes of the tree" in said(figure)
    assert "intensity" not in said(figure)
    drawn(figure)


def test_more_dimensions_are_shown_by_their_principal_two(result, with_codes, said, drawn):
    figure = disk(with_codes(result, spread_codes(len(result.trunk.parents), 8)))
    assert "of 8 dimensions, by tangent PCA" in said(figure)
    drawn(figure)


def test_flat_space_is_a_plane_whose_edges_are_straight(result, with_codes, said):
    flat = with_codes(result, spread_codes(len(result.trunk.parents)), curvature=0.0)
    figure = disk(flat, levels=(4,))
    assert "latent plane" in said(figure)
    edges = collections(figure.axes[FIRST], "LineCollection")[-1].get_segments()
    assert {len(edge) for edge in edges} == {2}


def test_where_all_lies_near_the_middle_only_that_is_shown(result, with_codes, said):
    near = with_codes(result, spread_codes(len(result.trunk.parents), size=0.03))
    figure = disk(near, levels=(2,))
    assert "enlarged, to a distance of" in said(figure)
    assert figure.axes[FIRST].get_xlim()[1] < 0.6
    far = with_codes(result, spread_codes(len(result.trunk.parents), size=1.0))
    assert "enlarged" not in said(disk(far, levels=(2,)))


def test_too_many_classes_are_refused(result):
    with pytest.raises(SettingsError, match="--level must be"):
        disk(result, levels=(9999,))
