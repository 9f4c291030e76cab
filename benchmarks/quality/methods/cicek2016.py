"""Çiçek et al. (2016): a 3-D U-Net that learns from a few labelled slices of each volume.

As published: the 3-D U-Net (`benchmarks.quality.networks.unet3d`), a softmax loss whose weights are
0 where no slice is labelled and balance how often the classes occur, and augmentation on the fly
by rotation, scaling, grey values, and smooth deformations: B-splines over normal vectors of
standard deviation 4 voxels on a grid of 32 voxels. How many slices are labelled is that of the
published table: 2 % of them along each axis, and at least one. Which ones is drawn at random.

What differs, for seconds instead of days: on a CPU 4 channels after the first convolution instead
of 32, which it has on a GPU; two crops of up to 52 voxels a side instead of one of 132 x 132 x 116;
Adam with a falling rate instead of 70 000 steps of stochastic gradient descent; padded
convolutions. One network has a softmax for every level. Every crop holds a labelled voxel.

What had to be decided: rotation up to 30 degrees about each axis, scales up to 15 %, grey values
multiplied by 0.8 to 1.2 and moved by up to 0.2; classes weighted by the inverse of the square root
of how often they are labelled.

The proteins of a vesicle (or a mitochondrion) of the phantom are two classes that nothing tells
apart but the order they were drawn in: a supervised method can only guess which is which, and does.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.networks.crops import crop_shape, crop_start, image_tensor
from benchmarks.quality.networks.elastic_deformation import deformed_positions
from benchmarks.quality.networks.levels import (
    chosen_levels,
    class_tensor,
    labels_by_level,
    softmax_by_level,
)
from benchmarks.quality.networks.polynomial_rate import remaining
from benchmarks.quality.networks.spatial_transform import sample
from benchmarks.quality.networks.tiled_inference import tiled
from benchmarks.quality.networks.unet3d import UNet3d
from gyrovox.volumes import Volume

PART = 0.02
"""Part of the slices along each axis that is labelled."""

WIDTH = {"cpu": 4, "cuda": 32}
RATE = {"cpu": 3e-3, "cuda": 1e-3}
"""By kind of device: what half a minute is enough for differs."""

SIDE = 52
BATCH = 2


class Cicek2016(Method):
    """The 3-D U-Net of Çiçek et al., from 2 % of the slices of each of three planes."""

    name = "cicek-2016"
    title = "Çiçek et al. 2016, 3-D U-Net"
    labels = "2 % of the slices of each of three planes"
    published: ClassVar = {"phantom": (0.968, 0.829, 0.668), "brats": (0.760,)}
    differs: ClassVar = {
        "phantom": "on a CPU 4 channels where the paper has 32, and half a minute of one core; "
        "which of two proteins is the first is chance, which bounds level 3; colours "
        "are drawn anew for every volume",
        "brats": "two patients to learn from, where hundreds were published; on a CPU so few "
        "steps of so narrow a network find no tumour at all",
    }
    uses_truths = True
    reference = "Çiçek et al. (2016), MICCAI. https://arxiv.org/abs/1606.06650"

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn from crops around labelled slices, deformed anew every time."""
        assert truths is not None
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        device = self.budget.device
        self.levels = tuple(truths[0])
        images = [image_tensor(one, device) for one in volumes]
        sparse = [labelled_slices(class_tensor(one, self.levels, device), chance) for one in truths]
        weights = class_weights(sparse, self.levels)
        self.network = UNet3d(len(images[0]), sum(self.levels), width=WIDTH[device.type])
        self.network.to(device, memory_format=torch.channels_last_3d)
        rate = RATE[device.type]
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        crop = crop_shape(images, SIDE)
        for _ in self.budget.steps():
            for group in optimiser.param_groups:
                group["lr"] = rate * remaining(self.budget)
            chosen = chance.integers(len(images), size=BATCH)
            pairs = [augmented(images[one], sparse[one], crop, chance) for one in chosen]
            image, labelled = (torch.stack(parts) for parts in zip(*pairs, strict=True))
            loss = sparse_loss(self.network(image), labelled, self.levels, weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """The likeliest class of every voxel at every level."""
        image = image_tensor(volume, self.budget.device)
        probabilities = tiled(
            lambda tile: softmax_by_level(self.network(tile), self.levels), image, side=SIDE
        )
        return chosen_levels(labels_by_level(probabilities, self.levels), levels)


def labelled_slices(classes: Tensor, chance: np.random.Generator, part: float = PART) -> Tensor:
    """Classes of a few slices along each axis, and nothing of the rest.

    Args:
        classes: Shape (levels, z, y, x).
        chance: Draws the slices.
        part: Of the slices along each axis; at least one is labelled.

    Returns:
        Class + 1 where a slice is labelled, else 0; the same shape.
    """
    shown = torch.zeros(classes.shape[1:], dtype=torch.bool, device=classes.device)
    for axis, side in enumerate(classes.shape[1:]):
        for index in chance.choice(side, max(1, round(part * side)), replace=False):
            shown.select(axis, int(index)).fill_(True)
    return torch.where(shown, classes + 1, 0.0)


def class_weights(labelled: Sequence[Tensor], levels: Sequence[int]) -> list[Tensor]:
    """The weight of every class in the loss: rarer classes weigh more.

    Args:
        labelled: Class + 1, or 0, each (levels, z, y, x).
        levels: Numbers of classes.

    Returns:
        For each level the inverse of the root of how often a class is labelled; their mean over
        labelled voxels is 1.
    """
    weights = []
    for channel, k in enumerate(levels):
        counts = sum(
            torch.bincount(one[channel].flatten().long(), minlength=k + 1)[1:] for one in labelled
        )
        assert isinstance(counts, Tensor)
        # A class that no slice shows weighs as much as one of a single voxel: it never counts.
        weight = counts.clamp(min=1).double().rsqrt()
        weights.append((weight * counts.sum() / (weight * counts).sum()).float())
    return weights


def augmented(
    image: Tensor, labelled: Tensor, crop: Sequence[int], chance: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """A crop around a labelled voxel, turned, scaled, deformed, and of other grey values.

    Args:
        image: Shape (channels, z, y, x).
        labelled: Class + 1, or 0, shape (levels, z, y, x).
        crop: Shape of the crop (z, y, x).
        chance: To draw from.

    Returns:
        Image and labels of the shape of the crop.
    """
    places = labelled[0].flatten().nonzero()[:, 0]
    place = int(places[int(chance.integers(len(places)))])
    around = [int(one) for one in np.unravel_index(place, labelled.shape[1:])]
    start = crop_start(labelled.shape[1:], crop, chance, around=around)
    where = deformed_positions(start, crop, chance).to(image.device)[None]
    grey = sample(image[None], where)[0]
    classes = sample(labelled[None], where, mode="nearest", beyond="zeros")[0]
    return grey * chance.uniform(0.8, 1.2) + chance.uniform(-0.2, 0.2), classes


def sparse_loss(
    logits: Tensor, labelled: Tensor, levels: Sequence[int], weights: Sequence[Tensor]
) -> Tensor:
    """The weighted softmax loss of the labelled voxels, mean over the levels.

    Args:
        logits: Shape (batch, sum of the levels, z, y, x).
        labelled: Class + 1, or 0, shape (batch, levels, z, y, x).
        levels: Numbers of classes.
        weights: Of the classes at each level.

    Returns:
        A scalar; 0 if no voxel is labelled.
    """
    total = logits.new_zeros(())
    voxels = (labelled[:, 0] > 0).sum().clamp(min=1)
    for channel, part in enumerate(logits.split(tuple(levels), 1)):
        target = labelled[:, channel].long() - 1
        loss = functional.cross_entropy(
            part, target, weight=weights[channel], ignore_index=-1, reduction="sum"
        )
        total = total + loss / voxels
    return total / len(levels)
