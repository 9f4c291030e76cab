"""Joint learning of a representation of patches and of their agglomerative clusters."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import nn

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.networks.crop_source import CropSource
from benchmarks.quality.networks.dense_encoding import as_points, at_every_voxel
from benchmarks.quality.networks.graph_degree_linkage import Linkage, neighbour_weights
from benchmarks.quality.networks.patch_encoder import PatchEncoder
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some
from gyrovox.volumes import Volume

_WIDTHS = (16, 32, 32, 32)
_PATCHES = 2000
_FIRST_CLUSTERS = 400
_LAST_CLUSTERS = 8
_PERIODS = 8
_COMPARED = 5
_BATCH = 96
_LEARNING_RATE = 1e-3
_MARGIN = 0.2
# What a distance to the own cluster weighs. At 2 all features fell into one point, where the loss
# of every triplet is the margin, and stayed there.
_CLOSER = 1.0


class Moriya(Method):
    """JULE on patches of 3-D volumes, then k-means of the features around every voxel.

    Published for micro-CT: random patches of the image; their features by a convolutional network,
    of length 1; many small clusters; and then periods of two stages in turn: clusters are merged by
    their affinity in the graph of nearest neighbours (20 each, λ = 1, 5 clusters compared), and the
    network learns by a weighted triplet loss to draw a patch towards its cluster and off the
    clusters nearest to it. Last, k-means of the learned features of patches on a grid, each label
    given to the middle of its patch.

    Decided here: 2,000 patches of the training volumes (published: of the image to segment), which
    stay the same; 400 clusters by k-means of the untrained network's features, merged to 8, as many
    as our finest level has, by the same factor in each of 8 periods of equal time (published: an
    unrolling rate of 0.9 or 0.2); every patch of a batch with one of its cluster and one of each of
    the 4 next nearest clusters; margin 0.2 and weight 1 of the near distance. Patches of 9^3 voxels
    (published: 27^3, of far larger objects), unpadded convolutions of 16, 32, 32 and 32 features
    without pooling and with batch normalisation: so there is a patch around every voxel and not
    around those of a grid.
    """

    name = "moriya-2018"
    title = "Moriya et al. 2018, JULE of 3-D patches + k-means"
    published: ClassVar = {"phantom": (0.628, 0.311, 0.141), "brats": (0.425,)}
    differs: ClassVar = {
        "phantom": "the longer it learns, the lower it scores on development phantoms",
        "brats": "two of the three clusters are outside and brain, and the third is not the tumour",
    }
    reference = (
        "T. Moriya et al., Unsupervised segmentation of 3D medical images based on clustering and "
        "deep representation learning, SPIE 2018. https://arxiv.org/abs/1804.03830"
    )

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Merge clusters of patches and learn their features, in turn."""
        torch.manual_seed(self.seed)
        chance = np.random.default_rng(self.seed)
        encoder = PatchEncoder(volumes[0].channels, _WIDTHS, batch_norm=True)
        self._encoder = encoder.to(self.budget.device)
        source = CropSource(volumes, encoder.field)
        patches = source.draw(_PATCHES, chance).to(self.budget.device)
        optimiser = torch.optim.Adam(encoder.parameters(), lr=_LEARNING_RATE)
        # Batch normalisation has to have seen the patches before their features mean anything.
        self._set_statistics(patches)
        labels = KMeans(_FIRST_CLUSTERS, n_init=1, random_state=self.seed).fit_predict(
            self._features(patches)
        )
        labels = np.unique(labels, return_inverse=True)[1]
        for period in range(1, _PERIODS + 1):
            linkage = Linkage(neighbour_weights(self._features(patches)), labels)
            while linkage.clusters > clusters_after(period):
                linkage.merge(compared=_COMPARED)
            labels = linkage.labels
            near = linkage.nearest(_COMPARED - 1)
            encoder.train()
            for _ in self.budget.steps(period / _PERIODS):
                anchors, same, others = triplets(labels, near, _BATCH, chance)
                loss = self._loss(patches, anchors, same, others)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Cluster the features of the patches around all voxels of the volume."""
        self._encoder.eval()
        voxels = normalised(volume)
        features = as_points(
            at_every_voxel(self._of_length_1, voxels, self._encoder.field, self.budget.device)
        )
        return {
            k: kmeans_of_some(features, k, self.seed).predict(features).reshape(voxels.shape[1:])
            for k in levels
        }

    def _loss(
        self,
        patches: torch.Tensor,
        anchors: NDArray[np.integer],
        same: NDArray[np.integer],
        others: NDArray[np.integer],
    ) -> torch.Tensor:
        """Triplet loss of a batch, all its patches through the network at once."""
        every = np.concatenate([anchors, same, others.ravel()])
        features = self._of_length_1(patches[torch.from_numpy(every).to(patches.device)])
        features = features.flatten(1)
        count = len(anchors)
        return triplet_loss(
            features[:count],
            features[count : 2 * count],
            features[2 * count :].unflatten(0, others.shape),
        )

    def _features(self, patches: torch.Tensor) -> NDArray[np.float32]:
        """Features of patches, of length 1, shape (patches, features)."""
        self._encoder.eval()
        with torch.no_grad():
            parts = [self._of_length_1(some).flatten(1) for some in patches.split(500)]
        return torch.cat(parts).cpu().numpy()

    def _of_length_1(self, voxels: torch.Tensor) -> torch.Tensor:
        """Features of the encoder, scaled to length 1."""
        return nn.functional.normalize(self._encoder(voxels), dim=1)

    def _set_statistics(self, patches: torch.Tensor) -> None:
        """Let batch normalisation see some patches often enough to forget where it began."""
        self._encoder.train()
        with torch.no_grad():
            for _ in range(3):
                for some in patches.split(100):
                    self._encoder(some)


def clusters_after(period: int) -> int:
    """Clusters that are left after a period's merging: fewer by one factor each time."""
    left = (_LAST_CLUSTERS / _FIRST_CLUSTERS) ** (period / _PERIODS)
    return max(_LAST_CLUSTERS, round(_FIRST_CLUSTERS * left))


def triplets(
    labels: NDArray[np.integer],
    near: NDArray[np.integer],
    count: int,
    chance: np.random.Generator,
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]]:
    """Points, another of the cluster of each, and one of each of the clusters near it.

    Args:
        labels: Cluster of each point.
        near: Nearest clusters of each cluster, shape (clusters, compared).
        count: Points wanted.
        chance: Draws them.

    Returns:
        Indices of points, of shapes (count,), (count,) and (count, compared). A point that is alone
        in its cluster comes with itself.
    """
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    anchors = chance.integers(len(labels), size=count)
    own = labels[anchors]
    same = order[starts[own] + chance.integers(sizes[own])]
    wanted = near[own]
    others = order[starts[wanted] + chance.integers(sizes[wanted])]
    return anchors, same, others


def triplet_loss(anchors: torch.Tensor, same: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Mean of ``max(0, margin + γ |x_i - x_j|^2 - |x_i - x_k|^2)`` over all triplets.

    Args:
        anchors: x_i, shape (points, features), of length 1.
        same: x_j of the same cluster, same shape.
        others: x_k of the nearest clusters, shape (points, compared, features).

    Source:
        Yang, Parikh & Batra (2016), the weighted triplet loss of the backward pass. https://arxiv.org/abs/1604.03628
    """
    near = (anchors - same).square().sum(-1, keepdim=True)
    far = (anchors[:, None] - others).square().sum(-1)
    return (_MARGIN + _CLOSER * near - far).clamp_min(0).mean()
