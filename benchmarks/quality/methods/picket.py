"""Features of small neighbourhoods and k-means, in the manner of PickET."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft
from torch import nn

from benchmarks.quality.binned import Binned
from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.methods.kmeans_voxels import clustered
from gyrovox.volumes import Volume

_SIDE = 5  # of a neighbourhood, in voxels; published
_FREQUENCIES = (-0.4, -0.2, 0.0, 0.2, 0.4)  # along each axis, in cycles per voxel
_SPREAD = 1.25  # standard deviation of a Gabor filter's envelope, in voxels: a neighbourhood's
_KEPT = 32  # features with the largest standard deviations; published: 64 of the Gabor ones
_MOST = 1_000_000
_MOST_FITTED = 125_000  # voxels that centres are found from: those of a phantom
_MARGIN = 8  # voxels mirrored at the faces, so that opposite ones do not meet in the transform


class _Neighbourhoods(Method):
    """k-means of features of the neighbourhood of 5 x 5 x 5 voxels around every voxel.

    PickET (Arvindekar, Golatkar & Viswanath 2025) offers three kinds of features, Gabor filters,
    Fourier transforms and intensities of neighbourhoods, each followed by k-means or by a Gaussian
    mixture, to tell particles from background before particles are taken out of the better
    cluster. Here each kind is a method of its own, always with k-means, for as many classes as are
    asked for, and what follows the clustering is left out. Features are those with the largest
    standard deviations, 32 of every channel (published: 64, of the Gabor features alone), and are
    not scaled. Of frequency 0 the response itself counts and not its magnitude: dark and bright
    would be one, for grey values are normalised here. Volumes of more than a million voxels are
    joined to cubes first.
    """

    learns = False
    reference = "Arvindekar, Golatkar & Viswanath (2025), PickET, bioRxiv; PMC12633485"

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Find features once, and cluster them for every level."""
        small = Binned(normalised(volume), _MOST)
        shape = small.voxels.shape[1:]
        points = np.concatenate([_kept(self._features(one)) for one in small.voxels]).T
        found = {k: clustered(points, k, self.seed, _MOST_FITTED) for k in levels}
        return small.whole({k: one.reshape(shape) for k, one in found.items()})

    @abstractmethod
    def _features(self, channel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of every voxel of a channel (z, y, x), shape (features, voxels)."""


class GaborKMeans(_Neighbourhoods):
    """Magnitudes of complex 3-D Gabor filters.

    Published: filters with every combination of 10 frequencies along the three axes, a thousand.
    Here 5 along each axis, -0.4 to 0.4 cycles a voxel, without their mirror images: 63 filters,
    with a Gaussian envelope of 1.25 voxels instead of the edge of the neighbourhood.
    """

    name = "gabor-kmeans"
    title = "PickET's Gabor features + k-means"

    def _features(self, channel: NDArray[np.float32]) -> NDArray[np.float32]:
        return gabor_magnitudes(channel)


class SpectrumKMeans(_Neighbourhoods):
    """Magnitudes of the discrete Fourier transforms of the neighbourhoods, 63 of each."""

    name = "spectrum-kmeans"
    title = "PickET's Fourier features + k-means"

    def _features(self, channel: NDArray[np.float32]) -> NDArray[np.float32]:
        return spectrum_magnitudes(channel)


class NeighbourhoodKMeans(_Neighbourhoods):
    """The intensities of the neighbourhoods themselves, all 125: k-means of small patches."""

    name = "neighbourhood-kmeans"
    title = "PickET's intensity features + k-means"

    def _features(self, channel: NDArray[np.float32]) -> NDArray[np.float32]:
        padded = np.pad(channel, _SIDE // 2, mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (_SIDE,) * 3)
        return windows.reshape(channel.size, -1).T


def half_space(values: Sequence[float]) -> list[tuple[float, ...]]:
    """Triples of values, one of each triple and its negative: a real image's other is the same."""
    return [one for one in product(values, repeat=3) if one >= tuple(-part for part in one)]


def gabor_magnitudes(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local amplitudes of 63 spatial frequencies, signed of frequency 0, shape (63, voxels).

    A Gabor filter exp(-r² / 2s²) exp(2πi f·r) is a Gaussian around f in frequency space, of
    standard deviation 1 / 2πs, and so a product over the axes.
    """
    padded = np.pad(channel, _MARGIN, mode="symmetric")
    inner = tuple(slice(_MARGIN, _MARGIN + side) for side in channel.shape)
    spectrum = fft.fftn(padded)
    triples = half_space(_FREQUENCIES)
    found = np.empty((len(triples), *channel.shape), np.float32)
    for row, triple in enumerate(triples):
        response = spectrum
        for axis, centre in enumerate(triple):
            gain = _gain(padded.shape[axis], centre).astype(np.float32)
            response = response * np.expand_dims(gain, [one for one in range(3) if one != axis])
        swing = fft.ifftn(response, overwrite_x=True)[inner]
        found[row] = np.abs(swing) if any(triple) else swing.real
    return found.reshape(len(triples), -1)


def _gain(length: int, centre: float) -> NDArray[np.float64]:
    """Transform of a filter along an axis; frequencies repeat with period 1."""
    apart = fft.fftfreq(length) - centre
    apart -= np.round(apart)
    return np.exp(-2 * (math.pi * _SPREAD * apart) ** 2)


def spectrum_magnitudes(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Magnitudes of the transforms of all neighbourhoods, and their sums, shape (63, voxels)."""
    waves = np.array(half_space([-2, -1, 0, 1, 2])) / _SIDE
    constant = int(np.flatnonzero(~waves.any(axis=1))[0])
    at = np.stack(np.meshgrid(*[np.arange(_SIDE)] * 3, indexing="ij"))
    phases = 2 * math.pi * np.tensordot(waves, at, axes=1)
    kernels = torch.from_numpy(np.concatenate([np.cos(phases), np.sin(phases)])).float()
    padded = torch.from_numpy(np.pad(channel, _SIDE // 2, mode="symmetric"))
    found = np.empty((len(waves), *channel.shape), np.float32)
    with torch.inference_mode():
        for z in range(channel.shape[0]):
            slab = padded[None, None, z : z + _SIDE]
            real, imaginary = nn.functional.conv3d(slab, kernels[:, None])[0, :, 0].chunk(2)
            found[:, z] = torch.hypot(real, imaginary).numpy()
            found[constant, z] = real[constant].numpy()
    return found.reshape(len(waves), -1)


def _kept(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows with the largest standard deviations, in their order."""
    if len(features) <= _KEPT:
        return features
    return features[np.sort(np.argsort(-features.std(axis=1), kind="stable")[:_KEPT])]
