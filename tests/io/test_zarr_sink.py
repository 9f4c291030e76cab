import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.image import Image

from gyrovox import io
from gyrovox.errors import OutputSpaceError
from gyrovox.io import zarr_sink as module
from gyrovox.io.zarr_sink import SHARD, create_sink
from gyrovox.patches import lattice
from gyrovox.patches.tiling import SIDE
from gyrovox.volumes import ArraySink, Region, Volume

SHAPE = (50, 300, 140)


@pytest.fixture
def like():
    affine = np.diag([4.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = 5, 6, 7
    return Volume.from_array(
        np.zeros(SHAPE, np.uint8), voxel_size_nm=(4.0, 2.0, 2.0), affine=affine, name="cell"
    )


def sink_of(tmp_path, like, channels=2, dtype="f4", **options):
    return create_sink(
        tmp_path / "a.zarr",
        like=like,
        channels=channels,
        dtype=np.dtype(dtype),
        name="codes",
        **options,
    )


def voxels_of(sink, region):
    """Voxels that say where they are."""
    z, y, x = np.meshgrid(*map(np.arange, region.start, region.stop), indexing="ij")
    one = (z * 7 + y * 3 + x).astype(sink.dtype)
    return np.stack([one + channel for channel in range(sink.shape[0])])


def write_one(sink, region):
    sink.write(region, voxels_of(sink, region))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "f2", "i1", "u2"])
def test_tiles_become_the_volume(tmp_path, like, channels, dtype):
    sink = sink_of(tmp_path, like, channels, dtype)
    assert isinstance(sink, ArraySink)
    for region in lattice(SHAPE):
        write_one(sink, region)
    found = io.read(sink.path)
    assert (found.shape, found.dtype) == ((channels, *SHAPE), np.dtype(dtype))
    np.testing.assert_array_equal(found.read(), voxels_of(sink, Region.whole(SHAPE)))
    assert found.voxel_size_nm == like.voxel_size_nm
    np.testing.assert_allclose(found.affine, like.affine)


def test_it_is_ome_zarr_0_5(tmp_path, like):
    sink = sink_of(tmp_path, like)
    write_one(sink, Region.whole(SHAPE))
    Image.from_zarr(zarr.open_group(sink.path, mode="r"))
    described = zarr.open_group(sink.path, mode="r").attrs["ome"]
    assert described["version"] == "0.5"
    assert described["multiscales"][0]["name"] == "codes"
    labels = sink_of(tmp_path / "..", like, 1, "u1", content="labels")
    assert "image-label" in zarr.open_group(labels.path, mode="r").attrs["ome"]


def test_shards_are_the_sides_of_tiles():
    assert SHARD == SIDE


def test_no_two_tiles_share_a_file(tmp_path, like):
    sink = sink_of(tmp_path, like)
    files = [file for region in lattice(SHAPE) for file in sink.files(region)]
    assert len(set(files)) == len(files)
    for region in lattice(SHAPE):
        before = {path for path in sink.path.rglob("*") if path.is_file()}
        write_one(sink, region)
        after = {path for path in sink.path.rglob("*") if path.is_file()}
        assert after - before == set(sink.files(region))


@pytest.mark.parametrize("value", [0, 5])
def test_every_shard_is_written_even_if_it_holds_one_value_only(tmp_path, like, value):
    sink = sink_of(tmp_path, like, 1, "u1", content="labels")
    region = lattice(SHAPE)[0]
    sink.write(region, np.full((1, *region.shape), value, np.uint8))
    assert all(file.is_file() for file in sink.files(region))


def test_several_processes_write_side_by_side(tmp_path, like):
    sink = sink_of(tmp_path, like)
    assert pickle.loads(pickle.dumps(sink)) == sink
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(sink.write, lattice(SHAPE), [voxels_of(sink, r) for r in lattice(SHAPE)]))
    np.testing.assert_array_equal(io.read(sink.path).read(), voxels_of(sink, Region.whole(SHAPE)))


def test_what_a_killed_process_left_is_replaced_with_the_same_bytes(tmp_path, like):
    sink = sink_of(tmp_path, like)
    region = lattice(SHAPE)[1]  # at the far face, where shards are not full
    write_one(sink, region)
    contents = sink.contents(region)
    for file, _ in contents:
        file.write_bytes(b"torn")
    assert sink.contents(region) != contents
    write_one(sink, region)
    assert sink.contents(region) == contents


def test_an_image_that_is_there_keeps_its_voxels(tmp_path, like):
    sink = sink_of(tmp_path, like)
    write_one(sink, Region.whole(SHAPE))
    assert sink_of(tmp_path, like) == sink
    np.testing.assert_array_equal(io.read(sink.path).read(), voxels_of(sink, Region.whole(SHAPE)))


def test_facts_are_added_to_its_own_attributes(tmp_path, like):
    sink = sink_of(tmp_path, like, 2, "i1")
    sink.describe({"steps": [0.5, 0.25]})
    write_one(sink, Region.whole(SHAPE))
    found = io.read(sink.path)
    np.testing.assert_allclose(found.affine, like.affine)
    stored = voxels_of(sink, Region.whole(SHAPE))
    np.testing.assert_array_equal(found.read()[1], stored[1] * np.float32(0.25))


@pytest.mark.parametrize(
    "region",
    [
        Region((0, 5, 0), (50, 128, 128)),
        Region((0, 0, 0), (50, 130, 140)),
        Region((0, 0, 0), (49, 300, 140)),
        Region((0, 0, 0), (50, 300, 141)),
    ],
)
def test_a_region_that_covers_part_of_a_shard_is_refused(tmp_path, like, region):
    sink = sink_of(tmp_path, like)
    with pytest.raises(ValueError, match=r"inner faces at multiples of 128, .* Take the tiles"):
        write_one(sink, region)
    assert not (sink.path / "0" / "c").exists()


def test_a_full_disk_is_said(tmp_path, like, monkeypatch):
    sink = sink_of(tmp_path, like)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_flush", full)
    with pytest.raises(OutputSpaceError, match="the disk must have room"):
        write_one(sink, Region.whole(SHAPE))
