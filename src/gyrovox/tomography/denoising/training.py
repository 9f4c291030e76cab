"""Training of the denoising network on two halves of the same images, without clean ones."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox import devices
from gyrovox.errors import TrainingError, VolumeError
from gyrovox.progress import progress
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising.noise2noise import Noise2Noise
from gyrovox.tomography.denoising.tiled import check_halves, standardised
from gyrovox.tomography.denoising.unet import UNet
from gyrovox.training.checkpoint import Facts, read_checkpoint, write_checkpoint
from gyrovox.volumes import NanPolicy, Normalisation, Region, Volume, normalisation_of

_WARM_UP = 20  # steps
_SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of a parameter


def _never() -> bool:
    return False


def train_noise2noise(
    halves: tuple[Volume, Volume],
    settings: Noise2NoiseSettings | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    nan_policy: NanPolicy = "error",
    quiet: bool = True,
    checkpoint: Path | None = None,
    checkpoint_every_s: float = 30.0,
    should_stop: Callable[[], bool] = _never,
) -> Noise2Noise:
    """Learn to denoise from two tomograms of the same specimen whose noise is independent.

    A crop of one half is the input, the same crop of the other the target, either way round and
    mirrored at random. Mirrors, unlike rotations, leave the missing wedge where it is. Crops are
    read as they are needed, so that memory does not grow with the tomograms.

    Args:
        halves: Tomograms of the even and of the odd images, or of half of every exposure.
        settings: The network, and how it learns.
        seed: Seed of all that is drawn.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        nan_policy: What to do with NaN and infinite voxels.
        quiet: Show no progress.
        checkpoint: File to keep the run in, and to go on from if it is there.
        checkpoint_every_s: Time between two checkpoints, in seconds.
        should_stop: Asked after every step; where it says so, training ends early.

    Returns:
        The denoiser.

    Raises:
        TrainingError: If the loss stops being a finite number.
        VolumeError: If a half is smaller than a crop, or cannot be worked with.
        VolumeMismatchError: If the halves differ in shape.
        CheckpointError: If the checkpoint is damaged.
        RunMismatchError: If it is that of another run.
    """
    wanted = settings or Noise2NoiseSettings()
    _check(halves, wanted.crop_size)
    where = devices.device(device)
    greys = [normalisation_of(one, nan_policy=nan_policy) for one in halves]
    run = _Run(_network(wanted, seed).to(where), wanted, seed)
    facts = _facts(wanted, halves, greys, seed, where)
    if checkpoint is not None and (stored := read_checkpoint(checkpoint, facts)) is not None:
        run.go_on_from(stored)
    kept = time.monotonic()
    with _deterministic(), progress("learn noise", wanted.steps, quiet=quiet) as bar:
        bar.advance(len(run.losses))
        stop = False
        while len(run.losses) < wanted.steps and not stop:
            pairs = _crops(halves, greys, wanted, run.generator)
            bar.advance(1, loss=run.step(pairs.to(where)))
            stop = should_stop()
            last = stop or len(run.losses) == wanted.steps
            if checkpoint and (last or time.monotonic() - kept >= checkpoint_every_s):
                write_checkpoint(checkpoint, run.arrays(), facts)
                kept = time.monotonic()
    return Noise2Noise(run.network.eval(), wanted, tuple(run.losses))


def _check(halves: tuple[Volume, Volume], crop_size: int) -> None:
    """Refuse halves that nothing can be learned from.

    Raises:
        VolumeError: If they are smaller than a crop.
        VolumeMismatchError: If they differ in shape.
    """
    even, odd = halves
    check_halves(even, [odd])
    if min(even.spatial_shape) < crop_size:
        raise VolumeError(
            f"{even.name}: a tomogram must have at least {crop_size} voxels along every axis to "
            f"learn denoising from, and this one has {even.spatial_shape} (z, y, x). Lower "
            f"n2n.crop_size."
        )


def _network(settings: Noise2NoiseSettings, seed: int) -> UNet:
    with devices.seeded(seed, torch.device("cpu")):
        return UNet(settings.channels)


@final
class _Run:
    """A run between two steps."""

    def __init__(self, network: UNet, settings: Noise2NoiseSettings, seed: int) -> None:
        self.network = network.train()
        self.generator = torch.Generator().manual_seed(seed)
        self.losses: list[float] = []
        self._settings = settings
        self._optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate)

    def step(self, pairs: Float[Tensor, "2 batch z y x"]) -> float:
        """Take a step; the loss before it.

        Raises:
            TrainingError: If the loss is no finite number.
        """
        noisy, target = pairs[:, :, None].unbind(0)
        self._optimiser.zero_grad(set_to_none=True)
        on_gpu = noisy.device.type == "cuda"
        with torch.autocast(noisy.device.type, torch.bfloat16, enabled=on_gpu):
            found = self.network(noisy)
        loss = nn.functional.mse_loss(found.float(), target)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss must stay finite, and is {value} after {len(self.losses)} steps. Lower "
                f"n2n.learning_rate (now {self._settings.learning_rate:g})."
            )
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.learning_rate * self._share_of_rate()
        self._optimiser.step()
        self.losses.append(value)
        return value

    def arrays(self) -> dict[str, Tensor]:
        """A copy of the run as named arrays, on the CPU."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{index}.{slot}": slots[slot] for slot in _SLOTS}
        found["generator"] = self.generator.get_state()
        found["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        return {name: one.detach().to("cpu", copy=True).contiguous() for name, one in found.items()}

    def go_on_from(self, arrays: Mapping[str, Tensor]) -> None:
        """Put everything where `arrays` was taken."""
        network: dict[str, Tensor] = {}
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            group, _, rest = name.partition(".")
            if group == "network":
                network[rest] = value
            elif group == "optimiser":
                index, _, slot = rest.partition(".")
                slots.setdefault(int(index), {})[slot] = value
        self.network.load_state_dict(network)
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.generator.set_state(arrays["generator"])
        self.losses[:] = arrays["losses"].tolist()

    def _share_of_rate(self) -> float:
        """A short linear warm-up, then half a cosine down to 0."""
        done, steps = len(self.losses), self._settings.steps
        warm = min(1.0, (done + 1) / _WARM_UP)
        return warm * 0.5 * (1 + math.cos(math.pi * done / steps))


def _crops(
    halves: tuple[Volume, Volume],
    greys: Sequence[Normalisation],
    settings: Noise2NoiseSettings,
    generator: torch.Generator,
) -> Float[Tensor, "2 batch z y x"]:
    """Pairs of crops, first the input and then the target, mirrored together at random."""
    side = settings.crop_size
    shape = halves[0].spatial_shape
    pairs = []
    for _ in range(settings.batch_size):
        start = [int(torch.randint(length - side + 1, (), generator=generator)) for length in shape]
        z, y, x = start
        region = Region((z, y, x), (z + side, y + side, x + side))
        pair = torch.stack([
            torch.from_numpy(standardised(half, grey, region))
            for half, grey in zip(halves, greys, strict=True)
        ])
        mirrored = torch.rand(4, generator=generator) < 0.5
        axes = [axis for axis in range(4) if mirrored[axis]]  # axis 0 swaps the halves
        pairs.append(pair.flip(axes) if axes else pair)
    return torch.stack(pairs, dim=1)


def _facts(
    settings: Noise2NoiseSettings,
    halves: Sequence[Volume],
    greys: Sequence[Normalisation],
    seed: int,
    where: torch.device,
) -> Facts:
    """What the run is made of, as plain values."""
    facts = {
        "n2n": asdict(settings),
        "seed": seed,
        "device": where.type,
        # Two tomograms whose statistics agree in all digits are the same one.
        "volumes": [
            {"shape": list(one.shape), "grey values": asdict(grey)}
            for one, grey in zip(halves, greys, strict=True)
        ],
    }
    plain: Facts = json.loads(json.dumps(facts))
    return plain


@contextmanager
def _deterministic() -> Iterator[None]:
    """Inside, convolutions on a GPU give the same bits every time."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
