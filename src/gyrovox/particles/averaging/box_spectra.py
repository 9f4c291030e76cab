"""Spectra of small boxes, with the box's centre as origin, and their low frequencies."""

import torch
from jaxtyping import Complex64, Float32, Shaped
from torch import Tensor


def centred_spectra(
    boxes: Float32[Tensor, "n box box box"],
) -> Complex64[Tensor, "n box box half"]:
    """Spectra with the voxel at ``box // 2`` as origin."""
    spectra: Tensor = torch.fft.rfftn(torch.fft.ifftshift(boxes, dim=(1, 2, 3)), dim=(1, 2, 3))
    return spectra


def boxes_of_spectra(
    spectra: Complex64[Tensor, "n box box half"],
) -> Float32[Tensor, "n box box box"]:
    """What `centred_spectra` came from."""
    box = spectra.shape[1]
    at_origin: Tensor = torch.fft.irfftn(spectra, s=(box,) * 3, dim=(1, 2, 3))
    boxes: Tensor = torch.fft.fftshift(at_origin, dim=(1, 2, 3))
    return boxes


def cropped(
    spectra: Shaped[Tensor, "n box box half"], band: int
) -> Shaped[Tensor, "n band band lower"]:
    """The low frequencies of spectra (n, box, box, half), as those of boxes of `band` voxels."""
    box = spectra.shape[1]
    kept = torch.cat([torch.arange(band // 2), torch.arange(box - band // 2, box)])
    kept = kept.to(spectra.device)
    return spectra[:, kept][:, :, kept][..., : band // 2 + 1]


def band_weights(
    band: int, box: int, cutoff: float, device: torch.device | None = None
) -> Float32[Tensor, "band band half"]:
    """1 up to a frequency, 0 from a little above it, without the mean and the edge of the band."""
    frequency = frequencies(band, device) * (band / box)
    width = 1.0 / box
    weights = (0.5 + (cutoff - frequency) / width).clamp(0, 1)
    weights[0, 0, 0] = 0
    if band % 2 == 0:  # the last frequency of an even axis has no partner
        weights[band // 2] = weights[:, band // 2] = weights[:, :, band // 2] = 0
    return weights


def frequencies(box: int, device: torch.device | None = None) -> Float32[Tensor, "box box half"]:
    """How far each frequency of ``rfftn`` is from 0, in cycles per voxel."""
    whole = torch.fft.fftfreq(box, device=device)
    z, y, x = torch.meshgrid(whole, whole, torch.fft.rfftfreq(box, device=device), indexing="ij")
    return (z.square() + y.square() + x.square()).sqrt()


def hermitian_counts(
    band: int, device: torch.device | None = None
) -> Float32[Tensor, "band band half"]:
    """How often each stored frequency is in the whole spectrum."""
    counts = torch.full((band, band, band // 2 + 1), 2.0, device=device)
    counts[..., 0] = 1
    if band % 2 == 0:
        counts[..., -1] = 1
    return counts
