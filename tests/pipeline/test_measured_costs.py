"""What is measured on an excerpt, and whether it foretells what a whole volume takes."""

import math
from dataclasses import asdict, replace
from importlib import import_module

import numpy as np
import pytest

from gyrovox import io
from gyrovox.execution import Ledger, Processes, StageTimes
from gyrovox.pipeline import (
    ModelFile,
    TileJob,
    Trial,
    VolumeFile,
    Workplace,
    build_trunk,
    machine_at,
    measured_costs,
)
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume, normalisation_of

WORKERS = 2
NM = (2.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def trial(volume_file, model_file):
    return Trial(
        volume=io.read(volume_file),
        model=model_file,
        configuration=HierarchicalSegmenter.load(model_file, quiet=True).configuration_,
        device="cpu",
        threads=WORKERS,
        workers=WORKERS,
    )


def job_of(trial, volume_file, folder):
    return TileJob(
        volume=VolumeFile.of(str(volume_file)),
        mask=VolumeFile.of(None),
        model=ModelFile(trial.model, "cpu"),
        normalisation=normalisation_of(trial.volume),
        settings=trial.segmentation,
        side=64,
        folder=folder,
    )


# Time is not tested here, on a machine that may be busy: benchmarks/speed/scale.py writes what was
# foreseen beside what it took.
@pytest.mark.slow
def test_tiles_take_the_memory_and_disk_that_was_foreseen_within_a_factor_of_two(
    trial, tmp_path, tmp_path_factory
):
    costs = measured_costs(trial, tmp_path_factory.mktemp("trial"))
    part = tmp_path_factory.mktemp("part") / "part.ome.zarr"
    io.write(Volume.from_array(trial.volume.read()[0, :, :100, :128], voxel_size_nm=NM), part)
    job, times = job_of(trial, part, tmp_path), StageTimes()
    with Processes(WORKERS, 1) as crew:
        build_trunk(job, Workplace(crew, Ledger(tmp_path, fingerprint={}), times, quiet=True))
    peak = max(one.peak_bytes for one in times.spent if one.voxels)
    foreseen = costs.process_bytes + costs.tile_bytes * 64**3
    assert peak / 2 < foreseen < 2 * peak
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert kept / 2 < costs.kept_bytes * job.voxels < 2 * kept


@pytest.mark.slow
@pytest.mark.parametrize("clustering", ["tree", "kmeans"])
def test_everything_is_measured_with_training_too(trial, tmp_path, clustering):
    settings = SegmentationSettings(clustering=clustering)
    corner = trial.volume.read()[:, :30, :30, :40].astype(np.uint8)
    found = measured_costs(
        replace(
            trial,
            volume=Volume.from_array(corner),
            model=None,
            configuration=replace(trial.configuration, segmentation=settings),
        ),
        tmp_path,
    )
    tiles = {"tree": {"regions", "leaves"}, "kmeans": {"smooth", "assign"}}[clustering]
    assert tiles | {"embed", "write"} <= set(found.stages)
    values = asdict(found)
    assert all(seconds > 0 for seconds in values.pop("stages").values())
    if clustering == "kmeans":  # no units of noise, and no graph
        assert values.pop("noise_s") == values.pop("graph_s") == 0
    values.pop("tile_bytes")  # of so small a volume, it may be nothing
    assert all(0 < value < math.inf for value in values.values()), values


def test_a_volume_that_is_empty_in_the_middle_is_measured_on_noise(trial, tmp_path, monkeypatch):
    # By its whole name: the package gives out the function that is called as its module is.
    monkeypatch.setattr(import_module("gyrovox.pipeline.measured_costs"), "_SIDE", 24)
    voxels = np.zeros((20, 60, 30), np.int16)
    voxels[0, 0, 0] = 7
    empty = replace(trial, volume=Volume.from_array(voxels))
    assert measured_costs(empty, tmp_path).stages["features"] > 0


def test_a_machine_has_cores_memory_and_disk(tmp_path):
    found = machine_at(tmp_path / "not" / "there" / "yet")
    assert found.cores >= 1
    assert found.memory_bytes > 2**20
    assert found.disk_bytes is None or found.disk_bytes > 0
