"""Averages of sub-volumes of which each has seen another part of Fourier space."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Complex64, Float32, Float64
from torch import Tensor

from .box_spectra import boxes_of_spectra, centred_spectra
from .turned_boxes import turned_volumes, turned_weights

_FEWEST_SEEN = 0.05
"""Share of the best seen frequencies' weight, below which a frequency is damped."""


@final
@dataclass(frozen=True, eq=False)
class WedgeWeightedSum:
    """Sums over sub-volumes: of their spectra, and of what was seen of them.

    Args:
        spectrum: Σ m S, shape (box, box, box // 2 + 1).
        weights: Σ m.
    """

    spectrum: Complex64[Tensor, "box box half"]
    weights: Float32[Tensor, "box box half"]

    @classmethod
    def of(
        cls,
        boxes: Float32[Tensor, "n box box box"],
        wedges: Float32[Tensor, "n box box half"],
    ) -> "WedgeWeightedSum":
        """The sums over some sub-volumes that stand as their reference does."""
        return cls((centred_spectra(boxes) * wedges).sum(dim=0), wedges.sum(dim=0))

    def __add__(self, other: "WedgeWeightedSum") -> "WedgeWeightedSum":
        return WedgeWeightedSum(self.spectrum + other.spectrum, self.weights + other.weights)

    def symmetrised(self, spins: Float64[np.ndarray, "fold 3 3"]) -> "WedgeWeightedSum":
        """The sums over every sub-volume in every turn of a symmetry.

        Args:
            spins: The turns, on (z, y, x) columns; the first one turns nothing.

        Returns:
            The sums, in the other turns interpolated.
        """
        if len(spins) == 1:
            return self
        others = torch.from_numpy(spins[1:]).to(self.weights)
        box = boxes_of_spectra(self.spectrum[None])[0]
        spectra = centred_spectra(turned_volumes(box, others))
        weights = turned_weights(self.weights, others)
        return WedgeWeightedSum(
            self.spectrum + spectra.sum(dim=0), self.weights + weights.sum(dim=0)
        )

    def average(self) -> Float32[Tensor, "box box box"]:
        """Σ m S / Σ m; what hardly any has seen is damped."""
        floor = _FEWEST_SEEN * float(self.weights.max().clamp(min=1e-6))
        return boxes_of_spectra((self.spectrum / self.weights.clamp(min=floor))[None])[0]

    def seen(self) -> Float32[Tensor, "box box half"]:
        """How much of each frequency was seen, 0 to 1."""
        share = self.weights / (_FEWEST_SEEN * self.weights.max().clamp(min=1e-6))
        return share.clamp(0, 1)
