"""Cartoon and texture: what a volume looks like once its noise is gone, and how its noise swings.

Colour alone does not tell objects of one colour apart. Each channel is split into a piecewise
smooth cartoon and the rest; the rest is passed through a bank of frequency bands, and the local
energy of each band says what texture there is around a voxel.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from scipy import fft, ndimage

from gyrovox.patches.total_variation import less_variation

BAND_CENTRES = (0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
"""Middles of the frequency bands, in cycles per finest voxel; 0.5 is the highest there is."""

HALO = 12
"""Voxels around a part of a volume that its features are found with, to be those of the whole.

With the same `TextureScale` they differ by a root mean square of at most 0.012 of their spread:
most in the highest band, at the faces of the volume, where what is mirrored beyond them counts.
"""

Within = tuple[slice, slice, slice]
"""A part of an array (z, y, x)."""

_Window = tuple[slice, NDArray[np.float32]]  # places, and the weights that they have in some means

_BAND_WIDTH = 0.12  # full width at half maximum, cycles per voxel
_WINDOW = 1.5  # standard deviation of the Gaussian that energies are averaged with, voxels
_DENOISING = 0.8  # weight of the total variation, in standard deviations of the noise
_FLOOR = 1e-3  # of a channel's mean band energy: keeps the logarithm of empty space finite
_MARGIN = 12  # voxels mirrored at the faces, so that opposite ones do not meet in the transform
_ROWS = 64  # of a window's matrix at a time: it is 0 but near its diagonal


@final
@dataclass(frozen=True)
class TextureScale:
    """What features of a part of a volume must know of the whole.

    Args:
        noise: Standard deviation of the noise of every channel, shape ``(channels,)``.
        energies: Mean energy of every band of its rest, shape ``(channels, bands)``; no bands
            without texture.
    """

    noise: NDArray[np.float64]
    energies: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return {"noise": self.noise, "energies": self.energies}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TextureScale":
        """What `arrays` gave."""
        return cls(noise=arrays["noise"], energies=arrays["energies"])


def texture_scale(
    blocks: Sequence[Float32[np.ndarray, "channels _ _ _"]],
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    texture: bool = True,
) -> TextureScale:
    """The scale of a volume's features, from parts of it.

    Args:
        blocks: Some parts, at least one, each of shape ``(channels, z, y, x)``.
        spacing: As for `cartoon_and_texture`.
        texture: As for `cartoon_and_texture`.

    Returns:
        The scale. Of one block it is that which `cartoon_and_texture` finds by itself.
    """
    channels = len(blocks[0])
    noise = np.array([_noise([block[c] for block in blocks]) for c in range(channels)])
    energies = np.zeros((channels, len(BAND_CENTRES) if texture else 0))
    if texture:
        side = _sides(spacing)
        voxels = sum(block[0].size for block in blocks)
        for block in blocks:
            for index, channel in enumerate(block):
                rest = channel - less_variation(channel, _DENOISING * noise[index])
                for band, energy in enumerate(_energies(rest, side, _whole(rest.shape))):
                    energies[index, band] += energy.sum(dtype=np.float64) / voxels
    return TextureScale(noise, energies)


def cartoon_and_texture(
    voxels: Float32[np.ndarray, "channels z y x"],
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    texture: bool = True,
    scale: TextureScale | None = None,
    within: Within | None = None,
) -> Float32[np.ndarray, "Z Y X features"]:
    """Denoised intensity and log-energies of nine frequency bands of every channel.

    Args:
        voxels: Shape ``(channels, z, y, x)``, in any unit.
        spacing: Length of a voxel along (z, y, x), in any unit; bands are isotropic in space.
        texture: Whether to add the energies to the intensities.
        scale: That of the volume that the voxels are a part of; None if they are all of it.
        within: Part whose features are wanted, if not all; `HALO` voxels around it are enough.

    Returns:
        Shape ``(Z, Y, X, channels * 10)``, or ``(Z, Y, X, channels)`` without texture; of each
        channel the cartoon first, then its bands from low to high.

    Source:
        Rudin, Osher & Fatemi (1992) for the split (https://doi.org/10.1016/0167-2789(92)90242-F),
        Beck & Teboulle (2009) for its algorithm; band energies as in filter-bank texture analysis,
        Randen & Husoy (1999), https://doi.org/10.1109/34.761261.
    """
    side = _sides(spacing)
    wanted = _whole(voxels.shape[1:]) if within is None else within
    count = 1 + (len(BAND_CENTRES) if texture else 0)
    shape = [part.stop - part.start for part in wanted]
    features = np.empty((*shape, len(voxels) * count), dtype=np.float32)
    for index, channel in enumerate(voxels):
        noise = noise_scale(channel) if scale is None else float(scale.noise[index])
        cartoon = less_variation(channel, _DENOISING * noise)
        features[..., index * count] = cartoon[wanted]
        if not texture:
            continue
        for band, energy in enumerate(_energies(channel - cartoon, side, wanted)):
            mean = energy.mean(dtype=np.float64) if scale is None else scale.energies[index, band]
            floor = np.float32(max(_FLOOR * float(mean), 1e-12))
            np.log(energy + floor, out=features[..., index * count + 1 + band])
    return features


def noise_scale(channel: Float32[np.ndarray, "z y x"]) -> float:
    """Standard deviation of the noise of a channel, from its second differences.

    Args:
        channel: Shape ``(z, y, x)``.

    Returns:
        The median absolute second difference along all axes, of those that are not 0, as the
        standard deviation of white normal noise that would have it; 0 where there are none.
    """
    return _noise([channel])


def _noise(parts: Sequence[Float32[np.ndarray, "_ _ _"]]) -> float:
    """The scale of the noise of some parts of a channel."""
    differences = [
        np.abs(np.diff(part, n=2, axis=axis)).ravel()
        for part in parts
        for axis, length in enumerate(part.shape)
        if length > 2
    ]
    if not differences:
        return 0.0
    every = np.concatenate(differences)
    # Empty space around a specimen has no noise, and must not hide that of the specimen.
    swinging = every[every > 0]
    if not swinging.size:
        return 0.0
    return float(np.median(swinging)) / (0.6745 * math.sqrt(6.0))


def _energies(
    rest: Float32[np.ndarray, "z y x"], side: tuple[float, float, float], within: Within
) -> Iterator[Float32[np.ndarray, "Z Y X"]]:
    """The local energy of every band of a channel's rest, band after band."""
    margins = [min(_MARGIN, length - 1) for length in rest.shape]
    padded = np.pad(rest, [(margin, margin) for margin in margins], mode="reflect")
    inner = tuple(slice(margin, margin + n) for margin, n in zip(margins, rest.shape, strict=True))
    spectrum = fft.rfftn(padded, workers=-1)
    frequency = _frequencies(padded.shape, side)
    width = _BAND_WIDTH / math.sqrt(8 * math.log(2))
    windows = [
        _windows(length, _WINDOW / by, part)
        for length, by, part in zip(rest.shape, side, within, strict=True)
    ]
    for centre in BAND_CENTRES:
        gain = np.exp(-((frequency - centre) ** 2) / (2 * width**2)).astype(np.float32)
        swing = fft.irfftn(spectrum * gain, s=padded.shape, workers=-1)[inner]
        energy = np.asarray(swing * swing, np.float32)
        for axis in range(3):
            energy = _averaged(energy, axis, windows[axis])
        yield energy


def _windows(length: int, deviation: float, within: slice) -> list[_Window]:
    """The matrix of Gaussian means along an axis, some rows at a time, where it is not 0."""
    reach = int(4 * deviation + 0.5)
    found = []
    for first in range(within.start, within.stop, _ROWS):
        last = min(first + _ROWS, within.stop)
        seen = slice(max(first - reach, 0), min(last + reach, length))
        # Mirrored at the faces of the volume, as rows and columns of the identity are.
        part = np.eye(length, dtype=np.float32)[seen, seen]
        weights = ndimage.gaussian_filter1d(part, deviation, axis=0) if reach else part
        found.append((seen, weights[first - seen.start : last - seen.start]))
    return found


def _averaged(
    energy: Float32[np.ndarray, "_ _ _"], axis: int, windows: list[_Window]
) -> Float32[np.ndarray, "_ _ _"]:
    """Means along an axis, as products of matrices: several times as fast as SciPy's filter."""
    parts = []
    for seen, weights in windows:
        if axis == 2:
            parts.append(energy[..., seen] @ weights.T)
        elif axis == 1:
            parts.append(weights @ energy[:, seen])
        else:
            rows = energy[seen].reshape(len(weights.T), -1)
            parts.append((weights @ rows).reshape(-1, *energy.shape[1:]))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _sides(spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """Lengths of a voxel in those of the finest."""
    finest = min(spacing)
    return spacing[0] / finest, spacing[1] / finest, spacing[2] / finest


def _whole(shape: tuple[int, ...]) -> Within:
    z, y, x = (slice(0, length) for length in shape)
    return z, y, x


def _frequencies(shape: tuple[int, ...], side: tuple[float, float, float]) -> NDArray[np.float32]:
    """|f| on the grid of a real FFT, in cycles per finest voxel."""
    z, y, x = np.ix_(
        np.fft.fftfreq(shape[0], side[0]),
        np.fft.fftfreq(shape[1], side[1]),
        np.fft.rfftfreq(shape[2], side[2]),
    )
    return np.asarray(np.sqrt(z**2 + y**2 + x**2), dtype=np.float32)
