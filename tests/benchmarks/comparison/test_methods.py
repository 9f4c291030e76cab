"""What every method of the comparison keeps to, on small volumes of two channels, in two steps."""

import re

import numpy as np
import pytest
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.comparison.found_methods import found_methods

from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

METHODS = found_methods()
# Rows of one ablation differ by settings: one of them is run.
ALIKE = {name for name in METHODS if name.startswith("ablation-")}
RUN = sorted(METHODS.keys() - ALIKE | {"ablation-hyperbolic-both"})
SHAPE = (18, 20, 22)
LEVELS = (2, 4, 8)


def pair(seed):
    """A volume of two channels, and its truth."""
    phantom = cell_phantom(seed, shape=SHAPE)
    image = np.stack([phantom.image, 1 - 2 * phantom.image[::-1]])
    return Volume.from_array(image), dict(zip(LEVELS, phantom.truths, strict=True))


def ran(method):
    made = method(seed=0, budget=Budget(60.0, most_steps=2))
    pairs = [pair(one) for one in (1, 2)]
    made.fit([one for one, _ in pairs], [t for _, t in pairs] if method.uses_truths else None)
    volume, truth = pair(3)
    if method.scribbles:
        painted = np.random.default_rng(0).random(SHAPE) < 0.05
        made.shown({k: np.where(painted, one.astype(np.int64), -1) for k, one in truth.items()})
    return made.segment(volume, LEVELS)


@pytest.mark.parametrize("name", RUN)
def test_it_labels_every_voxel_and_the_same_seed_gives_the_same_labels(name):
    labels = ran(METHODS[name])
    assert list(labels) == list(LEVELS)
    for k, one in labels.items():
        assert one.shape == SHAPE
        assert np.issubdtype(one.dtype, np.integer)
        assert 1 <= len(np.unique(one)) <= k
    for k, one in ran(METHODS[name]).items():
        np.testing.assert_array_equal(one, labels[k])


@pytest.mark.parametrize("name", METHODS)
def test_it_says_what_it_is(name):
    method = METHODS[name]
    assert re.fullmatch(r"[a-z0-9-]+", method.name)
    assert method.title
    assert (method.labels != "none") == (method.uses_truths or method.scribbles > 0), (
        "labels are used, or `none`"
    )
