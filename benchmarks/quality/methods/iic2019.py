"""Invariant information clustering of voxels, slice by slice and in three dimensions."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.networks.cosine_rate import let_rate_fall
from benchmarks.quality.networks.crop_source import CropSource, Sides
from benchmarks.quality.networks.cube_symmetries import random_symmetry
from benchmarks.quality.networks.dense_encoding import at_every_voxel
from benchmarks.quality.networks.grey_jitter import GreyJitter
from benchmarks.quality.networks.mutual_information import (
    joint_probabilities,
    negative_information,
    shifted_pairs,
)
from benchmarks.quality.networks.patch_encoder import PatchEncoder
from gyrovox.volumes import Volume

_CLASSES = tuple(range(2, 9))
_OVERCLUSTERS = 24
_SUBHEADS = 2
_LEARNING_RATE = 1e-3
_ENTROPY_WEIGHT = 1.0
_JITTER = GreyJitter(contrast=0.2, brightness=0.2, noise=0.25)
_MEMORY = 0.95  # of the running means of the losses of the sub-heads


class ClassHead(nn.Module):
    """Several softmax layers of one number of classes, and a running mean of the loss of each.

    Args:
        features: Of the encoder.
        classes: That every sub-head tells apart.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.layer = nn.Conv3d(features, _SUBHEADS * classes, 1)
        self.register_buffer("losses", torch.zeros(_SUBHEADS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Probabilities (batch, sub-heads, classes, z, y, x)."""
        return self.layer(features).unflatten(1, (_SUBHEADS, self.classes)).softmax(2)

    def loss(self, first: torch.Tensor, second: torch.Tensor, most: Sides) -> torch.Tensor:
        """Mean over shifts and sub-heads of what two views' features do not say of each other."""
        one, other = (self(features).flatten(1, 2) for features in (first, second))
        shape = (_SUBHEADS, self.classes)
        each = [
            negative_information(
                joint_probabilities(fixed.unflatten(1, shape), moved.unflatten(1, shape)),
                entropy_weight=_ENTROPY_WEIGHT,
            )
            for fixed, moved in shifted_pairs(one, other, most)
        ]
        losses = torch.stack(each).mean(0)
        self.losses.mul_(_MEMORY).add_((1 - _MEMORY) * losses.detach())
        return losses.mean()

    def best(self, features: torch.Tensor) -> torch.Tensor:
        """Probabilities (batch, classes, z, y, x) of the sub-head of the lowest loss."""
        return self(features)[:, self.losses.argmin()]


class InformationClustering3D(Method):
    """Invariant information clustering with convolutions, turns and shifts in all three axes.

    Published for images and for pixels of images: a fully convolutional network gives every pixel
    probabilities of classes, and is learned to make those of a pixel and of its counterpart in a
    changed view (geometry undone), or of one a small shift away, tell as much of each other as they
    can: their mutual information, averaged over shifts. An auxiliary head with more classes than
    there are is learned in turn with the main one; of several sub-heads that of the lowest loss is
    used. The classes are the network's: nothing is clustered when a volume is segmented.

    Decided here: main heads for 2 to 8 classes on one network, as the levels are known later; two
    sub-heads each; 24 over-clusters, three times the most classes as published; λ = 1; views differ
    by the symmetries of the cube (published: flips for aerial images), contrast, brightness and
    noise; shifts of at most 1 voxel (published: 5 or 10 pixels of photographs, larger than our
    smallest objects). Three convolutions of 16, 16 and 32 features without pooling instead of a VGG
    network, and blocks of 10^3 voxels, for the sake of the processor.
    """

    name = "iic-3d"
    title = "Ji et al. 2019, invariant information clustering in 3-D"
    reference = (
        "X. Ji, J. F. Henriques, A. Vedaldi, Invariant information clustering for unsupervised "
        "image classification and segmentation, ICCV 2019. https://arxiv.org/abs/1807.06653"
    )
    widths: ClassVar[tuple[int, ...]] = (16, 16, 32)
    dilations: ClassVar[tuple[int, ...]] = (1, 1, 2)
    kernel: ClassVar[Sides] = (3, 3, 3)
    block: ClassVar[Sides] = (10, 10, 10)
    most: ClassVar[Sides] = (1, 1, 1)
    batch: ClassVar[int] = 8

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn the network, main heads and over-clustering head in turn."""
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        encoder = PatchEncoder(
            volumes[0].channels,
            self.widths,
            kernel=self.kernel,
            dilations=self.dilations,
            batch_norm=True,
        )
        self._encoder = encoder.to(self.budget.device)
        features = encoder.features
        self._heads = nn.ModuleDict({str(k): ClassHead(features, k) for k in _CLASSES})
        self._heads.to(self.budget.device)
        over = ClassHead(features, _OVERCLUSTERS).to(self.budget.device)
        parameters = [module.parameters() for module in (encoder, self._heads, over)]
        optimiser = torch.optim.Adam([one for group in parameters for one in group])
        source = CropSource(volumes, encoder.field, block=self.block)
        for step in self.budget.steps():
            let_rate_fall(optimiser, _LEARNING_RATE, self.budget)
            crops = source.draw(self.batch, chance).to(self.budget.device)
            first, second = self._views(crops, chance)
            heads = self._heads.values() if step % 2 else [over]
            losses = [head.loss(first, second, self.most) for head in heads]
            optimiser.zero_grad()
            torch.stack(losses).mean().backward()
            optimiser.step()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Give every voxel the likeliest class of the best sub-head of each level."""
        missing = [k for k in levels if k not in _CLASSES]
        if missing:
            raise ValueError(f"levels must be 2 to {_CLASSES[-1]} classes, got {missing}.")
        self._encoder.eval()

        def classes(voxels: torch.Tensor) -> torch.Tensor:
            features = self._encoder(voxels)
            best = [self._heads[str(k)].best(features).argmax(1) for k in levels]
            return torch.stack(best, 1)

        at = at_every_voxel(classes, normalised(volume), self._encoder.field, self.budget.device)
        return {k: one.astype(np.int64) for k, one in zip(levels, at, strict=True)}

    def _views(
        self, crops: torch.Tensor, chance: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of the crops and of a changed view of them, its geometry undone."""
        symmetry = random_symmetry(chance, in_slice=self.kernel[0] == 1)
        first = self._encoder(_JITTER.of(crops))
        second = self._encoder(_JITTER.of(symmetry.of(crops)))
        return first, symmetry.undone(second)


class InformationClustering2D(InformationClustering3D):
    """The same of single slices (y, x), as it was published and compared before.

    Four convolutions instead of three and larger blocks, since a slice costs so much less. A batch
    is 16 blocks of slices of any of the volumes.
    """

    name = "iic-2d"
    title = "Ji et al. 2019, invariant information clustering, slice by slice"
    published: ClassVar = {"phantom": (0.589, 0.291, 0.150), "brats": (0.211,)}
    differs: ClassVar = {
        "phantom": "colours are drawn anew for every volume, so classes that are the same in all "
        "volumes can only be told by intensity and texture; levels share one network "
        "and half a minute",
        "brats": "mutual information is greatest for classes of equal size, and a tumour is small",
    }
    widths = (16, 32, 32, 32)
    dilations = (1, 1, 2, 2)
    kernel = (1, 3, 3)
    block = (1, 24, 24)
    most = (0, 1, 1)
    batch = 16
