"""Learning rates that fall by half a cosine as the budget is spent."""

import math

import torch

from benchmarks.quality.comparison.budget import Budget

_STAIRS = 16


def let_rate_fall(optimiser: torch.optim.Optimizer, rate: float, budget: Budget) -> None:
    """Set the learning rate to half a cosine of the budget spent, from the rate down to almost 0.

    In 16 stairs and not smoothly: what is spent at a step differs a little from run to run, and a
    rate that followed it would make two runs of as many steps differ from the first step on.

    Args:
        optimiser: Whose rate is set, in all groups.
        rate: To begin with.
        budget: As far as it is spent.
    """
    stair = min(math.floor(budget.progress() * _STAIRS), _STAIRS - 1) / _STAIRS
    for group in optimiser.param_groups:
        group["lr"] = rate * (1 + math.cos(math.pi * stair)) / 2
