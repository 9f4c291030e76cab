"""A large little volume: four tiles, and a model to embed it with; and smaller ones still."""

import itertools
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest

from gyrovox import io
from gyrovox.execution import Executor, Ledger, Serial, StageTimes
from gyrovox.pipeline import ModelFile, TileJob, VolumeFile, Workplace
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import Configuration, ModelSettings, SegmentationSettings, TrainingSettings
from gyrovox.volumes import Volume, normalisation_of
from gyrovox.volumes.phantom_cell import cell_phantom

TINY = Configuration(
    model=ModelSettings(channels=(4, 4, 4), hidden=8, decoder_channels=(8,)),
    training=TrainingSettings(steps=2, crop_size=10, positions=32, triplets=64),
)
SHAPE = (40, 170, 200)
SIDE = 24
NM = (2.0, 2.0, 2.0)


@pytest.fixture(scope="session")
def volume_file(tmp_path_factory):
    """Voxels of 2 nm that are brighter along x, as OME-Zarr."""
    voxels = np.random.default_rng(0).normal(50, 9, SHAPE) + np.arange(SHAPE[2])
    path = tmp_path_factory.mktemp("volumes") / "cell.ome.zarr"
    volume = Volume.from_array(voxels.astype(np.float32), voxel_size_nm=NM)
    io.write(volume, path)
    return path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory, volume_file):
    """A model that has seen a corner of the volume for two steps."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    corner = io.read(volume_file).read()[0, :24, :24, :24]
    segmenter = HierarchicalSegmenter(TINY, device="cpu", quiet=True)
    segmenter.fit(Volume.from_array(corner, voxel_size_nm=NM)).save(path)
    return path


@pytest.fixture(scope="session")
def phantom():
    """Voxels of a little cell, two channels, which 8 tiles cover: (2, 48, 50, 52)."""
    image = cell_phantom(200, shape=(48, 50, 52)).image
    return np.stack([image, image[::-1, ::-1] + 1])


@pytest.fixture(scope="session")
def half(phantom):
    """Half of the little cell, one channel, which 4 tiles cover: (1, 24, 50, 52)."""
    return phantom[:1, :24]


@pytest.fixture(scope="session")
def two_channel_model(tmp_path_factory, phantom):
    """A model that has seen a corner of the little cell for two steps."""
    path = tmp_path_factory.mktemp("models") / "two.safetensors"
    corner = Volume.from_array(phantom[:, :24, :24, :24], voxel_size_nm=NM)
    HierarchicalSegmenter(TINY, device="cpu", quiet=True).fit(corner).save(path)
    return path


@dataclass(frozen=True)
class Room:
    """Where jobs are made; each call makes a run of its own."""

    path: object
    models: dict
    numbers: object

    def job(self, voxels, *, inside=None, voxel_size_nm=NM, side=SIDE, **settings):
        folder = self.path / f"run-{next(self.numbers)}"
        folder.mkdir()
        volume, mask = folder / "volume.ome.zarr", None
        io.write(Volume.from_array(voxels, voxel_size_nm=voxel_size_nm), volume)
        if inside is not None:
            mask = folder / "mask.ome.zarr"
            io.write(Volume.from_array(inside.astype(np.uint8), voxel_size_nm=voxel_size_nm), mask)
        return TileJob(
            volume=VolumeFile.of(str(volume)),
            mask=VolumeFile.of(None if mask is None else str(mask)),
            model=ModelFile(self.models[len(voxels)], "cpu"),
            normalisation=normalisation_of(io.read(volume)),
            settings=SegmentationSettings(**settings),
            side=side,
            folder=folder,
        )


@pytest.fixture(scope="session")
def models(model_file, two_channel_model):
    """Models by the number of channels that they have seen."""
    return {1: model_file, 2: two_channel_model}


@pytest.fixture
def room(tmp_path, models):
    return Room(tmp_path, models, itertools.count())


@pytest.fixture(scope="module")
def shared_room(tmp_path_factory, models):
    """Where runs are made that several tests of a module begin with copies of."""
    return Room(tmp_path_factory.mktemp("shared"), models, itertools.count())


@pytest.fixture
def copied(tmp_path):
    """A finished run once more, to do harm to."""

    def copy(job):
        return replace(job, folder=shutil.copytree(job.folder, tmp_path / "copy"))

    return copy


class Backwards(Executor):
    """The last item first."""

    def map(self, task, items):
        for index in reversed(range(len(items))):
            yield index, task(items[index])

    def close(self):
        pass


@pytest.fixture
def backwards():
    return Backwards()


@pytest.fixture(scope="session")
def place_of():
    """Who works on a job: this process by default."""

    def place(job, executor=None):
        ledger = Ledger(job.folder, fingerprint={"run": "of a test"})
        return Workplace(executor or Serial(), ledger, StageTimes(), quiet=True)

    return place


@pytest.fixture
def tile_bytes():
    """What a run has left of its stages: bytes by name."""

    def found(job):
        return {
            str(path.relative_to(job.folder)): path.read_bytes()
            for path in job.folder.rglob("*.npz")
        }

    return found
