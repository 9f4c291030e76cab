"""The tree of a volume in tiles, through files: the same as in memory, and after any death."""

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from gyrovox.clustering.tiled import build_tree_tiled
from gyrovox.errors import DamagedPieceWarning, VolumeError
from gyrovox.execution import Processes
from gyrovox.patches import normalise
from gyrovox.pipeline import VolumeFile, build_trunk, tile_labels, tree_run
from gyrovox.pipeline.tree_tasks import LEAVES, REGIONS
from gyrovox.volumes import Region, slabs

ARRAYS = ("parents", "altitudes", "sizes", "codes", "spreads", "contrasts")


def in_memory(job, voxels, inside=None):
    """The tree of the same tiles, without a file."""
    codes = np.empty((*job.shape, 2), np.float32)
    for tile in job.tiles:
        codes[tile.slices] = job.codes(tile)
    return build_tree_tiled(
        normalise(voxels),
        codes,
        job.tiles,
        curvature=job.curvature,
        inside=inside,
        voxel_size_nm=job.source.voxel_size_nm,
        regions=job.settings.regions,
        texture=job.settings.evidence == "texture",
    )


def leaves_of(job, trunk):
    number = np.append(trunk.number, -1)
    return tile_labels(job, number).read(Region.whole(job.shape))[0]


@pytest.fixture
def inside(phantom):
    """A mask with whole tiles outside, and others cut in two."""
    mask = phantom[0] > np.quantile(phantom[0], 0.3)
    mask[:24, :24, :26] = False
    return mask


CASES = {
    "anisotropic": {"voxel_size_nm": (6.0, 2.0, 3.0)},
    "unknown size": {"voxel_size_nm": None},
    "one tile": {"side": 64},
    "intensity": {"evidence": "intensity", "regions": 40},
}


@pytest.mark.parametrize("case", CASES)
def test_through_files_it_is_what_it_is_in_memory(room, phantom, place_of, case):
    # Of the rest, half is enough.
    depth = 48 if case == "unknown size" else 24
    voxels = phantom[: 2 if case == "anisotropic" else 1, :depth]
    job = room.job(voxels, **CASES[case])
    trunk = build_trunk(job, place_of(job))
    wanted = in_memory(job, voxels)
    assert wanted.n_leaves > 8
    np.testing.assert_array_equal(leaves_of(job, trunk), wanted.leaves)
    for name in ARRAYS:
        np.testing.assert_array_equal(vars(trunk)[name], vars(wanted)[name])
    assert not trunk.masked


def test_within_a_mask_too(room, phantom, place_of, inside):
    job = room.job(phantom[:1], inside=inside)
    trunk = build_trunk(job, place_of(job))
    wanted = in_memory(job, phantom[:1], inside)
    found = leaves_of(job, trunk)
    np.testing.assert_array_equal(found, wanted.leaves)
    np.testing.assert_array_equal(found >= 0, inside)
    assert trunk.masked
    for classes in (2, 5):
        labels = tile_labels(job, trunk.labels(classes)).read(Region.whole(job.shape))[0]
        np.testing.assert_array_equal(labels, wanted.cut(classes).labels)


def test_whoever_works_in_whatever_order_leaves_the_same_bytes(  # noqa: PLR0917
    room, half, place_of, inside, backwards, tile_bytes
):
    jobs = [room.job(half, inside=inside[:24]) for _ in range(3)]
    build_trunk(jobs[0], place_of(jobs[0]))
    build_trunk(jobs[1], place_of(jobs[1], backwards))
    with Processes(2, 1) as crew:
        build_trunk(jobs[2], place_of(jobs[2], crew))
    one, other, several = (tile_bytes(job) for job in jobs)
    assert len(one) == 2 * 4 + 2
    assert one == other == several


@pytest.fixture(scope="module")
def finished(shared_room, half, place_of):
    """A run that is done, for copies of it."""
    job = shared_room.job(half)
    build_trunk(job, place_of(job))
    return job


@pytest.mark.parametrize("stage", [REGIONS, LEAVES, "noise", "tree"])
def test_what_was_lost_or_damaged_is_made_again(finished, copied, place_of, tile_bytes, stage):
    job = copied(finished)
    before = tile_bytes(job)
    files = sorted((job.folder / stage).iterdir())
    for number, file in enumerate(files[::3]):
        if number % 2:
            file.unlink()
        else:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
    assert tile_bytes(job) != before
    with pytest.warns(DamagedPieceWarning, match="the piece is made again"):
        build_trunk(job, place_of(job))
    assert tile_bytes(job) == before


def test_a_mask_that_nothing_is_inside_of_is_refused(room, phantom, place_of):
    job = room.job(phantom[:1], inside=np.zeros(phantom.shape[1:]))
    with pytest.raises(VolumeError, match="its mask must hold some voxels that are not 0"):
        build_trunk(job, place_of(job))


def test_a_mask_of_a_corner_is_enough(room, phantom, place_of):
    inside = np.zeros(phantom.shape[1:], np.bool_)
    inside[30:44, 28:48, 33:50] = True
    job = room.job(phantom[:1], inside=inside)
    trunk = build_trunk(job, place_of(job))
    np.testing.assert_array_equal(leaves_of(job, trunk), in_memory(job, phantom[:1], inside).leaves)


def test_specks_of_a_long_volume_are_enough(room, place_of):
    voxels = np.random.default_rng(0).normal(size=(1, 20, 21, 400)).astype(np.float32)
    inside = np.zeros(voxels.shape[1:], np.bool_)
    inside[3:7, 3:8, 3:9] = inside[15:19, 15:20, 380:386] = True
    job = room.job(voxels, inside=inside, side=64)
    trunk = build_trunk(job, place_of(job))
    found = leaves_of(job, trunk)
    np.testing.assert_array_equal(found >= 0, inside)
    np.testing.assert_array_equal(found, in_memory(job, voxels, inside).leaves)


def test_a_mask_is_read_once_slab_by_slab_and_then_as_it_is_needed(room, place_of, monkeypatch):
    voxels = np.random.default_rng(0).normal(size=(1, 20, 21, 400)).astype(np.float32)
    inside = voxels[0] > -1
    job = room.job(voxels, inside=inside, side=64)
    seen, read = [], VolumeFile.volume

    def noted(file):
        volume = read(file)
        return replace(volume, source=Noted(volume.source, seen)) if file == job.mask else volume

    monkeypatch.setattr(VolumeFile, "volume", noted)
    monkeypatch.setattr(tree_run, "slabs", partial(slabs, max_bytes=inside.size // 4))
    build_trunk(job, place_of(job))
    sizes = [math.prod(region.shape) for region in seen]
    assert [region.shape for region in seen[:4]] == [(5, 21, 400)] * 4
    assert max(sizes) <= inside.size // 4
    assert sum(sizes) < 3 * inside.size


@dataclass(frozen=True)
class Noted:
    """A source, and what was read of it."""

    source: object
    seen: list

    @property
    def shape(self):
        return self.source.shape

    @property
    def dtype(self):
        return self.source.dtype

    def read(self, region):
        self.seen.append(region)
        return self.source.read(region)
