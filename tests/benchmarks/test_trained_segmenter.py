"""Training for as long as a budget allows."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.trained_segmenter import trained_segmenter

from gyrovox.settings import configuration
from gyrovox.volumes import Volume

SMALL = configuration("default")
SMALL = replace(
    SMALL, training=replace(SMALL.training, crop_size=8, positions=32, triplets=32, scales=(1,))
)


@pytest.fixture(scope="module")
def volumes():
    voxels = np.random.default_rng(0).standard_normal((1, 24, 24, 24)).astype(np.float32)
    return [Volume.from_array(voxels)]


def test_no_more_steps_are_made_than_allowed_and_all_are_counted(volumes):
    budget = Budget(60.0, most_steps=2)
    found = trained_segmenter(SMALL, volumes, seed=0, budget=budget)
    assert found.record_.steps == 2
    assert budget.made == 4  # two of the trial


def test_the_budget_is_spent_on_a_schedule_that_ends_with_it(volumes):
    budget = Budget(1.0)
    found = trained_segmenter(SMALL, volumes, seed=0, budget=budget)
    asked = found.configuration_.training.steps
    assert budget.made == found.record_.steps + 5
    assert budget.progress() > 0.6
    assert found.record_.steps >= 0.6 * asked
