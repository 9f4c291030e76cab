"""A 3-D convolutional autoencoder whose codes are clustered while it goes on learning."""

import copy
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.networks.cosine_rate import let_rate_fall
from benchmarks.quality.networks.crop_source import CropSource
from benchmarks.quality.networks.dense_encoding import as_points, at_every_voxel
from benchmarks.quality.networks.patch_decoder import PatchDecoder
from benchmarks.quality.networks.patch_encoder import PatchEncoder
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some
from benchmarks.quality.networks.soft_assignment import ClusteringLayer, divergence, sharpened
from gyrovox.volumes import Volume

_WIDTHS = (16, 32, 25)
_BATCH = 256
_LEARNING_RATE = 1e-3
_CLUSTERING_WEIGHT = 0.1
_CLUSTERED = 2048  # patches of the volume that the clustering stage learns from
_STEPS = 24
_REFINED_AT_ONCE = 128
_INTERVAL = 8  # steps after which the target is made anew


class Autoencoder(nn.Module):
    """Encoder and decoder of patches of 7^3 voxels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = PatchEncoder(channels, _WIDTHS)
        self.decoder = PatchDecoder(channels, _WIDTHS)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (batch, features) of patches, and the patches that they are decoded to."""
        codes = self.encoder.codes_of_patches(patches)
        return codes, self.decoder(codes)


class Nalepa(Method):
    """3-D convolutional autoencoder, then deep embedded clustering joint with reconstruction.

    Published for hyperspectral images: small patches around every pixel through 3-D convolutions to
    a short code and back, learned by reconstruction; then a clustering layer on the codes, its
    centres begun by k-means, and both learned on by reconstruction and, with a smaller weight, by
    the divergence of soft assignments from sharpened ones. Pixels get the cluster they are most
    assigned to. All of it is done on the very image that is segmented.

    Decided here: the autoencoder is learned on the training volumes, the clustering stage on the
    volume that is segmented, for as many steps as a second pays for. As numbers of classes are
    known only then, every level asked for has a clustering layer of its own, and all of them are
    refined together on one copy of the encoder. The target is that of 2,048 patches of the volume.
    The weight of clustering is 0.1, as in deep convolutional embedded clustering (Guo et al. 2017).
    Patches of 7^3 voxels, unpadded convolutions of 16, 32 and 25 features without strides, the last
    taking the place of a dense layer: so the codes of all patches of a volume are one convolution.
    """

    name = "nalepa-2020"
    title = "Nalepa et al. 2020, 3-D convolutional autoencoder + clustering layer"
    published: ClassVar = {"phantom": (0.530, 0.276, 0.120), "brats": (0.495,)}
    differs: ClassVar = {
        "phantom": "clusters are begun by k-means and refined on the volume itself, and stay near "
        "what k-means finds",
        "brats": "the same; two of the three clusters are outside and brain, and the third is "
        "not the tumour",
    }
    reference = (
        "J. Nalepa et al., Unsupervised segmentation of hyperspectral images using 3-D "
        "convolutional autoencoders, IEEE GRSL 2020. https://arxiv.org/abs/1907.08870"
    )

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Learn the autoencoder by reconstruction."""
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        self._network = Autoencoder(volumes[0].channels).to(self.budget.device)
        source = CropSource(volumes, self._network.encoder.field)
        optimiser = torch.optim.Adam(self._network.parameters(), lr=_LEARNING_RATE)
        for _ in self.budget.steps():
            let_rate_fall(optimiser, _LEARNING_RATE, self.budget)
            patches = source.draw(_BATCH, chance).to(self.budget.device)
            _, decoded = self._network(patches)
            optimiser.zero_grad()
            nn.functional.mse_loss(decoded, patches).backward()
            optimiser.step()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Cluster the codes of the volume, refine codes and centres, assign every voxel."""
        network = copy.deepcopy(self._network)
        voxels = normalised(volume)
        codes = self._codes(network, voxels)
        layers = nn.ModuleList(
            ClusteringLayer(torch.from_numpy(kmeans_of_some(codes, k, self.seed).cluster_centers_))
            for k in levels
        ).to(self.budget.device)
        field = network.encoder.field
        chance = np.random.default_rng(self.seed)
        patches = CropSource([volume], field).draw(_CLUSTERED, chance).to(self.budget.device)
        refined(network, layers, patches, chance)
        codes = self._codes(network, voxels)
        return {
            k: nearest(codes, layer.centres.detach().cpu().numpy()).reshape(voxels.shape[1:])
            for k, layer in zip(levels, layers, strict=True)
        }

    def _codes(self, network: Autoencoder, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Codes of every voxel, shape (voxels, features)."""
        encoder = network.encoder
        return as_points(at_every_voxel(encoder, voxels, encoder.field, self.budget.device))


def refined(
    network: Autoencoder,
    layers: nn.ModuleList,
    patches: torch.Tensor,
    chance: np.random.Generator,
    *,
    steps: int = _STEPS,
) -> None:
    """Learn codes and centres on, in place, by reconstruction and by sharper assignments.

    Args:
        network: Pre-trained by reconstruction.
        layers: `ClusteringLayer`s, one for each number of classes.
        patches: Of the volume that is segmented, shape (patches, channels, z, y, x).
        chance: Draws the batches.
        steps: Of the optimiser.
    """
    parameters = [*network.parameters(), *layers.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=_LEARNING_RATE)
    targets: list[torch.Tensor] = []
    for step in range(steps):
        if step % _INTERVAL == 0:
            with torch.no_grad():
                codes = network.encoder.codes_of_patches(patches)
                targets = [sharpened(layer(codes)) for layer in layers]
        some = torch.from_numpy(chance.choice(len(patches), _REFINED_AT_ONCE)).to(patches.device)
        codes, decoded = network(patches[some])
        loss = nn.functional.mse_loss(decoded, patches[some])
        for layer, target in zip(layers, targets, strict=True):
            loss = loss + _CLUSTERING_WEIGHT * divergence(target[some], layer(codes))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def nearest(codes: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.integer]:
    """Nearest centre of each code, which is also the one it is most assigned to."""
    return (np.square(centres).sum(1) - 2 * codes @ centres.T).argmin(1)
