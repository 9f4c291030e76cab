"""Settings of the network."""

import math
from dataclasses import dataclass
from typing import Literal

from gyrovox.errors import SettingsError

FirstLayer = Literal["gyroplane", "tangent"]
GyroplaneWindow = Literal["shared", "per_offset", "concatenated"]


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

    latent_side: int = 1
    """`dense`: codes along each side of a patch's latent volume, odd; 1 is a single point."""

    latent_spacing: int = 1
    """Voxels between neighbouring codes of a latent volume, odd. A volume rebuilds a patch of
    latent_side * latent_spacing voxels a side. Without meaning for a single point."""

    hidden: int = 64
    """Number of gyroplanes that the decoder begins with."""

    first_layer: FirstLayer = "gyroplane"
    """What the decoder begins with: gyroplanes, or an ordinary layer on the codes, which are
    tangent vectors at the origin."""

    gyroplane_window: GyroplaneWindow = "shared"
    """Meaning of the decoder's gyroplane convolution over a latent volume: one gyroplane for the
    whole window (the paper's), one for each of its offsets, or one for its codes joined. Without
    meaning for a single point."""

    decoder_channels: tuple[int, ...] = (64,)
    """Filters of a `dense` model's up-convolutions. Of a single point each adds 2 voxels to the
    rebuilt patch; of a latent volume none does."""

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
        self._check_latent_volume()
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

    def _check_latent_volume(self) -> None:
        """Refuse latent volumes that there are none of.

        Raises:
            SettingsError: If no patch has the volume's codes around its middle voxel, the encoder
                gives one code, or a single point has neighbours.
        """
        for name in ("latent_side", "latent_spacing"):
            value = getattr(self, name)
            if value < 1 or value % 2 == 0:
                raise SettingsError(
                    f"model.{name} must be odd and at least 1, so that codes and rebuilt patch lie "
                    f"about the same voxel; got {value}."
                )
        if self.latent_side == 1 and self.latent_spacing > 1:
            raise SettingsError(
                f"model.latent_spacing must be 1 where model.latent_side is 1, for a single point "
                f"has no neighbours; got {self.latent_spacing}. Pass --model.latent-side 3."
            )
        if self.latent_side > 1 and self.encoder == "patch":
            raise SettingsError(
                f"model.latent_side must be 1 for the published `patch` encoder, which gives one "
                f"code; got {self.latent_side}. Pass --model.encoder dense."
            )

    @property
    def input_size(self) -> int:
        """Side of the patch that one code is made from, in voxels of its scale."""
        return 1 + 2 * sum(self.dilations) if self.encoder == "dense" else 10

    @property
    def receptive_size(self) -> int:
        """Side of the patch that a latent is made from, in voxels of its scale.

        For a single point this is `input_size`.
        """
        return self.input_size + (self.latent_side - 1) * self.latent_spacing

    @property
    def output_size(self) -> int:
        """Side of the patch that the decoder rebuilds, in voxels of its scale."""
        if self.encoder == "patch":
            return 10
        if self.latent_side > 1:
            return self.latent_side * self.latent_spacing
        return 1 + 2 * len(self.decoder_channels)
