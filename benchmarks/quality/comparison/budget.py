"""How long a method may learn: seconds of a processor, the same for all of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch


@dataclass
class Budget:
    """Seconds that a method may train, all its parts together.

    Seconds and not steps: a step of one method costs a hundred times that of another. On a CPU they
    are seconds of the processor, so that other work beside does not count; on a GPU, of the clock.

    Args:
        seconds: What may be spent on training.
        most_steps: Steps after which a loop ends whatever the time; for tests.
        device: Where the method trains.
    """

    seconds: float = 60.0
    most_steps: int | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    made: int = field(default=0, init=False)
    """Steps that were made, of all loops together."""

    _begun: float | None = field(default=None, init=False)

    def steps(self, share: float = 1.0) -> Iterator[int]:
        """Number steps from 0 until a share of the whole budget is spent, and at least one.

        Time counts from the first step of the first loop. A method of two stages asks twice, say
        ``steps(0.5)`` and then ``steps(1.0)``: the second goes on until the whole is spent.

        Args:
            share: Part of the whole budget at which this loop ends, above 0, at most 1.

        Yields:
            0, 1, 2, ...
        """
        if self._begun is None:
            self._begun = self.now()
        step = 0
        while step == 0 or not self._spent(step, share):
            self.made += 1
            yield step
            step += 1

    def progress(self) -> float:
        """Part of the budget that is spent, 0 to 1: for schedules of learning rates."""
        if self._begun is None:
            return 0.0
        spent = self.now() - self._begun
        return min(1.0, spent / self.seconds) if self.seconds > 0 else 1.0

    def now(self) -> float:
        """Seconds of the clock that counts, once a GPU has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()

    def _spent(self, step: int, share: float) -> bool:
        if self.most_steps is not None and step >= self.most_steps:
            return True
        return self.progress() >= share
