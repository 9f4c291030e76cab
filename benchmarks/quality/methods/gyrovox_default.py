"""Ours: the default configuration, segmented by its tree, and by k-means of its codes.

The tree of intensities is what our documentation advises where brightness is all there is to go by.
"""

from collections.abc import Sequence

from benchmarks.quality.comparison.method import Labels, Method, Truth
from benchmarks.quality.trained_segmenter import trained_segmenter
from gyrovox.settings import Configuration, SegmentationSettings, configuration
from gyrovox.volumes import Volume


class GyrovoxTree(Method):
    """The default: cuts of a tree of regions of intensity and texture.

    The tree's evidence is not learned; codes only order and describe its nodes.
    """

    name = "gyrovox-tree"
    title = "gyrovox, default (tree)"
    clustering = SegmentationSettings()

    def fit(self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None) -> None:
        """Train for as many steps as the budget allows."""
        self._segmenter = trained_segmenter(
            self._settings(), volumes, seed=self.seed, budget=self.budget
        )

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Embed the volume, and segment it at all levels."""
        return dict(self._segmenter.segment(volume, levels=tuple(levels)).levels)

    def _settings(self) -> Configuration:
        base = configuration("default")
        return Configuration(model=base.model, training=base.training, segmentation=self.clustering)


class GyrovoxTreeOfIntensity(GyrovoxTree):
    """The same without texture: `--evidence intensity`."""

    name = "gyrovox-tree-intensity"
    title = "gyrovox, tree of intensities"
    clustering = SegmentationSettings(evidence="intensity")


class GyrovoxFlat(GyrovoxTree):
    """The same network; every level is a hyperbolic k-means of the smoothed codes."""

    name = "gyrovox-flat"
    title = "gyrovox, k-means of codes"
    clustering = SegmentationSettings(clustering="kmeans")
