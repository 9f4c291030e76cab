"""A segmenter of ours that learned for as long as a budget allows."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.quality.comparison.budget import Budget
from gyrovox import HierarchicalSegmenter
from gyrovox.settings import Configuration
from gyrovox.volumes import Volume

_TRIAL = 8  # steps that show what a step takes
_SLOW = 3  # of these, as everything is done for the first time


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
    stamps: list[float] = []
    _fitted(settings, volumes[:1], seed, budget, steps=_TRIAL, share=0.5, stamps=stamps)
    used = stamps[min(_SLOW, len(stamps) - 1) :]
    each = (used[-1] - used[0]) / max(1, len(used) - 1)
    left = (1 - budget.progress()) / each if each > 0 else 1.0
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
    stamps: list[float] | None = None,
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
        if stamps is not None:
            stamps.append(budget.progress())
        # Asked after the last step too, which must not be counted as another.
        return taken < steps and next(turns, None) is None

    return segmenter.fit(volumes, should_stop=should_stop)
