"""How a reference lies in sub-volumes: the turn and the shift of the best constrained correlation.

For a particle with spectrum S, seen with weights m, and a reference turned by L with spectrum G and
weights v, the constrained correlation at shift s is

    c(L, s) = Σ w S Ḡ exp(2πi k·s) / √(Σ w |S|² Σ w |G|²),   w = m v b:

only what both have seen, in the band b, is compared. It is found at all shifts at once by a
Fourier transform.

Source:
    Förster, Medalia, Zauberman, Baumeister & Fass (2005), PNAS 102:4729, the constrained
    correlation. https://doi.org/10.1073/pnas.0409178102
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Complex64, Float32, Float64, Int64
from torch import Tensor

from .box_spectra import band_weights, centred_spectra, cropped, hermitian_counts
from .turned_boxes import turned_volumes, turned_weights

_ROTATIONS_AT_ONCE = 64
_ROOM = 1.5


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class FoundPoses:
    """Where the reference lies in each sub-volume.

    Args:
        rotations: Which of the turns, shape (n,).
        shifts: (z, y, x) in voxels of the sub-volumes, shape (n, 3).
        scores: Constrained correlations, shape (n,).
    """

    rotations: Int64[np.ndarray, " n"]
    shifts: Float64[np.ndarray, "n 3"]
    scores: Float64[np.ndarray, " n"]


@final
class PoseSearch:
    """A reference in many turns, to look for in sub-volumes.

    Args:
        reference: Grey values, dense matter bright, centre at ``box // 2``.
        seen: How much of each frequency the reference has seen, laid out as ``rfftn`` does; None
            where that is everything.
        rotations: The turns to try, on (z, y, x) columns.
        cutoff: Frequency in cycles per voxel above which nothing is compared.
        shift: Farthest shift in voxels.
    """

    def __init__(
        self,
        reference: Float32[Tensor, "box box box"],
        seen: Float32[Tensor, "box box half"] | None,
        rotations: Float64[np.ndarray, "turns 3 3"],
        *,
        cutoff: float,
        shift: float,
    ) -> None:
        self._box = reference.shape[0]
        # Even, and with room above the cutoff: the shifts that are tried lie closer then, and no
        # turn loses because its shift lies between two of them.
        self._band = min(self._box, 2 * int(np.ceil(_ROOM * self._box * cutoff)) + 2)
        self._weights = band_weights(self._band, self._box, cutoff, reference.device)
        turns = torch.from_numpy(rotations).to(reference)
        turned = turned_volumes(reference, turns)
        spectra = self.spectra(turned)
        self._spectra = spectra * self._weights
        self._weights = self._weights * hermitian_counts(self._band, reference.device)
        self._power = (spectra.abs().square() * self._weights).flatten(1)
        self._seen = (
            None if seen is None else cropped(turned_weights(seen, turns).clamp(0, 1), self._band)
        )
        self._reach = min(int(np.ceil(shift * self._band / self._box)), self._band // 2 - 1)
        self._farthest = shift

    def spectra(
        self, boxes: Float32[Tensor, "n box box box"]
    ) -> Complex64[Tensor, "n band band half"]:
        """The frequencies of boxes up to the cutoff, the centre of each its origin."""
        return cropped(centred_spectra(boxes), self._band)

    def found_in(
        self,
        boxes: Float32[Tensor, "n box box box"],
        wedges: Float32[Tensor, "n box box half"],
    ) -> FoundPoses:
        """The best turn and shift for each sub-volume.

        Args:
            boxes: Grey values, dense matter bright, shape (n, box, box, box).
            wedges: What was seen of them, shape (n, box, box, box // 2 + 1).

        Returns:
            The poses.
        """
        masks = cropped(wedges, self._band)
        best = [self._best(*pair) for pair in zip(self.spectra(boxes), masks, strict=True)]
        turns, shifts, scores = zip(*best, strict=True)
        return FoundPoses(
            rotations=np.array(turns, np.int64),
            shifts=np.array(shifts, np.float64),
            scores=np.array(scores, np.float64),
        )

    def _best(
        self, spectrum: Complex64[Tensor, "band band half"], mask: Float32[Tensor, "band band half"]
    ) -> tuple[int, list[float], float]:
        """The turn, the shift and the correlation of one sub-volume."""
        norms = self._norms(spectrum, mask)
        seen = spectrum * mask
        window = self._window(spectrum.device)
        best = (-2.0, 0, 0)
        for first in range(0, len(self._spectra), _ROTATIONS_AT_ONCE):
            chosen = slice(first, first + _ROTATIONS_AT_ONCE)
            scores = self._correlations(seen, chosen) / norms[chosen, None, None, None]
            scores = scores.masked_fill(~window, -2.0)
            value, index = scores.flatten().max(dim=0)
            if float(value) > best[0]:
                turn, place = divmod(int(index), window.numel())
                best = (float(value), first + turn, place)
        score, turn, place = best
        around = self._correlations(seen, slice(turn, turn + 1))[0] / norms[turn]
        return turn, self._refined(around, place), score

    def _correlations(
        self, spectrum: Complex64[Tensor, "band band half"], chosen: slice
    ) -> Float32[Tensor, "turns side side side"]:
        """Sums over frequencies for some turns, at shifts up to the farthest in the middle."""
        product = spectrum * self._spectra[chosen].conj()
        if self._seen is not None:
            product = product * self._seen[chosen]
        band = self._band
        everywhere: Tensor = torch.fft.irfftn(product, s=(band,) * 3, dim=(1, 2, 3), norm="forward")
        near = torch.arange(-self._reach, self._reach + 1, device=product.device) % band
        return everywhere[:, near][:, :, near][:, :, :, near]

    def _norms(
        self, spectrum: Complex64[Tensor, "band band half"], mask: Float32[Tensor, "band band half"]
    ) -> Float32[Tensor, " turns"]:
        own = (spectrum.abs().square() * mask * self._weights).flatten()
        if self._seen is None:
            reference, particle = self._power @ mask.flatten(), own.sum()
        else:
            seen = self._seen.flatten(1)
            reference, particle = (self._power * seen) @ mask.flatten(), seen @ own
        return (reference * particle).sqrt().clamp(min=torch.finfo(torch.float32).tiny)

    def _window(self, device: torch.device) -> Tensor:
        """Which of the shifts in the middle are no farther than the farthest."""
        axis = torch.arange(-self._reach, self._reach + 1, device=device) * self._box / self._band
        z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
        return (z.square() + y.square() + x.square()).sqrt() <= self._farthest + 1e-6

    def _refined(self, scores: Float32[Tensor, "side side side"], place: int) -> list[float]:
        """The shift in voxels, between those of the grid by a parabola along each axis."""
        values = scores.double().cpu().numpy()
        at = np.unravel_index(place, values.shape)
        shift = []
        for axis, middle in enumerate(at):
            line = np.moveaxis(values, axis, 0)[(slice(None), *np.delete(at, axis))]
            between = 0.0
            if 0 < middle < len(line) - 1:
                low, high, next_low = line[middle - 1 : middle + 2]
                bend = low - 2 * high + next_low
                between = 0.5 * (low - next_low) / bend if bend < 0 else 0.0
            within = float(np.clip(between, -0.5, 0.5))
            shift.append((int(middle) - self._reach + within) * self._box / self._band)
        return shift
