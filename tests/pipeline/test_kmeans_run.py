"""K-means of a volume in tiles, through coresets: nearly that of the whole."""

import numpy as np
import pytest

from gyrovox.clustering import smooth_codes
from gyrovox.errors import ClusterCountError, DamagedPieceWarning, VolumeError
from gyrovox.evaluation import adjusted_rand, contingency
from gyrovox.execution import Processes, StageTimes
from gyrovox.pipeline import kmeans_classes
from gyrovox.pipeline.kmeans_run import SmoothedCodes
from gyrovox.segmentation import Cleaning, kmeans_levels
from gyrovox.volumes import Region

LEVELS = (2, 4)
ALIKE = 0.9
"""Least adjusted Rand index between classes of tiles and of the whole."""
COSTLIER = 1.02
"""Most that the squared distances to class means may be, in those of the whole."""


def whole(job):
    return Region.whole(job.shape)


def classes(job, place, levels=LEVELS):
    found = kmeans_classes(job, levels, place, seed=0)
    return {k: source.read(whole(job))[0] for k, source in found.items()}


def in_memory(job, inside=None, levels=LEVELS):
    return kmeans_levels(
        job.codes(whole(job)),
        levels,
        Cleaning(),
        curvature=job.curvature,
        smoothing=job.settings.smoothing,
        inside=inside,
        threads=1,
    )


def cost(codes, labels):
    """Sum of squared differences to the means of classes, in the tangent space."""
    return sum(
        np.square(codes[labels == k] - codes[labels == k].mean(axis=0)).sum()
        for k in np.unique(labels)
    )


@pytest.fixture
def inside(phantom):
    """A mask with whole tiles outside, and others cut in two."""
    mask = phantom[0] > np.quantile(phantom[0], 0.3)
    mask[:24, :24, :26] = False
    return mask


@pytest.mark.parametrize("case", ["plain", "not smoothed", "anisotropic, two channels"])
def test_tiles_are_clustered_nearly_as_the_whole(room, phantom, place_of, case):
    options = {
        "not smoothed": {"smoothing": 0.0},
        "anisotropic, two channels": {"voxel_size_nm": (4.0, 2.0, 2.0)},
    }.get(case, {})
    # Of the rest, half is enough.
    voxels = phantom[: 2 if "two" in case else 1, : 48 if case == "plain" else 24]
    job = room.job(voxels, clustering="kmeans", **options)
    found, wanted = classes(job, place_of(job)), in_memory(job)
    codes = smooth_codes(job.codes(whole(job)), job.settings.smoothing)
    for k in LEVELS:
        assert found[k].dtype == wanted[k].dtype == np.uint8
        np.testing.assert_array_equal(np.unique(found[k]), np.arange(k))
        assert cost(codes, found[k]) < COSTLIER * cost(codes, wanted[k])
    assert adjusted_rand(contingency(found[2], wanted[2])) > ALIKE


def test_classes_count_from_1_inside_a_mask(room, phantom, place_of, inside):
    job = room.job(phantom[:1], clustering="kmeans", inside=inside)
    found, wanted = classes(job, place_of(job)), in_memory(job, inside)
    for k in LEVELS:
        np.testing.assert_array_equal(found[k] > 0, inside)
        np.testing.assert_array_equal(np.unique(found[k]), np.arange(k + 1))
    assert adjusted_rand(contingency(found[2], wanted[2])) > ALIKE


def test_a_mask_that_holds_everything_is_none(room, half, place_of):
    options = {"clustering": "kmeans", "smoothing": 0.0}
    job = room.job(half, inside=np.ones(half.shape[1:]), **options)
    plain = room.job(half, **options)
    found, wanted = classes(job, place_of(job)), classes(plain, place_of(plain))
    for k in LEVELS:
        np.testing.assert_array_equal(found[k], wanted[k])


def test_codes_of_a_tile_are_smoothed_as_those_of_the_whole(room, phantom):
    job = room.job(phantom[:1], clustering="kmeans")
    codes = job.codes(whole(job))
    deviation = float(codes.reshape(-1, 2).astype(np.float64).std(axis=0).max())
    wanted = smooth_codes(codes, job.settings.smoothing)
    for tile in (0, 5):
        found, inside = SmoothedCodes(job, deviation).of(tile, StageTimes())
        assert inside.all()
        np.testing.assert_allclose(
            found, wanted[job.tiles[tile].slices].reshape(-1, 2), rtol=1e-4, atol=1e-5
        )


def test_whoever_works_in_whatever_order_leaves_the_same_bytes(  # noqa: PLR0917
    room, half, place_of, backwards, inside, tile_bytes
):
    options = {"clustering": "kmeans", "smoothing": 0.0, "inside": inside[:24]}
    jobs = [room.job(half, **options) for _ in range(3)]
    classes(jobs[0], place_of(jobs[0]), (2,))
    classes(jobs[1], place_of(jobs[1], backwards), (2,))
    with Processes(2, 1) as crew:
        classes(jobs[2], place_of(jobs[2], crew), (2,))
    one, other, several = (tile_bytes(job) for job in jobs)
    assert len(one) == 3 * 4 + 1
    assert one == other == several


@pytest.fixture(scope="module")
def finished(shared_room, half, place_of):
    """A run that is done, for copies of it."""
    job = shared_room.job(half, clustering="kmeans", smoothing=0.0)
    classes(job, place_of(job), (2,))
    return job


@pytest.mark.parametrize("stage", ["spread", "coresets", "coreset", "classes"])
def test_what_was_lost_or_damaged_is_made_again(finished, copied, place_of, tile_bytes, stage):
    job = copied(finished)
    before = tile_bytes(job)
    files = sorted((job.folder / stage).iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-1])
    files[-1].unlink()
    with pytest.warns(DamagedPieceWarning, match="the piece is made again"):
        classes(job, place_of(job), (2,))
    assert tile_bytes(job) == before


def test_a_mask_that_nothing_is_inside_of_is_refused(room, phantom, place_of):
    job = room.job(phantom[:1], clustering="kmeans", inside=np.zeros(phantom.shape[1:]))
    with pytest.raises(VolumeError, match="its mask must hold some voxels that are not 0"):
        classes(job, place_of(job))


def test_more_classes_than_codes_are_refused(room, phantom, place_of):
    blocks = np.zeros_like(phantom[:1])
    blocks[:, 24:] = 1
    job = room.job(blocks, clustering="kmeans")
    with pytest.raises(ClusterCountError, match="distinct codes"):
        classes(job, place_of(job), (2, 30_000))
