"""Learned transforms of one atlas: in space, and of appearance, towards every other volume."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.networks.crops import crop_shape, crop_start, cropped
from benchmarks.quality.networks.registration_losses import local_correlation, roughness
from benchmarks.quality.networks.spatial_transform import (
    integrated,
    resized_displacement,
    sample,
    voxel_positions,
    warp,
)
from benchmarks.quality.networks.tiled_inference import tiled
from benchmarks.quality.networks.transform_network import TransformNetwork

COARSE_VOXELS = 24**3
"""About how many voxels displacements are learnt on."""

WINDOW = 5
"""Side of a window of local correlation on the coarse grid: 9 as published on the fine one."""

SMOOTH_VELOCITY = 1.0
SMOOTH_APPEARANCE = 0.02
SPATIAL_WIDTHS = (16, 32, 32, 32)
APPEARANCE_WIDTHS = (8, 16, 16, 16)
SIDE = 32
BATCH = 2
RATE = 1e-3


class AtlasTransforms:
    """Deformations of an atlas onto other volumes, and what else has to change in its voxels.

    Displacements come from a velocity that does not change with time, so the inverse is that of
    the negative velocity. They are learnt and kept on a coarse grid.

    Args:
        atlas: Shape (channels, z, y, x).
        regions: Classes of its voxels, which an appearance may change abruptly between; (z, y, x).
        others: Volumes of the shape of the atlas.
        chance: To draw from.
    """

    def __init__(
        self,
        atlas: Tensor,
        regions: Tensor,
        others: Sequence[Tensor],
        chance: np.random.Generator,
    ) -> None:
        self.atlas, self.regions, self.others, self.chance = atlas, regions, others, chance
        device, channels = atlas.device, len(atlas)
        self.coarse = coarse_shape(atlas.shape[1:])
        self.small_atlas = _resized(atlas[None], self.coarse)
        self.small_others = [_resized(one[None], self.coarse) for one in others]
        self.spatial = TransformNetwork(channels, 3, widths=SPATIAL_WIDTHS).to(device)
        self.appearance = TransformNetwork(channels, channels, widths=APPEARANCE_WIDTHS).to(device)
        self._appearances: dict[int, Tensor] = {}

    def learn_space(self, budget: Budget, share: float) -> None:
        """Train the velocities by local correlation and smoothness."""
        optimiser = torch.optim.Adam(self.spatial.parameters(), lr=RATE)
        for _ in budget.steps(share):
            chosen = self.chance.integers(len(self.others), size=BATCH)
            subjects = torch.cat([self.small_others[one] for one in chosen])
            atlas = self.small_atlas.expand_as(subjects)
            velocity = self.spatial(atlas, subjects)
            moved = warp(atlas, integrated(velocity))
            unlike = 1 - local_correlation(moved, subjects, window=WINDOW)
            _step(optimiser, unlike + SMOOTH_VELOCITY * roughness(velocity))

    def learn_appearance(self, budget: Budget, share: float) -> None:
        """Train the additive changes by reconstruction, and smoothness within every region."""
        optimiser = torch.optim.Adam(self.appearance.parameters(), lr=RATE)
        crop = crop_shape([self.atlas], SIDE)
        for _ in budget.steps(share):
            atlases, subjects, regions = [], [], []
            for index in self.chance.integers(len(self.others), size=BATCH):
                start = crop_start(self.atlas.shape[1:], crop, self.chance)
                atlases.append(cropped(self.atlas, start, crop))
                regions.append(cropped(self.regions[None], start, crop))
                subjects.append(self._in_atlas_frame(int(index), start, crop))
            atlas, subject = torch.stack(atlases), torch.stack(subjects)
            change = self.appearance(atlas, subject)
            unlike = functional.mse_loss(atlas + change, subject)
            rough = roughness(change, torch.stack(regions))
            _step(optimiser, unlike + SMOOTH_APPEARANCE * rough)

    @torch.no_grad()
    def displacement(self, index: int, *, inverse: bool = False) -> Tensor:
        """What moves the atlas onto a volume, or that volume onto the atlas.

        Args:
            index: Of the other volume.
            inverse: The volume onto the atlas.

        Returns:
            In voxels of the atlas, shape (3, z, y, x).
        """
        velocity = self.spatial(self.small_atlas, self.small_others[index])
        moved = integrated(-velocity if inverse else velocity)
        return resized_displacement(moved, self.atlas.shape[1:])[0]

    def changed_atlas(self, index: int) -> Tensor:
        """The atlas with the appearance of a volume, shape (channels, z, y, x)."""
        if index not in self._appearances:
            shape = self.atlas.shape[1:]
            subject = self._in_atlas_frame(index, (0, 0, 0), shape)
            both = torch.cat([self.atlas, subject])
            channels = len(self.atlas)
            self._appearances[index] = tiled(
                lambda tile: self.appearance(tile[:, :channels], tile[:, channels:]),
                both,
                side=64,
            )
        return self.atlas + self._appearances[index]

    def _in_atlas_frame(self, index: int, start: Sequence[int], crop: Sequence[int]) -> Tensor:
        """A box of another volume, deformed onto the atlas."""
        where = voxel_positions(self.atlas.shape[1:], self.atlas.device)
        where = cropped(where + self.displacement(index, inverse=True), start, crop)
        return sample(self.others[index][None], where[None])[0]


def coarse_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """Sides that are multiples of 8, of about `COARSE_VOXELS` in all but never finer than shape."""
    factor = max(1.0, (float(np.prod(shape)) / COARSE_VOXELS) ** (1 / 3))
    z, y, x = (8 * max(1, round(side / factor / 8)) for side in shape)
    return z, y, x


def nearest_to_mean(images: Sequence[Tensor]) -> int:
    """Which of the images is the most like the mean of all of them, on a coarse grid.

    Args:
        images: Each (channels, z, y, x).

    Returns:
        Its index; the first if several are equally near.
    """
    small = coarse_shape(images[0].shape[1:])
    together = torch.cat([_resized(one[None], small) for one in images])
    far = (together - together.mean(0)).square().mean((1, 2, 3, 4))
    return int(far.argmin())


def fitted_to(image: Tensor, shape: Sequence[int]) -> Tensor:
    """The image over the box of another, shape (channels, *shape)."""
    if tuple(image.shape[1:]) == tuple(shape):
        return image
    return _resized(image[None], shape)[0]


def _resized(images: Tensor, shape: Sequence[int]) -> Tensor:
    return functional.interpolate(images, size=tuple(shape), mode="trilinear", align_corners=True)


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
