import itertools

import numpy as np
import pytest

from gyrovox.clustering.evidence import interior
from gyrovox.clustering.leaf_summaries import leaf_codes, together
from gyrovox.clustering.refinement import RIM, redrawn
from gyrovox.clustering.region_graph import region_graph
from gyrovox.clustering.stitching import grown, stitched
from gyrovox.clustering.tile_leaves import LeafSummary, Leaves, TileLeaves, pasted, tile_leaves
from gyrovox.volumes import Region

UNIT = (1.0, 1.0, 1.0)
SHAPE = (24, 22, 26)
TILES = [Region((z, 0, x), (z + 12, 22, x + 13)) for z, x in itertools.product((0, 12), (0, 13))]
OWNER = np.array([0, 0, 1, 1, 2], np.int32)


def volume(*, masked=False):
    """Leaves with rough boundaries, evidence that knows better, codes; a mask with a hole."""
    generator = np.random.default_rng(0)
    z, y, x = np.indices(SHAPE)
    truth = (z > 11).astype(int) + 2 * (y + x // 4 > 12)
    leaves = np.where(generator.random(SHAPE) < 0.1, 4, truth).astype(np.int32)
    if masked:
        leaves[5:9, :, 10:20] = -1
    evidence = generator.normal(size=(*SHAPE, 3)).astype(np.float32)
    evidence[..., 0] += 6 * (truth >= 2)
    codes = generator.normal(size=(*SHAPE, 2)).astype(np.float32)
    return leaves, evidence, codes


def leaves_of(leaves, evidence):
    regions = np.append(OWNER, -1)[leaves]
    means = np.stack([evidence[regions == region].mean(axis=0) for region in range(3)])
    return Leaves(np.arange(5, dtype=np.int32), np.array([0, 5]), OWNER, means)


@pytest.mark.parametrize("masked", [False, True])
def test_tiles_together_are_the_whole(masked):
    leaves, evidence, codes = volume(masked=masked)
    known = leaves_of(leaves, evidence)
    wanted = redrawn(leaves, known.owner, known.means, evidence, UNIT)
    assert (wanted != leaves).mean() > 0.05
    found = np.empty(SHAPE, np.int32)
    tiles = []
    for core in TILES:
        box = grown(core, RIM, SHAPE)
        tile = tile_leaves(
            leaves[box.slices], evidence[box.slices], codes[core.slices].copy(), known,
            box=box, core=core, curvature=0.0, spacing=UNIT,
        )  # fmt: skip
        found[core.slices] = tile.labels
        tiles.append((core, tile.summary))
    np.testing.assert_array_equal(found, wanted)
    graph = stitched([(core, tile.graph) for core, tile in tiles], spacing=UNIT).graph
    names = [tile.leaf for _, tile in tiles]
    graph = graph.merged(np.concatenate(names).astype(np.intp))
    for name, array in vars(region_graph(wanted, evidence, UNIT)).items():
        np.testing.assert_allclose(vars(graph)[name], array, atol=1e-9, err_msg=name)
    summed = together([tile.codes for _, tile in tiles], names, curvature=0.0)
    direct = leaf_codes(codes, wanted, interior(wanted), curvature=0.0)
    for name, array in vars(direct).items():
        np.testing.assert_allclose(vars(summed)[name], array, atol=1e-6, err_msg=name)


def test_leaves_are_pasted_from_the_tiles_that_a_box_meets():
    generator = np.random.default_rng(3)
    whole = np.empty(SHAPE, np.int32)
    parts = []
    for core in TILES:
        labels = generator.integers(-1, 9, core.shape).astype(np.int32)
        leaf = generator.integers(0, 100, 9).astype(np.int32)
        whole[core.slices] = np.append(leaf, -1)[labels]
        parts.append((core, labels, leaf))
    for box in (Region((9, 3, 10), (15, 20, 26)), Region((0, 0, 0), (5, 5, 5)), TILES[3]):
        np.testing.assert_array_equal(pasted(parts, box), whole[box.slices])
    np.testing.assert_array_equal(pasted(parts[:1], TILES[3]), -1)


def test_labels_may_be_memory_maps(tmp_path):
    labels = np.random.default_rng(0).integers(-1, 3, TILES[0].shape).astype(np.int32)
    np.save(tmp_path / "labels.npy", labels)
    mapped = np.load(tmp_path / "labels.npy", mmap_mode="r")
    leaf = np.array([7, 8, 9], np.int32)
    found = pasted([(TILES[0], mapped, leaf)], TILES[0])
    np.testing.assert_array_equal(found, np.append(leaf, -1)[labels])


def test_a_tile_of_which_nothing_is_inside_has_no_leaves():
    leaves, evidence, codes = volume()
    known = leaves_of(leaves, evidence)
    outside = np.full(SHAPE, -1, np.int32)
    whole = Region.whole(SHAPE)
    tile = tile_leaves(
        outside, evidence, codes, known, box=whole, core=whole, curvature=-1.0, spacing=UNIT
    )
    np.testing.assert_array_equal(tile.labels, -1)
    assert len(tile.summary.leaf) == 0
    assert tile.summary.codes.means.shape == (0, 2)


def test_leaves_and_what_is_known_of_them_go_through_files(tmp_path):
    leaves, evidence, codes = volume(masked=True)
    known = leaves_of(leaves, evidence)
    whole = Region.whole(SHAPE)
    tile = tile_leaves(
        leaves, evidence, codes, known, box=whole, core=whole, curvature=-1.0, spacing=UNIT
    )
    np.savez(tmp_path / "tile.npz", **tile.arrays())
    np.savez(tmp_path / "leaves.npz", **known.arrays())
    with np.load(tmp_path / "tile.npz") as file:
        again, summary = TileLeaves.from_arrays(file), LeafSummary.from_arrays(file)
    for name, array in tile.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)
    for name, array in tile.summary.arrays().items():
        np.testing.assert_array_equal(summary.arrays()[name], array, err_msg=name)
    with np.load(tmp_path / "leaves.npz") as file:
        back = Leaves.from_arrays(file)
    np.testing.assert_array_equal(back.of_tile(0), known.of_tile(0))
    np.testing.assert_array_equal(back.means, known.means)
