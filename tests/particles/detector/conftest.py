"""Balls in noise, and a small detector that has learned to find them."""

import dataclasses

import numpy as np
import pytest

from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.particle_detector import ParticleDetector
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.detector.simulated_examples import simulated_example
from gyrovox.particles.detector.training import DetectorTraining, train_detector

SETTINGS = DetectorSettings(
    classes=("ball", "hole"), anchors_nm=((32.0, 40.0),), stages=(8, 12), pyramid_channels=12
)


def balls(seed, shape=(16, 48, 48), count=4):
    """Bright balls and dark ones of 9 voxels, none of which touch, in noise of 1."""
    generator = np.random.default_rng(seed)
    grid = np.indices(shape).astype(np.float32)
    voxels = generator.standard_normal(shape, dtype=np.float32)
    centres, classes = [], []
    while len(centres) < count:
        centre = generator.uniform(6, np.array(shape) - 6)
        if any(np.linalg.norm(centre - other) < 12 for other in centres):
            continue
        radius = np.linalg.norm(grid - centre[:, None, None, None], axis=0)
        kind = len(centres) % 2
        voxels[radius < 4.5] += -5.0 if kind else 5.0
        centres.append(centre)
        classes.append(kind)
    boxes = np.concatenate([np.array(centres), np.full((count, 3), 9.0)], axis=1)
    return Example(voxels=voxels, boxes=boxes.astype(np.float32), classes=np.array(classes))


@pytest.fixture(scope="session", name="balls")
def make_balls():
    return balls


@pytest.fixture(scope="session")
def simulated():
    """A simulated tomogram of a seed that no detector learned from."""
    return simulated_example(DetectorSettings(), seed=123_456, number=3)


@pytest.fixture(scope="session")
def settings():
    return SETTINGS


@pytest.fixture(scope="session")
def examples():
    return [balls(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def unseen():
    return [balls(seed) for seed in range(100, 103)]


@pytest.fixture(scope="session")
def quick():
    return DetectorTraining(steps=150, batch=2, crop=(16, 32, 32), learning_rate=1e-2)


@pytest.fixture(scope="session")
def learned(examples, quick):
    """A network, and its losses."""
    return train_detector(SETTINGS, examples, quick, seed=0, device="cpu", quiet=True)


@pytest.fixture(scope="session")
def trained(learned, quick):
    return ParticleDetector(learned[0], threshold=0.2, about={"steps": quick.steps})


@pytest.fixture(scope="session")
def shorter(quick):
    return dataclasses.replace(quick, steps=6)
