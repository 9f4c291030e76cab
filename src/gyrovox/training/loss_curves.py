"""What a finished training looked like, small enough to be kept in a model file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from pydantic import TypeAdapter

from gyrovox.training.state import TrainingRecord

_MOST = 400  # means that are kept of each curve
_DIGITS = 6


@final
@dataclass(frozen=True)
class LossCurves:
    """The losses of a training run: means over blocks of equally many steps.

    Args:
        steps: How many steps were taken.
        block: Steps that a mean is over; the last block may be shorter.
        loss: What was made small, by block.
        reconstruction: log p(x | z), in nats a patch.
        divergence: log q(z | x) - log p(z), in nats a patch.
        triplet: Hierarchical triplet loss, a length in latent space.
    """

    steps: int
    block: int
    loss: tuple[float, ...]
    reconstruction: tuple[float, ...]
    divergence: tuple[float, ...]
    triplet: tuple[float, ...]

    @classmethod
    def of(cls, record: TrainingRecord) -> "LossCurves":
        """The curves of a record, each of at most 400 means of 6 digits.

        Args:
            record: What each step's loss was.

        Returns:
            The curves.
        """
        block = max(1, -(-record.steps // _MOST))
        means = {name: _means(values, block) for name, values in record.columns().items()}
        return cls(record.steps, block, **means)

    def columns(self) -> Mapping[str, tuple[float, ...]]:
        """The curves by name."""
        return {
            "loss": self.loss,
            "reconstruction": self.reconstruction,
            "divergence": self.divergence,
            "triplet": self.triplet,
        }


def stored_curves(values: object) -> LossCurves | None:
    """The curves that a model file holds as plain values.

    Args:
        values: What `dataclasses.asdict` made of them, read from JSON; None where there are none.

    Returns:
        The curves, or None.

    Raises:
        ValueError: If the values are no curves.
    """
    return TypeAdapter(LossCurves | None).validate_python(values)


def _means(values: list[float], block: int) -> tuple[float, ...]:
    """Means over blocks of values."""
    array = np.asarray(values, np.float64)
    starts = np.arange(0, len(array), block)
    if not len(starts):
        return ()
    lengths = np.diff(np.append(starts, len(array)))
    means = np.add.reduceat(array, starts) / lengths
    return tuple(float(f"{mean:.{_DIGITS}g}") for mean in means)
