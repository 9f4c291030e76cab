"""The node of the spikes is proposed by where its voxels lie."""

import numpy as np
import pytest
import tree_laws as laws

from gyrovox.clustering import SegmentationTree
from gyrovox.errors import TreeError
from gyrovox.particles.spikes.spike_nodes import evidence_of, nodes_mask, propose_nodes


def tree_of(leaves, parents):
    """A tree over given leaves: what each node joins is told by `parents`."""
    count = (len(parents) + 1) // 2
    sizes = np.zeros(len(parents), np.int64)
    sizes[:count] = np.bincount(leaves[leaves >= 0], minlength=count)
    for node, parent in enumerate(parents[:-1]):
        sizes[parent] += sizes[node]
    chain = laws.chain(count)
    return SegmentationTree(
        leaves=leaves.astype(np.int32),
        parents=np.array(parents, np.int32),
        altitudes=chain.altitudes,
        sizes=sizes,
        codes=chain.codes,
        spreads=chain.spreads,
        contrasts=chain.contrasts,
        curvature=-1.0,
        voxel_size_nm=(3.0, 3.0, 3.0),
    )


@pytest.fixture(scope="module")
def scene(panels, drawn):
    """Leaves: inner, membrane, half of the spikes, the other half, medium, and a far clump."""
    heights = panels.heights_nm()
    leaves = np.where(heights < -4, 0, np.where(heights < 4.5, 1, 4))
    for number, (virion, start) in enumerate(zip(panels.virions, panels.starts, strict=True)):
        points = virion.centres_nm()
        box = tuple(slice(a, a + n) for a, n in zip(start, virion.density.shape, strict=True))
        part, height = leaves[box], heights[box]
        mine = drawn.spikes_nm[drawn.owners == number]
        for index, spike in enumerate(mine):
            near = (np.linalg.norm(points - spike, axis=-1) < 7) & (height >= 4.5)
            part[near] = 2 + index % 2
        clump = np.linalg.norm(
            points - virion.membrane.points_nm(np.array([[0.0, 0, 1]]), 30.0), axis=-1
        )
        part[(clump < 9) & (height > 24)] = 5
    leaves = np.where(panels.inside() & (heights < 40), leaves, -1)
    # 6 joins the spikes; 7 joins them with the membrane; then the rest.
    tree = tree_of(leaves, [8, 7, 6, 6, 9, 10, 7, 8, 9, 10, 10])
    density = np.where(np.isin(leaves, (1, 2, 3, 5)), 1.0, 0.0)
    density += np.random.default_rng(0).normal(scale=0.5, size=density.shape)
    return tree, heights, density.astype(np.float32)


def test_the_node_of_all_spikes_comes_first(scene, spike_settings):
    tree, heights, density = scene
    found = propose_nodes(tree, heights, density, spike_settings)
    assert found[0].nodes in {(6,), (2, 3)}
    assert found[0].pieces == 28
    assert found[0].outside > 0.99
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    by_node = {one.nodes: one.score for one in found}
    assert by_node[6,] > by_node[7,] > 0  # with the membrane it is less likely
    assert (5,) not in by_node  # the clump is no part of the shell


def test_the_reason_says_what_is_there(scene, spike_settings):
    tree, heights, density = scene
    first = propose_nodes(tree, heights, density, spike_settings)[0]
    assert "28 pieces of about" in first.reason
    assert f"{first.contrast:.1f} standard errors" in first.reason


def test_a_chosen_node_gets_the_same_evidence(scene, spike_settings):
    tree, heights, density = scene
    proposed = {one.nodes: one for one in propose_nodes(tree, heights, density, spike_settings)}
    assert evidence_of(tree, (6,), heights, density, spike_settings) == proposed[6,]


def test_a_mask_is_that_of_all_nodes(scene):
    tree, _, _ = scene
    np.testing.assert_array_equal(nodes_mask(tree, (2, 3)), tree.mask(6))


def test_a_node_must_be_there(scene, spike_settings):
    with pytest.raises(TreeError, match=r"one of 0 to 10, and 11 came"):
        evidence_of(scene[0], (11,), *scene[1:], spike_settings)
    with pytest.raises(TreeError, match="at least one node must be named"):
        evidence_of(scene[0], (), *scene[1:], spike_settings)


def test_nothing_is_proposed_where_the_shell_is_even(scene, spike_settings):
    tree, heights, _ = scene
    even = np.zeros(heights.shape, np.float32)
    assert propose_nodes(tree, heights, even, spike_settings) == ()
