"""Jiang et al. (2019): two U-Nets in a row, learnt from every voxel; the winner of BraTS 2019.

As published (`benchmarks.quality.networks.cascaded_unet`): a U-Net of residual blocks with group
normalisation gives a first segmentation; a second of twice the width sees the image and the first
one's probabilities, and has two decoders, one of deconvolutions and one of trilinear interpolation,
the latter in training alone. Both stages are trained together; the loss is the sum of the soft
Dice losses of the three outputs. Dropout of 0.2 after the first convolution, flips of every axis,
intensities multiplied by 0.9 to 1.1 and moved by up to 0.1, Adam with weight decay 1e-5 and a rate
that falls as (1 - progress) to the power of 0.9.

What differs, for seconds instead of days: on a CPU 4 and 8 channels at the full resolution instead
of 16 and 32, which it has on a GPU; two crops of up to 52 voxels a side instead of one of 128; a
rate of 5e-3, on a GPU of 3e-4, instead of 1e-4; one network instead of an ensemble of twelve; no
flips in tests. The published classes are nested regions, each with a sigmoid; here each level has a
softmax.

What had to be decided, where the paper left us in doubt: features are added where they skip, as in
the U-Net of Myronenko that the paper builds on; the first stage has one decoder, of deconvolutions.

The proteins of a vesicle (or a mitochondrion) of the phantom are two classes that nothing tells
apart but the order they were drawn in: a supervised method can only guess which is which, and does.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.networks.cascaded_unet import CascadedUNet
from benchmarks.quality.networks.crops import crop_shape, crop_start, cropped, image_tensor
from benchmarks.quality.networks.dice_loss import dice_loss
from benchmarks.quality.networks.levels import chosen_levels, class_tensor, labels_by_level
from benchmarks.quality.networks.polynomial_rate import remaining
from benchmarks.quality.networks.tiled_inference import tiled
from gyrovox.volumes import Volume

WIDTH = {"cpu": 4, "cuda": 16}
RATE = {"cpu": 5e-3, "cuda": 3e-4}
"""By kind of device: what half a minute is enough for differs."""

SIDE = 52
BATCH = 2


class Jiang2019(Method):
    """The two-stage cascaded U-Net of Jiang et al., fully supervised."""

    name = "jiang-2019"
    title = "Jiang et al. 2019, two-stage cascaded U-Net"
    labels = "every voxel of every training volume"
    published: ClassVar = {"brats": (0.888,)}
    differs: ClassVar = {
        "phantom": "not published for phantoms; colours are drawn anew for every volume, so what a "
        "network can learn of classes is their shapes, places and textures",
        "brats": "published with four modalities, 285 patients and days of a GPU; here two "
        "patients and minutes",
    }
    uses_truths = True
    reference = "Jiang et al. (2020), BrainLes 2019. https://doi.org/10.1007/978-3-030-46640-4_22"

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn both stages together, from crops."""
        assert truths is not None
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        device = self.budget.device
        self.levels = tuple(truths[0])
        images = [image_tensor(one, device) for one in volumes]
        classes = [class_tensor(one, self.levels, device) for one in truths]
        self.network = CascadedUNet(len(images[0]), self.levels, width=WIDTH[device.type])
        self.network.to(device, memory_format=torch.channels_last_3d)
        rate = RATE[device.type]
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate, weight_decay=1e-5)
        crop = crop_shape(images, SIDE)
        for _ in self.budget.steps():
            for group in optimiser.param_groups:
                group["lr"] = rate * remaining(self.budget)
            chosen = chance.integers(len(images), size=BATCH)
            pairs = [augmented(images[one], classes[one], crop, chance) for one in chosen]
            image, truth = (torch.stack(parts) for parts in zip(*pairs, strict=True))
            loss = self._loss(image, truth)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        self.network.eval()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """The likeliest class of every voxel at every level, by the second stage."""
        image = image_tensor(volume, self.budget.device)
        probabilities = tiled(lambda tile: self.network(tile).fine, image, side=SIDE)
        return chosen_levels(labels_by_level(probabilities, self.levels), levels)

    def _loss(self, image: Tensor, truth: Tensor) -> Tensor:
        """The sum over the three outputs."""
        output = self.network(image)
        parts = (output.coarse, output.fine, output.regulariser)
        return torch.stack([dice_loss(one, truth, self.levels) for one in parts]).sum()


def augmented(
    image: Tensor, classes: Tensor, crop: Sequence[int], chance: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """A crop anywhere, flipped along any axes, of shifted and scaled intensities.

    Args:
        image: Shape (channels, z, y, x).
        classes: Shape (levels, z, y, x).
        crop: Shape of the crop (z, y, x).
        chance: To draw from.

    Returns:
        Image and classes of the shape of the crop.
    """
    start = crop_start(image.shape[1:], crop, chance)
    flipped = [axis for axis in (1, 2, 3) if chance.random() < 0.5]
    grey, truth = (cropped(one, start, crop).flip(flipped) for one in (image, classes))
    return grey * chance.uniform(0.9, 1.1) + chance.uniform(-0.1, 0.1), truth
