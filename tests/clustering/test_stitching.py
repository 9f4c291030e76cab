import itertools

import numpy as np
import pytest

from gyrovox.clustering.region_graph import region_graph
from gyrovox.clustering.stitching import TileGraph, grown, stitched, within
from gyrovox.volumes import Region

SHAPE = (9, 8, 10)
CUTS = ((0, 4, 9), (0, 8), (0, 3, 6, 10))


def lattice(cuts=CUTS):
    spans = [list(itertools.pairwise(cut)) for cut in cuts]
    return [Region((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in itertools.product(*spans)]


def volume(*, masked, seed=0):
    generator = np.random.default_rng(seed)
    regions = generator.integers(-1 if masked else 0, 7, SHAPE).astype(np.int32)
    return regions, generator.normal(size=(*SHAPE, 2)).astype(np.float32)


def tiles_of(regions, evidence, spacing):
    """Tiles with regions of their own, and the region of the volume that each is."""
    tiles, names = [], []
    for box in lattice():
        here = regions[box.slices]
        present = np.unique(here[here >= 0])
        local = np.append(np.searchsorted(present, np.arange(7)), -1).astype(np.int32)
        tiles.append((box, TileGraph.of(local[here], evidence[box.slices], spacing)))
        names.append(present)
    return tiles, names


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.5, 1.0)], ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_together_are_the_graph_of_the_whole(masked, spacing):
    regions, evidence = volume(masked=masked)
    tiles, names = tiles_of(regions, evidence, spacing)
    found = stitched(tiles, spacing=spacing)
    np.testing.assert_array_equal(np.diff(found.first), [len(name) for name in names])
    merged = found.graph.merged(np.concatenate(names).astype(np.intp))
    for name, array in vars(region_graph(regions, evidence, spacing)).items():
        np.testing.assert_allclose(vars(merged)[name], array, atol=1e-12, err_msg=name)


def test_tiles_of_which_nothing_is_inside_have_no_regions():
    regions, evidence = volume(masked=False)
    regions[:4, :, :3] = -1
    tiles, names = tiles_of(regions, evidence, (1.0, 1.0, 1.0))
    assert len(tiles[0][1].graph.sizes) == 0
    owner = np.concatenate(names).astype(np.intp)
    merged = stitched(tiles, spacing=(1.0, 1.0, 1.0)).graph.merged(owner)
    wanted = region_graph(regions, evidence, (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(merged.edges, wanted.edges)
    np.testing.assert_array_equal(merged.sizes, wanted.sizes)


def test_tiles_are_read_one_at_a_time():
    regions, evidence = volume(masked=False)
    tiles, _ = tiles_of(regions, evidence, (1.0, 1.0, 1.0))
    one = stitched(iter(tiles), spacing=(1.0, 1.0, 1.0))
    np.testing.assert_array_equal(
        one.graph.edges, stitched(tiles, spacing=(1.0, 1.0, 1.0)).graph.edges
    )


def test_a_lattice_may_begin_anywhere():
    regions, evidence = volume(masked=False)
    tiles, _ = tiles_of(regions, evidence, (1.0, 1.0, 1.0))
    moved = [
        (Region(tuple(a + 5 for a in box.start), tuple(b + 5 for b in box.stop)), tile)
        for box, tile in tiles
    ]
    np.testing.assert_array_equal(
        stitched(moved, spacing=(1.0, 1.0, 1.0)).graph.lengths,
        stitched(tiles, spacing=(1.0, 1.0, 1.0)).graph.lengths,
    )


def test_tiles_out_of_order_are_refused():
    regions, evidence = volume(masked=False)
    tiles, _ = tiles_of(regions, evidence, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match=r"order of their lattice, and that at \(0, 0, 6\)"):
        stitched([tiles[0], tiles[2], tiles[1], *tiles[3:]], spacing=(1.0, 1.0, 1.0))


def test_unions_of_regions_have_the_faces_of_unions():
    regions, evidence = volume(masked=True)
    owner = np.array([0, 0, 1, 1, 2, 2, 0])
    unions = np.append(owner, -1)[regions].astype(np.int32)
    merged = TileGraph.of(regions, evidence, (1.0, 1.0, 1.0)).merged(owner)
    wanted = TileGraph.of(unions, evidence, (1.0, 1.0, 1.0))
    for name, array in wanted.arrays().items():
        np.testing.assert_allclose(merged.arrays()[name], array, atol=1e-12, err_msg=name)


def test_a_graph_goes_through_arrays():
    regions, evidence = volume(masked=True)
    graph = TileGraph.of(regions, evidence, (1.0, 1.0, 1.0))
    again = TileGraph.from_arrays({**graph.arrays(), "labels": regions})
    for name, array in graph.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)


def test_a_box_grows_as_far_as_the_volume_goes():
    core = Region((2, 5, 9), (6, 8, 10))
    box = grown(core, 3, (20, 9, 12))
    assert box == Region((0, 2, 6), (9, 9, 12))
    voxels = np.arange(20 * 9 * 12).reshape(20, 9, 12)
    np.testing.assert_array_equal(voxels[box.slices][within(core, box)], voxels[core.slices])
