"""Embeddings of patches by SimSiam, and k-means of those of a volume."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.networks.cosine_rate import let_rate_fall
from benchmarks.quality.networks.crop_source import CropSource
from benchmarks.quality.networks.cube_symmetries import random_symmetry
from benchmarks.quality.networks.dense_encoding import as_points, at_every_voxel
from benchmarks.quality.networks.grey_jitter import GreyJitter
from benchmarks.quality.networks.patch_encoder import PatchEncoder
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some
from gyrovox.volumes import Volume

_WIDTHS = (16, 32, 32, 32)
_PROJECTED = 64
_BOTTLENECK = 16
_SLACK = 3  # codes along each axis of a crop, of which a view takes one: shifts of up to 2 voxels
_BATCH = 128
_LEARNING_RATE = 0.05 * _BATCH / 256
_JITTER = GreyJitter(contrast=0.2, brightness=0.2, noise=0.25)


class Siamese(nn.Module):
    """Encoder, projector and predictor, in the proportions of the published ones.

    Args:
        channels: Of the patches.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = PatchEncoder(channels, _WIDTHS, batch_norm=True)
        self.projector = nn.Sequential(
            *_normalised_layer(self.encoder.features, _PROJECTED),
            nn.ReLU(),
            *_normalised_layer(_PROJECTED, _PROJECTED),
            nn.ReLU(),
            *_normalised_layer(_PROJECTED, _PROJECTED),
        )
        self.predictor = nn.Sequential(
            *_normalised_layer(_PROJECTED, _BOTTLENECK),
            nn.ReLU(),
            nn.Linear(_BOTTLENECK, _PROJECTED),
        )

    def loss(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Negative cosine between what one view predicts and what the other is, both ways."""
        one, other = (
            self.projector(self.encoder.codes_of_patches(view)) for view in (first, second)
        )
        return (
            negative_cosine(self.predictor(one), other)
            + negative_cosine(self.predictor(other), one)
        ) / 2


class SimSiamKMeans(Method):
    """SimSiam embeddings of the patches around voxels, then k-means of those of one volume.

    Published: two changed views of an image through one encoder and projector; a predictor makes of
    either the other, which gets no gradient; that alone keeps the embeddings from collapsing. For
    cryo-ET (MiLoPYP) the images are patches of tomograms, and the embeddings are clustered into
    more clusters than there are kinds of structure, which a person then joins and names.

    Decided here: nobody joins clusters here, so k-means looks for as many as a level asks for, in
    the embeddings of all voxels, of length 1 as the loss sees only directions. Views are patches of
    9^3 voxels shifted by up to 2 voxels, turned by a symmetry of the cube that is drawn for the
    batch, with contrast, brightness and noise of their own; no blur, which at this size hides the
    texture. Instead of a residual network four unpadded convolutions of 16, 32, 32 and 32 features,
    so that the embeddings at all voxels are one convolution; projector 64, predictor 16 in between,
    the published four to one. SGD with the published rate, momentum and weight decay; the
    predictor's rate does not fall, as published.
    """

    name = "simsiam"
    title = "SimSiam embeddings of patches + k-means (Chen & He 2021; Huang et al. 2024)"
    reference = (
        "X. Chen, K. He, Exploring simple Siamese representation learning, CVPR 2021. "
        "https://arxiv.org/abs/2011.10566. In the manner of Q. Huang et al., MiLoPYP, Nature "
        "Methods 2024."
    )

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn embeddings that agree between two views of a patch."""
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        network = Siamese(volumes[0].channels).to(self.budget.device)
        self._encoder = network.encoder
        source = CropSource(volumes, network.encoder.field, block=(_SLACK, _SLACK, _SLACK))
        falling = nn.ModuleList([network.encoder, network.projector])
        settings = {"lr": _LEARNING_RATE, "momentum": 0.9, "weight_decay": 1e-4}
        encoding = torch.optim.SGD(falling.parameters(), **settings)
        predicting = torch.optim.SGD(network.predictor.parameters(), **settings)
        for _ in self.budget.steps():
            let_rate_fall(encoding, _LEARNING_RATE, self.budget)
            crops = source.draw(_BATCH, chance).to(self.budget.device)
            loss = network.loss(self._view(crops, chance), self._view(crops, chance))
            encoding.zero_grad()
            predicting.zero_grad()
            loss.backward()
            encoding.step()
            predicting.step()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Cluster the embeddings of the patches around all voxels of the volume."""
        self._encoder.eval()
        voxels = normalised(volume)

        def embeddings(tile: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(self._encoder(tile), dim=1)

        points = as_points(
            at_every_voxel(embeddings, voxels, self._encoder.field, self.budget.device)
        )
        return {
            k: kmeans_of_some(points, k, self.seed).predict(points).reshape(voxels.shape[1:])
            for k in levels
        }

    def _view(self, crops: torch.Tensor, chance: np.random.Generator) -> torch.Tensor:
        """Shifted, turned and changed patches of the crops."""
        field = self._encoder.field
        for axis, side in enumerate(field, start=2):
            start = int(chance.integers(crops.shape[axis] - side + 1))
            crops = crops.narrow(axis, start, side)
        return _JITTER.of(random_symmetry(chance).of(crops))


def negative_cosine(predicted: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
    """Mean of -cos(p, z) over the points, without a gradient for z.

    Args:
        predicted: p, shape (points, features).
        embedded: z, same shape.

    Source:
        Chen & He (2021), eq. 1 and 3. https://arxiv.org/abs/2011.10566
    """
    return -nn.functional.cosine_similarity(predicted, embedded.detach(), dim=1).mean()


def _normalised_layer(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    """A linear layer without offset, which the batch normalisation after it has."""
    return nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs)
