"""`gyrovox train-detector`: a detector from folders, or from simulated tomograms."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.io.particle_files import write_particles
from gyrovox.particles.detector import simulated_examples as module
from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.particle_detector import ParticleDetector
from gyrovox.volumes import ParticleTable, Volume

BRIEF = ("--steps", "2", "--threads", "1", "--device", "cpu", "--quiet")


def dark_ball(seed, shape=(24, 32, 32)):
    generator = np.random.default_rng(seed)
    centre = generator.uniform(10, np.array(shape) - 10)
    gaps = np.linalg.norm(np.indices(shape) - centre[:, None, None, None], axis=0)
    voxels = generator.standard_normal(shape).astype(np.float32)
    voxels[gaps < 10] -= 3
    return voxels, centre


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders with a tomogram and a ball of 80 nm each."""
    paths = []
    for seed in range(2):
        folder = tmp_path_factory.mktemp(f"data{seed}")
        voxels, centre = dark_ball(seed)
        volume = Volume.from_array(voxels, voxel_size_nm=(4.0, 4.0, 4.0))
        io.write(volume, folder / "tomogram.mrc")
        table = ParticleTable(
            positions=centre[None],
            shape=voxels.shape,
            voxel_size_nm=4.0,
            classes=("ball",),
            diameters_nm=np.array([80.0]),
        )
        write_particles(table, folder / "particles.star")
        paths.append(folder)
    return paths


@pytest.fixture
def simulated(monkeypatch):
    """Balls instead of simulated tomograms."""

    def ball(_settings, *, seed, number):
        voxels, centre = dark_ball(100 * seed + number)
        boxes = np.array([[*centre, 20, 20, 20]], np.float32)
        return Example(voxels=-voxels, boxes=boxes, classes=np.array([0]))

    monkeypatch.setattr(module, "simulated_example", ball)


def test_it_learns_from_folders(run, folders, tmp_path):
    output = tmp_path / "out" / "detector.safetensors"
    done = run("train-detector", "-o", output, "--data", *folders, "--classes", "ball", *BRIEF)
    assert done.code == 0, done.err
    detector = ParticleDetector.load(output)
    assert detector.settings.classes == ("ball",)
    assert detector.settings.voxel_size_nm == pytest.approx(80 / 1.05 / 20)
    assert detector.about["steps"] == 2
    assert detector.about["data"] == [str(folder) for folder in folders]
    assert list(output.parent.iterdir()) == [output]
    assert done.out.startswith(f"F1 {detector.about['F1 held out']} on 1 tomograms")


def test_it_learns_from_simulated_tomograms(run, simulated, tmp_path):
    output = tmp_path / "detector.safetensors"
    done = run("train-detector", "-o", output, "--tomograms", 3, "--seed", 5, *BRIEF)
    assert done.code == 0, done.err
    detector = ParticleDetector.load(output)
    assert detector.settings.classes == ("virion",)
    assert detector.about["seed"] == 5
    assert detector.about["held out"] == 1
    done = run("train-detector", "-o", output, "--tomograms", 3, *BRIEF)
    assert done.code == 1
    assert "must not exist yet" in done.err


def test_an_interrupted_run_goes_on(run, simulated, tmp_path, monkeypatch):
    from gyrovox.particles.detector import training

    output = tmp_path / "detector.safetensors"
    whole = tmp_path / "whole.safetensors"
    words = ("--tomograms", 3, *BRIEF, "--checkpoint-every", 0)
    assert run("train-detector", "-o", whole, *words).code == 0
    step = training._Run.step

    def cut_off(self, examples):
        if self.record.steps == 1:
            raise KeyboardInterrupt
        step(self, examples)

    monkeypatch.setattr(training._Run, "step", cut_off)
    done = run("train-detector", "-o", output, *words)
    assert done.code == 130
    assert "the same command goes on from what is finished" in done.err
    assert not output.exists()
    monkeypatch.setattr(training._Run, "step", step)
    assert run("train-detector", "-o", output, *words).code == 0
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "a.mrc"), "a detector's name must end in .safetensors, got 'a.mrc'"),
        (("-o", "a.safetensors", "--seed", -1), "--seed must not be negative, got -1"),
        (("-o", "a.safetensors", "--steps", 0), "--steps must be at least 1, got 0"),
        (("-o", "a.safetensors", "--tomograms", 1), "--tomograms must be at least 2"),
        (("-o", "a.safetensors", "--workers", 0), "--workers must be at least 1, got 0"),
        (("-o", "a.safetensors", "--voxel-size-nm", 0), "--voxel-size-nm must be positive"),
        (("-o", "a.safetensors", "--checkpoint-every", -1), "--checkpoint-every must be 0 or"),
        (("-o", "a.safetensors", "--classes", "golgi"), "and 'golgi' came"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(run, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("train-detector", *words)
    assert done.code == 1
    assert message in done.err
    assert list(tmp_path.iterdir()) == []
