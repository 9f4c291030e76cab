"""A segmenter of ours that learned for as long as a budget allows."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.quality.comparison.budget import Budget
from gyrovox import HierarchicalSegmenter
from gyrovox.settings import Configuration
from gyrovox.volumes import Volume

_TRIAL = 5  # steps that show what a step takes


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
    trial = _fitted(settings, volumes[:1], seed, budget, steps=_TRIAL, share=0.5)
    del trial
    before = budget.made
    spent = budget.progress()
    left = 1.0 if spent == 0 else (1 - spent) * before / spent
    most = budget.most_steps or 10**6
    return _fitted(settings, volumes, seed, budget, steps=max(1, min(most, int(left))), share=1.0)


def _fitted(
    settings: Configuration,
    volumes: Sequence[Volume],
    seed: int,
    budget: Budget,
    *,
    steps: int,
    share: float,
) -> HierarchicalSegmenter:
    training = replace(settings.training, steps=steps)
    segmenter = HierarchicalSegmenter(
        replace(settings, training=training),
        seed=seed,
        device=str(budget.device),
        threads=1,
        quiet=True,
    )
    turns = budget.steps(share)
    taken = next(turns)

    def should_stop() -> bool:
        nonlocal taken
        taken += 1
        # Asked after the last step too, which must not be counted as another.
        return taken < steps and next(turns, None) is None

    return segmenter.fit(volumes, should_stop=should_stop)
