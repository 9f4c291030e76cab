"""Zhao et al. (2019): one labelled atlas, and learned transforms that make many of it.

As published: a network learns to deform the atlas onto every unlabelled volume (local correlation
and smoothness), a second one learns what else to add to its voxels (reconstruction, and smoothness
except across the boundaries of the atlas's labels); a segmenter then learns from the atlas under
transforms of space and of appearance that are drawn independently of each other, anew for every
example, with the labels deformed likewise. Both networks have the form of VoxelMorph. The atlas is
the volume nearest to the mean of all.

What differs: the segmenter is a 3-D U-Net with a softmax for every level instead of a 2-D one for
slices; for seconds instead of days, displacements are learnt on a coarse grid of about 24 voxels a
side, appearance and segmenter on crops, and networks are narrower: the segmenter has 4 channels
after its first convolution, 16 on a GPU.

What had to be decided: the published inverse deformation is a second network, ours the integral of
the negative velocity; appearance is compared in the frame of the atlas, so that crops suffice;
volumes of other shapes are stretched to the atlas's, in place of an affine registration.

Cells of the phantom have no anatomy in common: colours, and the places of what is in them, are
drawn anew for each. That is far from the brains that the method is meant for.

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
from benchmarks.quality.networks.atlas_transforms import (
    AtlasTransforms,
    fitted_to,
    nearest_to_mean,
)
from benchmarks.quality.networks.crops import crop_shape, crop_start, cropped, image_tensor
from benchmarks.quality.networks.levels import (
    chosen_levels,
    class_tensor,
    labels_by_level,
    softmax_by_level,
)
from benchmarks.quality.networks.polynomial_rate import remaining
from benchmarks.quality.networks.spatial_transform import sample, voxel_positions
from benchmarks.quality.networks.tiled_inference import tiled
from benchmarks.quality.networks.unet3d import UNet3d
from gyrovox.volumes import Volume

SPACE_UNTIL = 0.25
APPEARANCE_UNTIL = 0.45
"""Parts of the budget at which the two transforms are learnt; the rest is the segmenter's."""

WIDTH = {"cpu": 4, "cuda": 16}
RATE = {"cpu": 3e-3, "cuda": 1e-3}
"""Of the segmenter, by kind of device: what half a minute is enough for differs."""

SIDE = 52
BATCH = 2


class Zhao2019(Method):
    """A U-Net that learns from one labelled volume under learned transforms."""

    name = "zhao-2019"
    title = "Zhao et al. 2019, learned transforms of one atlas"
    labels = "one labelled volume"
    published: ClassVar = {"phantom": (0.989, 0.655, 0.357), "brats": (0.648,)}
    differs: ClassVar = {
        "phantom": "three networks share the time; objects of a phantom lie elsewhere in every "
        "volume, which no smooth deformation of an atlas undoes",
        "brats": "one atlas, and one more patient to learn transforms from: a tumour elsewhere "
        "is no deformation of that in the atlas",
    }
    uses_truths = True
    reference = "Zhao et al. (2019), CVPR. https://arxiv.org/abs/1902.09383"

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn to deform, then to change the appearance, then to segment what that makes.

        Args:
            volumes: The atlas is among them; two or more.
            truths: That of the atlas alone is looked at.

        Raises:
            ValueError: If there is nothing to transform the atlas to.
        """
        assert truths is not None
        if len(volumes) < 2:
            raise ValueError(
                f"learned transforms need an atlas and other volumes, got {len(volumes)} volume. "
                "Add volumes; they need no labels."
            )
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        device = self.budget.device
        images = [image_tensor(one, device) for one in volumes]
        chosen = nearest_to_mean(images)
        atlas = images[chosen]
        self.levels = tuple(truths[chosen])
        classes = class_tensor(truths[chosen], self.levels, device)
        others = [
            fitted_to(one, atlas.shape[1:]) for index, one in enumerate(images) if index != chosen
        ]
        finest = classes[self.levels.index(max(self.levels))]
        transforms = AtlasTransforms(atlas, finest, others, chance)
        transforms.learn_space(self.budget, SPACE_UNTIL)
        transforms.learn_appearance(self.budget, APPEARANCE_UNTIL)
        self._learn_segments(transforms, classes, chance)

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """The likeliest class of every voxel at every level."""
        image = image_tensor(volume, self.budget.device)
        probabilities = tiled(
            lambda tile: softmax_by_level(self.network(tile), self.levels), image, side=SIDE
        )
        return chosen_levels(labels_by_level(probabilities, self.levels), levels)

    def _learn_segments(
        self, transforms: AtlasTransforms, classes: Tensor, chance: np.random.Generator
    ) -> None:
        """Train the segmenter on synthesised examples."""
        device = self.budget.device
        self.network = UNet3d(len(transforms.atlas), sum(self.levels), width=WIDTH[device.type])
        self.network.to(device, memory_format=torch.channels_last_3d)
        rate = RATE[device.type]
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        crop = crop_shape([transforms.atlas], SIDE)
        for _ in self.budget.steps():
            for group in optimiser.param_groups:
                group["lr"] = rate * remaining(self.budget, APPEARANCE_UNTIL)
            pairs = [synthesised(transforms, classes, crop, chance) for _ in range(BATCH)]
            image, truth = (torch.stack(parts) for parts in zip(*pairs, strict=True))
            parts = self.network(image).split(self.levels, 1)
            losses = [
                functional.cross_entropy(part, truth[:, channel].long())
                for channel, part in enumerate(parts)
            ]
            optimiser.zero_grad(set_to_none=True)
            torch.stack(losses).mean().backward()
            optimiser.step()


def synthesised(
    transforms: AtlasTransforms,
    classes: Tensor,
    crop: Sequence[int],
    chance: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """A box of the atlas in the appearance of one volume and the shape of another.

    Args:
        transforms: Learned ones.
        classes: Of the atlas, shape (levels, z, y, x).
        crop: Shape of the box (z, y, x).
        chance: Draws the two volumes, and the box.

    Returns:
        Image (channels, *crop), and classes (levels, *crop).
    """
    appearance, shape = chance.integers(len(transforms.others), size=2)
    start = crop_start(classes.shape[1:], crop, chance)
    where = voxel_positions(classes.shape[1:], classes.device)
    where = cropped(where + transforms.displacement(int(shape)), start, crop)[None]
    image = sample(transforms.changed_atlas(int(appearance))[None], where)[0]
    return image, sample(classes[None], where, mode="nearest")[0]
