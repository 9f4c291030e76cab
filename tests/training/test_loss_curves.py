"""Curves that are kept with a model."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from gyrovox.training.loss_curves import LossCurves, stored_curves
from gyrovox.training.state import TrainingRecord


def record(steps):
    values = np.random.default_rng(0).normal(30, 5, (4, steps)).tolist()
    return TrainingRecord(*values)


def test_a_short_run_is_kept_step_by_step_to_six_digits():
    kept, whole = LossCurves.of(record(37)), record(37)
    assert (kept.steps, kept.block) == (37, 1)
    for name, values in whole.columns().items():
        np.testing.assert_allclose(kept.columns()[name], values, rtol=5e-6)


def test_a_long_run_is_kept_as_means_over_blocks():
    kept, whole = LossCurves.of(record(1001)), record(1001)
    assert kept.block == 3
    assert len(kept.loss) == 334
    assert kept.loss[5] == pytest.approx(np.mean(whole.loss[15:18]), rel=1e-5)
    assert kept.triplet[-1] == pytest.approx(np.mean(whole.triplet[999:]), rel=1e-5)


def test_curves_stay_small_however_long_the_run():
    assert len(json.dumps(asdict(LossCurves.of(record(100_000))))) < 30_000


def test_no_step_is_no_curve():
    assert LossCurves.of(record(0)).loss == ()


def test_they_come_back_from_json():
    kept = LossCurves.of(record(10))
    assert stored_curves(json.loads(json.dumps(asdict(kept)))) == kept


def test_other_values_are_refused():
    with pytest.raises(ValueError, match="block"):
        stored_curves({"steps": 3})


def test_a_model_of_before_has_none():
    assert stored_curves(None) is None
