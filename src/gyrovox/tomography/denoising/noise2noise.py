"""A trained denoising network: applied to tiles, saved and loaded."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float32
from pydantic import TypeAdapter

from gyrovox import devices
from gyrovox.errors import ModelFileError
from gyrovox.io.model_file import read_model, write_model
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising.method import Denoiser
from gyrovox.tomography.denoising.unet import UNet

_KIND = "noise2noise"


@final
@dataclass(frozen=True, eq=False)
class Noise2Noise(Denoiser):
    """A network that learned to tell from one half of the images what the other half shows.

    What it cannot tell is the noise of the other half; so it gives what both have in common.

    Args:
        network: What it learned, on the device that computes.
        settings: How it learned.
        losses: Mean squared error of every step, in variances of a half.

    Source:
        Lehtinen et al. (2018), section 2; Buchholz et al. (2019), section 2, for tomograms.
        https://arxiv.org/abs/1803.04189, https://arxiv.org/abs/1810.05420
    """

    network: UNet
    settings: Noise2NoiseSettings
    losses: Sequence[float] = ()

    @property
    def halo(self) -> int:
        return self.network.halo

    @property
    def stride(self) -> int:
        return self.network.stride

    def apply(self, voxels: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
        where = next(self.network.parameters()).device
        with torch.inference_mode():
            found = self.network(torch.from_numpy(voxels)[None, None].to(where))
        cleaned: Float32[np.ndarray, "z y x"] = found[0, 0].cpu().numpy()
        return cleaned

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network and its settings as a safetensors file.

        Args:
            path: Where to; an existing file is replaced, in one move.
        """
        arrays = {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}
        write_model(path, arrays, {"kind": _KIND, "settings": asdict(self.settings)})

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str = "auto") -> "Noise2Noise":
        """The network that `save` wrote, ready to denoise.

        Args:
            path: A model file.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

        Returns:
            The denoiser.

        Raises:
            ModelFileError: If the file is no denoising network of gyrovox.
        """
        arrays, facts = read_model(path)
        if facts.get("kind") != _KIND:
            raise ModelFileError(
                f"a denoising model must be one that `gyrovox denoise` wrote, and "
                f"{os.fspath(path)} holds another network. Pass that file, or --halves to learn "
                f"one."
            )
        try:
            settings = TypeAdapter(Noise2NoiseSettings).validate_python(facts["settings"])
            network = UNet(settings.channels)
            network.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in arrays.items()})
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise ModelFileError(
                f"the model {os.fspath(path)} does not hold what its settings say: "
                f"{' '.join(str(error).split())}. Use the gyrovox that wrote it, or train anew."
            ) from error
        return cls(network.to(devices.device(device)).eval(), settings)
