"""A segmenter of ours that learned for as long as a budget allows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.quality.comparison.budget import Budget
from gyrovox import HierarchicalSegmenter
from gyrovox.settings import Configuration
from gyrovox.volumes import Volume

_TRIAL = 5  # steps that show what a step takes
_MOST = 1_000_000  # steps, where nothing else bounds them


def trained_segmenter(
    settings: Configuration, volumes: Sequence[Volume], *, seed: int, budget: Budget
) -> HierarchicalSegmenter:
    """Train on volumes until the budget is spent, with a schedule that ends there.

    The learning rate decays over a number of steps that is set beforehand. So a few steps of a
    segmenter that is thrown away show how many there is time for, and they count.

    Args:
        settings: The configuration; its number of steps is replaced.
        volumes: What to learn from.
        seed: Of everything that is drawn.
        budget: Seconds and device.

    Returns:
        The fitted segmenter.
    """
    _, ends = _fitted(settings, volumes[:1], seed, budget, steps=_TRIAL, share=0.5)
    # The median: the first steps also load and set up what later ones use again.
    step = np.median(np.diff(ends)) if len(ends) > 1 else ends[0]
    most = budget.most_steps or _MOST
    fitting = most if step == 0 else int((1 - budget.progress()) / step)
    steps = max(1, min(most, fitting))
    return _fitted(settings, volumes, seed, budget, steps=steps, share=1.0)[0]


def _fitted(
    settings: Configuration,
    volumes: Sequence[Volume],
    seed: int,
    budget: Budget,
    *,
    steps: int,
    share: float,
) -> tuple[HierarchicalSegmenter, list[float]]:
    """A segmenter after so many steps or a share of the budget, and its part that each ended at."""
    training = replace(settings.training, steps=steps)
    segmenter = HierarchicalSegmenter(
        replace(settings, training=training),
        seed=seed,
        device=str(budget.device),
        threads=1,
        quiet=True,
    )
    turns = budget.steps(share)
    next(turns)
    ends: list[float] = []

    def should_stop() -> bool:
        ends.append(budget.progress())
        # Asked after the last step too, which must not be counted as another.
        return len(ends) < steps and next(turns, None) is None

    return segmenter.fit(volumes, should_stop=should_stop), ends
