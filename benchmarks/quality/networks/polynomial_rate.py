"""Learning rates that fall by a power of what is left of the budget."""

import math

from benchmarks.quality.comparison.budget import Budget

_STAIRS = 20


def remaining(budget: Budget, begun: float = 0.0) -> float:
    r"""What the first rate is multiplied by: :math:`(1 - t)^{0.9}`.

    t goes from 0 to 1 in stairs, not smoothly: seconds are never the same twice, and a rate that
    followed them would make every run differ from its first step on.

    Args:
        budget: Which is spent.
        begun: Part of it that was not this loop's.

    Returns:
        From 1 to near 0, and never 0.

    Source:
        Jiang, Ding, Liu & Tao (2020), section 3.2, for the exponent.
    """
    part = (budget.progress() - begun) / (1 - begun)
    stair = min(max(math.floor(_STAIRS * part), 0), _STAIRS - 1)
    return float((1 - stair / _STAIRS) ** 0.9)
