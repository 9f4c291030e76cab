"""A second view of a crop: as if the specimen had been turned before it was tilted."""

import itertools
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.patches.tilt_wedge import TiltRange, without_unseen


@final
@dataclass(frozen=True)
class Turn:
    """One of the rotations that take a cube onto itself, so that no voxel is interpolated.

    Args:
        axes: Which axis of the volume becomes (z, y, x).
        mirrored: Axes of the result that are then mirrored; with `axes`, a proper rotation.
    """

    axes: tuple[int, int, int]
    mirrored: tuple[int, ...]

    def of(self, voxels: Float[Tensor, "z y x channels"]) -> Float[Tensor, "Z Y X channels"]:
        """The turned volume, its channels last."""
        return voxels.permute(*self.axes, 3).flip(self.mirrored)

    def back(self, voxels: Float[Tensor, "Z Y X channels"]) -> Float[Tensor, "z y x channels"]:
        """What was turned, as it was before."""
        where = [self.axes.index(axis) for axis in range(3)]
        return voxels.flip(self.mirrored).permute(*where, 3)


def _turns() -> tuple[Turn, ...]:
    """The 24 rotations, the one that does nothing first."""
    found = []
    for axes in itertools.permutations((0, 1, 2)):
        odd = sum(one > other for one, other in itertools.combinations(axes, 2)) % 2
        for count in range(4):
            for mirrored in itertools.combinations(range(3), count):
                # A swap of axes, like a mirror, takes a left hand to a right one.
                if (odd + count) % 2 == 0:
                    found.append(Turn((axes[0], axes[1], axes[2]), mirrored))
    return tuple(sorted(found, key=lambda turn: (turn.axes, turn.mirrored)))


TURNS = _turns()
"""The 24 rotations of a cube; the first one does nothing."""


def drawn_turn(generator: torch.Generator) -> Turn:
    """A rotation of the cube other than the one that does nothing.

    Args:
        generator: Where the random numbers come from.

    Returns:
        One of 23, all equally likely.
    """
    return TURNS[int(torch.randint(1, len(TURNS), (), generator=generator))]


def as_seen_turned(
    voxels: Float[Tensor, "channels z y x"], turn: Turn, tilt_range: TiltRange
) -> Float[Tensor, "channels z y x"]:
    """Voxels without what would have been unseen had the specimen been turned before it was tilted.

    Args:
        voxels: Part of a tomogram, shape ``(channels, z, y, x)``.
        turn: How the specimen is turned.
        tilt_range: First and last tilt, in degrees.

    Returns:
        Shape ``(channels, z, y, x)``, turned back: it lies over `voxels`.
    """
    turned = turn.of(voxels.movedim(0, -1)).movedim(-1, 0)
    seen = without_unseen(turned, tilt_range)
    return turn.back(seen.movedim(0, -1)).movedim(-1, 0)
