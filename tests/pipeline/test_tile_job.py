import math
import pickle

import numpy as np
import pytest

from gyrovox.errors import VolumeError
from gyrovox.patches import lattice, normalise
from gyrovox.patches.texture import cartoon_and_texture, texture_scale
from gyrovox.volumes import Region

OFF = 0.02
"""Root mean square by which features of a region differ from those of the whole, in spreads."""


@pytest.mark.parametrize("evidence", ["texture", "intensity", "codes"])
def test_what_is_seen_of_a_region_is_that_part_of_the_whole(room, phantom, evidence):
    job = room.job(phantom, voxel_size_nm=(4.0, 2.0, 2.0), evidence=evidence)
    voxels = normalise(phantom)
    scale = texture_scale([voxels], spacing=job.spacing, texture=evidence == "texture")
    whole = cartoon_and_texture(
        voxels, spacing=(2.0, 1.0, 1.0), texture=evidence == "texture", scale=scale
    )
    if evidence == "codes":
        whole = np.concatenate([whole, job.codes(Region.whole(job.shape))], axis=-1)
    region = job.tiles[5]
    features, intensities = job.seen(region, scale)
    np.testing.assert_array_equal(intensities, np.moveaxis(voxels, 0, -1)[region.slices])
    spread = whole.reshape(-1, whole.shape[-1]).std(axis=0)
    off = (features - whole[region.slices]) / spread
    assert np.sqrt(np.square(off).mean()) < OFF


def test_voxels_are_normalised_as_those_of_the_whole(room, phantom):
    job = room.job(phantom)
    np.testing.assert_array_equal(
        job.normalised(job.tiles[3]), normalise(phantom)[:, *job.tiles[3].slices]
    )


def test_tiles_are_those_of_the_lattice(room, phantom):
    job = room.job(phantom)
    assert (job.shape, job.voxels) == ((48, 50, 52), math.prod((48, 50, 52)))
    assert job.tiles == lattice((48, 50, 52), 24)
    assert len(job.tiles) == 8


def test_there_is_work_where_the_mask_is_not_0(room, phantom):
    mask = np.where(phantom[0] > 0, 3, 0)
    job, everywhere = room.job(phantom, inside=mask), room.job(phantom)
    for tile in job.tiles:
        np.testing.assert_array_equal(job.inside(tile), phantom[0][tile.slices] > 0)
        assert everywhere.inside(tile).all()


def test_a_job_is_small_and_the_same_elsewhere(room, phantom):
    job = room.job(phantom)
    sent = pickle.dumps(job)
    assert len(sent) < 4000
    there = pickle.loads(sent)
    assert there == job
    assert there.tiles == job.tiles


def test_a_mask_without_an_inside_is_refused(room, phantom):
    job = room.job(phantom)
    job.check_some(1)
    with pytest.raises(VolumeError, match=r"volume.*: its mask must hold some voxels .* not 0"):
        job.check_some(0)


def test_every_stage_has_a_file_of_a_tile(room, phantom):
    job = room.job(phantom)
    assert job.file("regions", 7) == job.folder / "regions" / "7.npz"
