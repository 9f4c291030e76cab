"""What every method of the comparison keeps to, on small volumes and in two steps of training."""

import re

import numpy as np
import pytest
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.comparison.found_methods import found_methods

from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

METHODS = found_methods()
SHAPE = (24, 26, 28)
LEVELS = (2, 4, 8)


def pair(seed, *, channels=1):
    phantom = cell_phantom(seed, shape=SHAPE)
    image = np.stack([phantom.image, -phantom.image][:channels])
    return Volume.from_array(image), dict(zip(LEVELS, phantom.truths, strict=True))


def ran(method, *, channels=1, seed=0):
    made = method(seed=seed, budget=Budget(60.0, most_steps=2))
    pairs = [pair(one, channels=channels) for one in (1, 2)]
    made.fit([one for one, _ in pairs], [t for _, t in pairs] if method.uses_truths else None)
    volume, truth = pair(3, channels=channels)
    if method.scribbles:
        painted = np.random.default_rng(0).random(SHAPE) < 0.05
        made.shown({k: np.where(painted, one.astype(np.int64), -1) for k, one in truth.items()})
    return made.segment(volume, LEVELS)


@pytest.fixture(scope="module", params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.fixture(scope="module")
def labels(method):
    return ran(method)


def test_it_labels_every_voxel_with_no_more_classes_than_asked_for(labels):
    assert list(labels) == list(LEVELS)
    for k, one in labels.items():
        assert one.shape == SHAPE
        assert np.issubdtype(one.dtype, np.integer)
        assert 1 <= len(np.unique(one)) <= k


def test_the_same_seed_gives_the_same_labels(method, labels):
    for k, one in ran(method).items():
        np.testing.assert_array_equal(one, labels[k])


def test_it_takes_several_channels(method):
    assert ran(method, channels=2)[2].shape == SHAPE


def test_it_says_what_it_is(method):
    assert re.fullmatch(r"[a-z0-9-]+", method.name)
    assert method.title
    assert (method.labels != "none") == (method.uses_truths or method.scribbles > 0), (
        "labels are used, or `none`"
    )
