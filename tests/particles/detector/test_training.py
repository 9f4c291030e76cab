"""The loop: it learns, goes on exactly where it was cut off, and says what is wrong."""

import dataclasses
import math

import pytest
import torch

from gyrovox.errors import ParticleError, RunMismatchError, SettingsError, TrainingError
from gyrovox.particles.detector.training import DetectorTraining, share_of_rate, train_detector


def test_the_loss_falls(learned, quick):
    record = learned[1]
    assert record.steps == quick.steps
    assert sum(record.classes[-5:]) < 0.3 * sum(record.classes[:5])
    assert sum(record.boxes[-5:]) < 0.7 * sum(record.boxes[:5])


def test_a_run_that_was_stopped_ends_as_one_that_was_not(examples, settings, shorter, tmp_path):
    def run(**options):
        return train_detector(
            settings, examples, shorter, seed=2, device="cpu", quiet=True, **options
        )

    whole, record = run()
    seen = []

    def after_two():
        seen.append(1)
        return len(seen) == 2

    path = tmp_path / "checkpoint.safetensors"
    _, cut = run(checkpoint=path, should_stop=after_two)
    assert cut.steps == 2
    again, joined = run(checkpoint=path)
    assert joined == record
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_seeds_differ(examples, settings, shorter):
    one, other = (
        train_detector(settings, examples, shorter, seed=seed, device="cpu", quiet=True)[1]
        for seed in (3, 4)
    )
    assert one.classes != other.classes


def test_a_checkpoint_of_another_run_is_refused(examples, settings, shorter, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    brief = dataclasses.replace(shorter, steps=1)
    options = {"device": "cpu", "quiet": True, "checkpoint": path}
    train_detector(settings, examples, brief, seed=0, **options)
    with pytest.raises(RunMismatchError, match="seed is 0, and 1 came"):
        train_detector(settings, examples, brief, seed=1, **options)
    with pytest.raises(RunMismatchError, match="examples"):
        train_detector(settings, examples[:3], brief, seed=0, **options)


def test_a_loss_that_is_no_number_ends_it(examples, settings, shorter):
    spoilt = dataclasses.replace(examples[0], voxels=examples[0].voxels * math.nan)
    with pytest.raises(TrainingError, match="the loss must stay finite, and is nan after 0 steps"):
        train_detector(settings, [spoilt], shorter, seed=0, device="cpu", quiet=True)


def test_it_must_learn_from_particles(examples, settings, shorter):
    empty = dataclasses.replace(
        examples[0], boxes=examples[0].boxes[:0], classes=examples[0].classes[:0]
    )
    with pytest.raises(ParticleError, match=r"none of 1 tomograms has one of \('ball', 'hole'\)"):
        train_detector(settings, [empty], shorter, seed=0, device="cpu", quiet=True)


def test_the_learning_rate_rises_and_falls():
    rates = [share_of_rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == rates[30] == 1
    assert rates == sorted(rates[:31]) + sorted(rates[31:], reverse=True)
    assert rates[-1] < 2e-3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps and batch must be at least 1, got 0 and 2"),
        ({"crop": (40, 96, 96)}, r"multiples of 16, got \(40, 96, 96\)"),
        ({"learning_rate": -1.0}, "learning rate must be 0 or positive, got -1"),
        ({"weight_decay": math.nan}, "learning decay must be 0 or positive, got nan"),
    ],
)
def test_what_no_training_can_use_is_refused(changed, message):
    with pytest.raises(SettingsError, match=message):
        dataclasses.replace(DetectorTraining(), **changed)
