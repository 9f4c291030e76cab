"""Everything that a training run is in the middle of: what it must have to go on exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from gyrovox.models import HyperbolicVAE
from gyrovox.training.random_streams import RandomStream

_SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of a parameter


@final
@dataclass(frozen=True)
class TrainingRecord:
    """What training looked like, one number a step.

    Args:
        loss: What was made small.
        reconstruction: log p(x | z), in nats a patch.
        divergence: log q(z | x) - log p(z), in nats a patch.
        triplet: Hierarchical triplet loss, a length in latent space.
    """

    loss: list[float]
    reconstruction: list[float]
    divergence: list[float]
    triplet: list[float]

    @property
    def steps(self) -> int:
        """How many steps were taken; fewer than asked for where training was stopped."""
        return len(self.loss)

    def columns(self) -> dict[str, list[float]]:
        """The lists by name, to read from and to append to."""
        return {
            "loss": self.loss,
            "reconstruction": self.reconstruction,
            "divergence": self.divergence,
            "triplet": self.triplet,
        }


@final
@dataclass(frozen=True)
class TrainingState:
    """A run of training between two steps.

    The learning rate is no part of it: it is a function of the number of steps that were taken.

    Args:
        vae: The model.
        optimiser: What updates it.
        streams: The random streams that this process runs, by their number in the whole run.
        record: What the steps so far looked like.
    """

    vae: HyperbolicVAE
    optimiser: torch.optim.Adam
    streams: dict[int, RandomStream]
    record: TrainingRecord

    def arrays(self, streams: Sequence[Mapping[int, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
        """A copy of the state as named arrays, on the CPU.

        Args:
            streams: Where the random streams of every process are, as of `stream_states`.

        Returns:
            Arrays by name.
        """
        found = {f"model.{name}": value for name, value in self.vae.state_dict().items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{index}.{slot}": slots[slot] for slot in _SLOTS}
        for of_process in streams:
            for number, states in of_process.items():
                found |= {f"stream.{number}.{name}": value for name, value in states.items()}
        for name, values in self.record.columns().items():
            found[f"record.{name}"] = torch.tensor(values, dtype=torch.float64)
        return {
            name: value.detach().to("cpu", copy=True).contiguous() for name, value in found.items()
        }

    def stream_states(self) -> dict[int, dict[str, Tensor]]:
        """Where this process' random streams are, by number."""
        return {number: stream.states() for number, stream in self.streams.items()}

    def go_on_from(self, arrays: Mapping[str, Tensor]) -> None:
        """Put everything where `arrays` was taken.

        Args:
            arrays: What `arrays` gave, of a run with the same settings.
        """
        self.vae.load_state_dict(_below("model", arrays))
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _below("optimiser", arrays).items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        for number, stream in self.streams.items():
            stream.go_on_from(_below(f"stream.{number}", arrays))
        stored = _below("record", arrays)
        for name, values in self.record.columns().items():
            values[:] = stored[name].tolist()


def _below(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The arrays whose names begin with a prefix and a dot, by the rest of their names."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
