import numpy as np
import pytest

from gyrovox.clustering.calibration import calibrated
from gyrovox.clustering.refinement import RIM
from gyrovox.clustering.stitching import grown, stitched, within
from gyrovox.clustering.tile_leaves import TileLeaves, pasted, tile_leaves
from gyrovox.clustering.tile_regions import TileRegions, most_regions, tile_regions
from gyrovox.clustering.tree_building import leaves_of
from gyrovox.execution import Contents
from gyrovox.patches.texture import texture_scale
from gyrovox.pipeline.tree_tasks import (
    LEAVES,
    REGIONS,
    DrawLeaves,
    FindRegions,
    Looking,
    MeasureNoise,
)
from gyrovox.volumes import Region

TILE = 4


def read(path):
    with np.load(path) as stored:
        return dict(stored)


def same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


@pytest.fixture
def looking(room, phantom):
    """How evidence is made of a little cell, half of which is inside a mask."""
    job = room.job(phantom[:1], inside=phantom[0] > np.median(phantom[0]))
    whole = Region.whole(job.shape)
    scale = texture_scale([job.normalised(whole)], spacing=job.spacing, texture=True)
    return Looking(job, scale, calibrated([MeasureNoise(job, scale)(whole)]))


def test_regions_of_a_tile_are_those_of_its_evidence(looking):
    job, core = looking.job, looking.job.tiles[TILE]
    piece = FindRegions(looking)(TILE)
    box = grown(core, RIM, job.shape)
    wanted = tile_regions(
        looking.evidence(box),
        job.inside(box),
        within(core, box),
        dimensions=looking.calibration.dimensions,
        spacing=job.spacing,
        most=most_regions(core.shape[0] * core.shape[1] * core.shape[2], job.voxels),
    )
    assert piece.path == job.file(REGIONS, TILE)
    assert piece.contents == Contents.of(piece.path)
    assert [one.stage for one in piece.spent] == ["features", "regions", "write"]
    same(read(piece.path), wanted.arrays())
    np.testing.assert_array_equal(wanted.labels >= 0, job.inside(core))


def test_leaves_of_a_tile_are_drawn_among_those_around_it(looking):
    job = looking.job
    for tile in range(len(job.tiles)):
        FindRegions(looking)(tile)
    first = [TileRegions.from_arrays(read(job.file(REGIONS, t))) for t in range(len(job.tiles))]
    graphs = [(core, one.summary) for core, one in zip(job.tiles, first, strict=True)]
    leaves = leaves_of(stitched(graphs, spacing=job.spacing), regions=50)
    piece = DrawLeaves(looking, leaves, job.curvature)(TILE)
    core = job.tiles[TILE]
    box = grown(core, RIM, job.shape)
    everywhere = [
        (place, one.labels, leaves.of_tile(tile))
        for tile, (place, one) in enumerate(zip(job.tiles, first, strict=True))
    ]
    wanted = tile_leaves(
        pasted(everywhere, box),
        looking.evidence(box),
        job.codes(core),
        leaves,
        box=box,
        core=core,
        curvature=job.curvature,
        spacing=job.spacing,
    )
    same(read(piece.path), wanted.arrays())
    assert piece.path == job.file(LEAVES, TILE)
    assert [one.stage for one in piece.spent] == ["features", "embed", "leaves", "write"]
    drawn = TileLeaves.from_arrays(read(piece.path)).labels
    np.testing.assert_array_equal(drawn >= 0, job.inside(core))
    assert len(np.unique(drawn)) > 3
