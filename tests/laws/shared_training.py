"""A program for torchrun: trains small models, and leaves what every process has in a folder.

``torchrun --nproc-per-node N shared_training.py KINDS FOLDER [HOW RANK STEP]``: one model of every
kind (``dense,patch``), after each other, in ``FOLDER/KIND``. With the last three, that process
kills itself with SIGKILL in the middle of that step (HOW is ``die``), or is asked to stop after it
(``stop``).
"""

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from gyrovox.models import HyperbolicVAE
from gyrovox.settings import ModelSettings, TrainingSettings
from gyrovox.training import DenseStep, PatchStep, current_group, never, process_group, train

MODELS = {
    "dense": ModelSettings(channels=(4, 4, 4), hidden=8, decoder_channels=(8,)),
    "patch": ModelSettings(
        encoder="patch", channels=(4, 4, 4, 4), hidden=8, likelihood="unit-normal"
    ),
}
SETTINGS = TrainingSettings(
    steps=8, batches=2, crop_size=10, positions=32, triplets=64, batch_size=8
)


def voxels():
    draws = np.random.default_rng(0).normal(size=(2, 1, 22, 20, 21)).astype(np.float32)
    return [torch.from_numpy(one) for one in draws]


def trained(kind, checkpoint=None, should_stop=never):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = HyperbolicVAE(MODELS[kind], in_channels=1)
    torch.manual_seed(current_group().rank)  # which must not matter
    record = train(
        vae,
        voxels(),
        SETTINGS,
        seed=5,
        quiet=True,
        checkpoint=checkpoint,
        checkpoint_every_s=0.0,
        should_stop=should_stop,
    )
    return vae, record


def die_in(step):
    """Let this process end as the kernel ends it, once it has begun a step (from 1)."""
    begun = 0
    for kind in (DenseStep, PatchStep):
        loss = kind.loss

        def watched(self, voxels, *, generator, loss=loss):
            nonlocal begun
            begun += 1
            if begun == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return loss(self, voxels, generator=generator)

        kind.loss = watched


def main(kinds, folder, how="", rank="-1", step="0"):
    torch.set_num_threads(1)
    with process_group() as group:
        is_meant = group.rank == int(rank)
        if is_meant and how == "die":
            die_in(int(step))
        for kind in kinds.split(","):
            leave(kind, Path(folder) / kind, group, int(step) if is_meant and how == "stop" else 0)


def leave(kind, folder, group, stop):
    """Train a model, up to a step (from 1) if it is not 0, and leave what this process has."""
    folder.mkdir(exist_ok=True)
    steps = itertools.count(1)
    vae, record = trained(
        kind, folder / "checkpoint.safetensors", lambda: bool(stop) and next(steps) == stop
    )
    own = folder / f"rank-{group.rank}"
    torch.save(vae.state_dict(), own.with_suffix(".pt"))
    own.with_suffix(".json").write_text(json.dumps([group.size, *record.columns().values()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
