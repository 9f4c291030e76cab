"""What a method is: it fits to volumes, and segments a volume at the levels that are asked for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.comparison.budget import Budget
from gyrovox.volumes import Volume

Truth = Mapping[int, NDArray[np.integer]]
"""Number of classes at a level -> class of every voxel, 0 to that number - 1, shape (z, y, x)."""

Labels = dict[int, NDArray[np.integer]]
"""Number of classes asked for -> label of every voxel, shape (z, y, x)."""


class Method(ABC):
    """One way to segment volumes; made anew for every seed and every set of training volumes.

    Args:
        seed: Of whatever it draws; the same seed and the same steps give the same labels.
        budget: How long it may train, and on which device (`budget.device`).
    """

    name: ClassVar[str]
    """What it is called on the command line: short, lower case, hyphens."""

    title: ClassVar[str]
    """What it is called in tables: authors, year, and what it is."""

    labels: ClassVar[str] = "none"
    """Which labels it is given, in words; `none` if it needs none."""

    uses_truths: ClassVar[bool] = False
    """Whether `fit` is given the truths of the training volumes."""

    learns: ClassVar[bool] = True
    """Whether `fit` trains something: then it is run with several seeds, else with one."""

    scribbles: ClassVar[float] = 0.0
    """Part of the voxels of the very volume that it is shown the classes of, as a user paints them.
    They are not scored; 0 for all but tools that are made for painting."""

    published: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    """`phantom` or `brats` -> Dice that Hsu et al. (2021) print for it, a number for each level."""

    differs: ClassVar[Mapping[str, str]] = {}
    """`phantom` or `brats` -> why what is measured here differs from what was published."""

    reference: ClassVar[str] = ""
    """The paper and its address."""

    def __init__(self, *, seed: int, budget: Budget) -> None:
        self.seed = seed
        self.budget = budget

    def fit(  # noqa: B027 - a method that learns nothing has nothing to do here
        self, volumes: Sequence[Volume], truths: Sequence[Truth] | None = None
    ) -> None:
        """Learn from training volumes.

        Args:
            volumes: Of any spatial shapes, with one number of channels.
            truths: Classes of their voxels, one mapping for each; None unless `uses_truths`.
        """

    def shown(  # noqa: B027 - only tools that are made for painting look at it
        self, classes: Truth
    ) -> None:
        """Take what the user painted into the volume that is segmented next.

        Args:
            classes: As truths are, with -1 where nothing was painted; only if `scribbles` is not 0.
        """

    @abstractmethod
    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Label every voxel of a volume that was not trained on.

        Args:
            volume: Shape (channels, z, y, x).
            levels: Numbers of classes; a method with truths has seen the same numbers.

        Returns:
            For each level, labels of shape (z, y, x), at most so many of them.
        """
