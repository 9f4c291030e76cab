import numpy as np
import pytest

from gyrovox.clustering.region_graph import basins, region_graph
from gyrovox.clustering.tile_regions import TileRegions, most_regions, tile_regions

UNIT = (1.0, 1.0, 1.0)
SHAPE = (20, 21, 22)
WHOLE = tuple(slice(0, length) for length in SHAPE)
CORE = (slice(3, 15), slice(0, 12), slice(6, 22))


def evidence_of(seed=0):
    return np.random.default_rng(seed).normal(size=(*SHAPE, 5)).astype(np.float32)


EVERYWHERE = np.ones(SHAPE, bool)


def regions(evidence, inside=EVERYWHERE, core=CORE, **options):
    options = {"dimensions": 3, "spacing": UNIT, **options}
    return tile_regions(evidence, inside, core, **options)


def test_without_a_limit_they_are_the_basins():
    evidence = evidence_of()
    found = regions(evidence, core=WHOLE)
    np.testing.assert_array_equal(found.labels, basins(evidence[..., :3], EVERYWHERE, UNIT))
    wanted = region_graph(found.labels, evidence, UNIT)
    for name, array in vars(wanted).items():
        np.testing.assert_array_equal(vars(found.summary.graph)[name], array, err_msg=name)


@pytest.mark.parametrize("most", [5, 20, 10_000])
def test_the_most_alike_are_merged_until_so_many_are_left(most):
    evidence = evidence_of()
    every, found = regions(evidence), regions(evidence, most=most)
    count = len(found.summary.graph.sizes)
    assert count == min(most, len(every.summary.graph.sizes))
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(count))
    # Unions: each basin is in one region.
    pairs = np.unique(np.stack([every.labels.ravel(), found.labels.ravel()]), axis=1)
    assert pairs.shape[1] == len(every.summary.graph.sizes)
    wanted = region_graph(found.labels, evidence[CORE], UNIT)
    np.testing.assert_allclose(found.summary.graph.sums, wanted.sums, atol=1e-4)
    np.testing.assert_array_equal(found.summary.graph.edges, wanted.edges)
    np.testing.assert_array_equal(found.summary.last[0], found.labels[-1])
    np.testing.assert_array_equal(found.summary.first[2], found.labels[:, :, 0])


def test_a_voxel_around_the_tile_is_enough():
    evidence = evidence_of()
    near = (slice(2, 16), slice(0, 13), slice(5, 22))
    inner = (slice(1, 13), slice(0, 12), slice(1, 17))
    cut = regions(evidence[near].copy(), EVERYWHERE[near], inner)
    np.testing.assert_array_equal(cut.labels, regions(evidence).labels)
    blind = regions(
        evidence[CORE].copy(),
        EVERYWHERE[CORE],
        tuple(slice(0, part.stop - part.start) for part in CORE),
    )
    assert (blind.labels != cut.labels).any()


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_only_what_is_inside_is_covered(share):
    inside = np.random.default_rng(1).random(SHAPE) < share
    found = regions(evidence_of(), inside, most=30)
    np.testing.assert_array_equal(found.labels >= 0, inside[CORE])
    assert len(found.summary.graph.sizes) == found.labels.max() + 1


def test_regions_go_through_arrays():
    found = regions(evidence_of(), most=30)
    again = TileRegions.from_arrays(found.arrays())
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.summary.graph.edges, found.summary.graph.edges)


def test_the_number_of_regions_does_not_depend_on_the_tiles():
    volume = 256**3
    for side in (32, 64, 128):
        in_all = (256 // side) ** 3 * most_regions(side**3, volume)
        assert in_all == 2**18
    assert 2**10 * most_regions(2**20, 2**30) == 2**19
    assert 8 * most_regions(20**3, 40**3) == 2**14
    assert most_regions(1000, 10**9) == 64


def test_one_tile_keeps_all_its_regions():
    assert most_regions(12345, 12345) == 12345
