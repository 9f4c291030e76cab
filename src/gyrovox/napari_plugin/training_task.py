"""Training on a volume and segmenting it, as one piece of work that tells how far it has come."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

from gyrovox.clustering import SegmentationTree
from gyrovox.errors import SettingsError, VolumeError
from gyrovox.progress import duration, quantity
from gyrovox.settings import configuration

from .layer_volume import UnreadImage

_LEAST_PAUSE_S = 0.05
"""Time between two reports: no screen shows more."""


@final
@dataclass(frozen=True, kw_only=True)
class TrainingChoices:
    """What a person chooses before training.

    Args:
        steps: Updates of the network, at least 1.
        seed: Seed of everything random, 0 or more.

    Raises:
        SettingsError: If a number is out of its range.
    """

    steps: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.seed < 0:
            raise SettingsError(
                f"training needs at least 1 step and a seed of 0 or more, and steps={self.steps}, "
                f"seed={self.seed} came."
            )


@final
@dataclass(frozen=True)
class Report:
    """How far the work has come.

    Args:
        text: In words.
        done: Steps that are taken.
        total: Steps that there are; 0 where that is not known.
    """

    text: str
    done: int = 0
    total: int = 0


def train_and_segment(
    image: UnreadImage,
    choices: TrainingChoices,
    *,
    tell: Callable[[Report], None],
    is_cancelled: Callable[[], bool],
) -> SegmentationTree | None:
    """The segmentation tree of a volume, by a network that learns from that volume alone.

    Args:
        image: The volume.
        choices: How it learns.
        tell: Called, from the thread that works, whenever there is something new to say.
        is_cancelled: Asked after every step of the training and between the stages; a stage that
            has no steps is not interrupted.

    Returns:
        The tree; None if `is_cancelled` said so.

    Raises:
        VolumeError: If the volume is too small or too large, or its voxels cannot be worked with.
        TrainingError: If the loss stops being a finite number.
    """
    # Imported here: they load all of torch, and only this needs it.
    from gyrovox.patches import WHOLE
    from gyrovox.segmenter import HierarchicalSegmenter

    if math.prod(image.shape) > WHOLE:
        raise VolumeError(
            f"{image.name}: a volume must have at most {quantity(WHOLE)} voxels to be segmented "
            f"in this window, and has {quantity(math.prod(image.shape))}. Segment its file tile by "
            f"tile, with `gyrovox segment FILE -o DIR`, and open DIR here."
        )
    tell(Report("reading the layer"))
    volume = image.read()
    defaults = configuration("default")
    learned = replace(defaults, training=replace(defaults.training, steps=choices.steps))
    segmenter = HierarchicalSegmenter(learned, seed=choices.seed, quiet=True)
    steps = _Steps(choices.steps, tell, is_cancelled)
    segmenter.fit(volume, should_stop=steps.take)
    if is_cancelled():
        return None
    tell(Report("embedding every voxel and building the tree; this cannot be interrupted"))
    tree = segmenter.segment(volume, (2,)).tree
    return None if is_cancelled() else tree


@final
class _Steps:
    """Counts the steps of a training and tells about them; `take` says whether to stop."""

    def __init__(
        self, total: int, tell: Callable[[Report], None], is_cancelled: Callable[[], bool]
    ) -> None:
        self._total = total
        self._tell = tell
        self._is_cancelled = is_cancelled
        self._done = 0
        self._start = self._last = time.monotonic()
        tell(Report("training", 0, total))

    def take(self) -> bool:
        """Count one more step; whether the work was cancelled."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= _LEAST_PAUSE_S or self._done == self._total:
            self._last = now
            self._tell(Report(self._text(now - self._start), self._done, self._total))
        return self._is_cancelled()

    def _text(self, elapsed_s: float) -> str:
        rate = self._done / max(elapsed_s, 1e-9)
        left = duration((self._total - self._done) / rate)
        return f"training: {self._done}/{self._total} steps, {quantity(rate)} steps/s, {left} left"
