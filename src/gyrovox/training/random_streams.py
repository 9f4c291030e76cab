"""Streams of random numbers that know nothing of each other, one for each batch of a step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import final

import numpy as np
import torch
from torch import Tensor

from gyrovox import devices

_PLACES, _HOST, _DEVICE = "places", "host", "device"


@final
class RandomStream:
    """Where one batch of every step draws from: places of patches, and noise of posteriors.

    Which process runs the stream, and what else it runs, changes nothing about its numbers.

    Args:
        seed: Seed of the run.
        number: Which of the run's streams, from 0; stream 0 begins at the seed itself.
        where: The device that noise is drawn on.

    Attributes:
        generator: Where the places of patches come from.
    """

    def __init__(self, seed: int, number: int, where: torch.device) -> None:
        own = seed
        if number:
            spawned = np.random.SeedSequence(seed, spawn_key=(number,))
            own = int(spawned.generate_state(1, np.uint64)[0])
        self._where = where
        self.generator = torch.Generator().manual_seed(own)
        with devices.seeded(own, where):
            self._noise = self._global_states()

    @contextmanager
    def drawing(self) -> Iterator[torch.Generator]:
        """Inside, torch's global generators go on where this stream left them.

        Yields:
            The generator of places.
        """
        torch.set_rng_state(self._noise[_HOST])
        if _DEVICE in self._noise:
            torch.cuda.set_rng_state(self._noise[_DEVICE], self._where)
        yield self.generator
        self._noise = self._global_states()

    def states(self) -> dict[str, Tensor]:
        """Where the stream is, as bytes by name."""
        return {_PLACES: self.generator.get_state(), **self._noise}

    def go_on_from(self, states: Mapping[str, Tensor]) -> None:
        """Put the stream where `states` was taken.

        Args:
            states: What `states` gave, on a device of the same kind.
        """
        self.generator.set_state(states[_PLACES])
        self._noise = {name: states[name] for name in self._noise}

    def _global_states(self) -> dict[str, Tensor]:
        states = {_HOST: torch.get_rng_state()}
        if self._where.type == "cuda":
            states[_DEVICE] = torch.cuda.get_rng_state(self._where)
        return states
