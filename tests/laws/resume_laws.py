"""What must be so of any training run that is cut off and goes on."""

import itertools

import torch

from gyrovox.models import HyperbolicVAE
from gyrovox.training import train
from gyrovox.training.checkpoint import read_checkpoint, run_facts


def new_model(settings):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return HyperbolicVAE(settings, in_channels=1)


def stopping_after(steps):
    """A reason to stop after so many steps of one call."""
    asked = itertools.count(1)
    return lambda: next(asked) >= steps


def run(model, volumes, settings, path, **options):
    """A call of `train` as a process makes it that knows nothing of earlier ones."""
    vae = new_model(model)
    record = train(vae, volumes, settings, seed=5, quiet=True, checkpoint=path, **options)
    return vae, record


def everything_in(path, model, volumes, settings):
    """Parameters, optimiser, random streams and record, as the checkpoint has them."""
    return read_checkpoint(path, run_facts(new_model(model), volumes, settings, seed=5))


def check_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name], value), name
