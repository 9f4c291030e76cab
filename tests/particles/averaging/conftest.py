"""A tomogram of molecules in noise, and what is believed of them before they are averaged."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scattered_molecules import molecule, scattered, turn

from gyrovox.particles.averaging import Averager, AveragingRecipe
from gyrovox.volumes import ParticleTable, Volume

RECIPE = AveragingRecipe(
    box_nm=12.0,
    mask_nm=11.0,
    iterations=2,
    initial_resolution_nm=5.0,
    lean_degrees=12.0,
    shift_nm=2.0,
    first_step_degrees=15.0,
    last_step_degrees=4.0,
)


@dataclass(frozen=True)
class Noisy:
    """A tomogram, the truth, and the priors: leaning axes, unknown spins, rough places."""

    tomogram: Volume
    truth: ParticleTable
    priors: ParticleTable
    recipe: AveragingRecipe


@pytest.fixture(scope="session")
def noisy():
    scene = scattered(counts=(2, 3, 3), noise=0.2, wedge=(-60.0, 60.0), seed=1)
    return Noisy(scene.tomogram, scene.truth, roughened(scene.truth), RECIPE)


@pytest.fixture(scope="session")
def start(noisy):
    """Before any alignment, with a reference that grew from nothing."""
    return Averager(noisy.tomogram, noisy.priors, noisy.recipe).start()


@pytest.fixture(scope="session")
def reference():
    """The molecule as a map."""
    return Volume.from_array(molecule(16), voxel_size_nm=(1.0,) * 3, name="reference")


def roughened(truth):
    draw = np.random.default_rng(2)
    rotations = []
    for rotation in truth.rotations:
        lean = turn(_across(draw), draw.uniform(0, 8))
        rotations.append(rotation @ lean @ turn((1, 0, 0), draw.uniform(0, 360)))
    moved = truth.positions + draw.uniform(-0.7, 0.7, truth.positions.shape)
    return replace(truth, positions=moved, rotations=np.stack(rotations))


def _across(draw):
    """A direction across the axis."""
    angle = draw.uniform(0, 2 * np.pi)
    return (0.0, np.sin(angle), np.cos(angle))
