"""Settings of the training."""

import math
from dataclasses import dataclass
from typing import Literal

from gyrovox.errors import SettingsError

ScaleSampling = Literal["uniform", "log-uniform"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How the network learns."""

    steps: int = 400
    """Number of updates."""

    learning_rate: float = 3e-3
    """Highest learning rate of Adam; it warms up and decays along a cosine."""

    batches: int = 1
    """Batches that a step averages over: crops of `dense`, batches of triplets of `patch`. Under
    torchrun the processes share them."""

    precision: Precision = "float32"
    """Of the encoder while it trains, on a GPU: `bfloat16` is faster. A CPU takes `float32`."""

    kl_weight: float = 0.5
    """Weight of the divergence from the prior; 1 makes the objective the ELBO."""

    triplet_weight: float = 1.0
    """Weight of the hierarchical triplet loss (beta), against an ELBO summed over a patch."""

    triplet_margin: float = 0.2
    """How much farther a stranger must be than a child (alpha), in lengths of latent space."""

    scale_sampling: ScaleSampling = "log-uniform"
    """How the size of a parent is drawn; `log-uniform` gives every octave the same share."""

    crop_size: int = 36
    """`dense`: side of the cube of codes that a step computes at the finest scale, in voxels."""

    scales: tuple[int, ...] = (1, 2, 4)
    """`dense`: factors of the scale pyramid, finest first."""

    positions: int = 1024
    """`dense`: patches that a step rebuilds, at the finest scale."""

    jitter: int = 2
    """`dense`: largest distance of the patch that is rebuilt from the code's voxel, in voxels."""

    triplets: int = 4096
    """`dense`: triplets that a step draws; those that overlap are left out."""

    missing_wedge: tuple[float, float] | None = None
    """`dense`: first and last tilt of a tomogram, in degrees, such as -60 60. Codes are then drawn
    to what they would be had the specimen been turned before it was tilted."""

    batch_size: int = 128
    """`patch`: triplets of cubes in a step."""

    parent_sides: tuple[int, int] = (5, 35)
    """`patch`: smallest and largest side of a parent cube, in voxels."""

    child_sides: tuple[int, int] = (3, 15)
    """`patch`: smallest and largest side of a child cube, in voxels."""

    child_gap: int = 2
    """`patch`: how much smaller than its parent a child must be, in voxels."""

    embed_side: int = 5
    """`patch`: side of the cube around a voxel that its code is made from, in voxels."""

    def __post_init__(self) -> None:
        """Refuse values that no training can use.

        Raises:
            SettingsError: If a value is out of its range.
        """
        for name in ("steps", "batches", "crop_size", "positions", "batch_size", "embed_side"):
            value = getattr(self, name)
            if value < 1:
                raise SettingsError(f"training.{name} must be at least 1, got {value}.")
        for name in ("kl_weight", "triplet_weight", "triplet_margin", "jitter", "triplets"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise SettingsError(f"training.{name} must be 0 or positive, got {value}.")
        if not 0 < self.learning_rate < math.inf:
            raise SettingsError(
                f"training.learning_rate must be positive, got {self.learning_rate:g}."
            )
        if self.missing_wedge is not None and not (
            -90 <= self.missing_wedge[0] < self.missing_wedge[1] <= 90
        ):
            raise SettingsError(
                f"training.missing_wedge must be the first and the last tilt, growing and between "
                f"-90 and 90 degrees, such as -60 60; got {self.missing_wedge}."
            )
        if not self.scales or self.scales[0] != 1 or list(self.scales) != sorted(set(self.scales)):
            raise SettingsError(
                f"training.scales must begin with 1 and grow, such as 1 2 4; got {self.scales}."
            )
        for name in ("parent_sides", "child_sides"):
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise SettingsError(
                    f"training.{name} must be a smallest and a largest side, got {(low, high)}."
                )
        if self.child_gap < 1 or self.parent_sides[0] - self.child_gap < self.child_sides[0]:
            raise SettingsError(
                f"the smallest child must fit into the smallest parent: training.child_sides[0] "
                f"<= training.parent_sides[0] - training.child_gap, with child_gap at least 1; "
                f"got {self.child_sides[0]}, {self.parent_sides[0]} and {self.child_gap}."
            )
