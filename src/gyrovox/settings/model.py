"""Settings of the network."""

import math
from dataclasses import dataclass
from typing import Literal

from gyrovox.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What the network is."""

    geometry: Literal["poincare", "euclidean"] = "poincare"
    """Space of the codes: the Poincaré ball, or its flat control."""

    curvature: float = -1.0
    """Sectional curvature of the ball, negative. Without meaning for `euclidean`."""

    latent_dim: int = 2
    """Number of coordinates of a code."""

    encoder: Literal["dense", "patch"] = "dense"
    """`dense` runs over whole volumes; `patch` is the published network, one patch at a time."""

    channels: tuple[int, ...] = (16, 32, 32)
    """Filters of the encoder's convolutions, first to last."""

    dilations: tuple[int, ...] = (1, 1, 1)
    """Spacing of the taps of each 3 x 3 x 3 convolution of a `dense` encoder, in voxels."""

    hidden: int = 64
    """Number of gyroplanes that the decoder begins with."""

    decoder_channels: tuple[int, ...] = (64,)
    """Filters of a `dense` model's up-convolutions; each adds 2 voxels to the rebuilt patch."""

    posterior: Literal["wrapped-normal", "riemannian-normal"] = "wrapped-normal"
    """Family of the prior and the posteriors of codes. In flat space both are the normal."""

    likelihood: Literal["laplace", "normal", "unit-normal"] = "laplace"
    """Noise of the rebuilt voxels: its scale is learned, or is 1 for `unit-normal`."""

    def __post_init__(self) -> None:
        """Refuse values that no network can be made of.

        Raises:
            SettingsError: If a value is out of its range.
        """
        if not -math.inf < self.curvature < 0:
            raise SettingsError(
                f"model.curvature must be negative, got {self.curvature:g}. "
                f"For flat space pass --model.geometry euclidean."
            )
        for name in ("latent_dim", "hidden"):
            value = getattr(self, name)
            if value < 1:
                raise SettingsError(f"model.{name} must be at least 1, got {value}.")
        for name in ("channels", "decoder_channels", "dilations"):
            values = getattr(self, name)
            if not values or min(values) < 1:
                raise SettingsError(f"model.{name} must be positive numbers, got {values}.")
        if self.encoder == "dense" and len(self.dilations) != len(self.channels):
            raise SettingsError(
                f"model.dilations must be as many as model.channels, got {self.dilations} "
                f"for {self.channels}."
            )
        if self.encoder == "patch" and len(self.channels) != 4:
            raise SettingsError(
                f"model.channels must be four numbers for the published `patch` encoder, "
                f"got {self.channels}."
            )

    @property
    def input_size(self) -> int:
        """Side of the patch that one code is made from, in voxels of its scale."""
        return 1 + 2 * sum(self.dilations) if self.encoder == "dense" else 10

    @property
    def output_size(self) -> int:
        """Side of the patch that the decoder rebuilds, in voxels of its scale."""
        return 1 + 2 * len(self.decoder_channels) if self.encoder == "dense" else 10
