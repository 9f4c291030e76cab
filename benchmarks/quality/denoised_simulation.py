"""Denoising beside the truth: simulated tomograms, their halves, and their specimens."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.settings.simulation import ImagingRecipe, SpecimenRecipe
from gyrovox.tomography.denoising import (
    Denoiser,
    Gaussian,
    NonLocalMeans,
    TotalVariation,
    denoise,
    train_noise2noise,
)
from gyrovox.tomography.fourier_shell import fourier_shell_correlation
from gyrovox.tomography.missing_wedge import wedge_mask
from gyrovox.tomography.reconstruction import weighted_back_projection
from gyrovox.tomography.simulation import make_specimen, make_tilt_series
from gyrovox.volumes import Volume

FILTERS: dict[str, Denoiser] = {
    "Gaussian, 1 voxel": Gaussian(sigma=1.0),
    "Gaussian, 1.5 voxels": Gaussian(sigma=1.5),
    "non-local means": NonLocalMeans(),
    "total variation": TotalVariation(),
}
"""Filters with the command's parameters, and one more."""

_FIRST = 7100  # seed of the first specimen; its successors follow
_RECIPE = SpecimenRecipe(
    shape=(48, 96, 96),
    virions=0,
    vesicles=2,
    vesicle_diameter_nm=(40.0, 60.0),
    microtubules=1,
    membranes=1,
    ribosomes=3,
    shells=4,
    gold=0,
)


@dataclass(frozen=True)
class Simulated:
    """A tomogram, its halves, and what it should show; dense matter is dark in all.

    Args:
        tomogram: All images.
        halves: The even and the odd ones.
        truth: The tomogram of the same images without noise, shape (z, y, x).
        seen: Weights of frequencies, as `wedge_mask`.
    """

    tomogram: Volume
    halves: tuple[Volume, Volume]
    truth: NDArray[np.float32]
    seen: NDArray[np.float32]


def simulated(seed: int, recipe: SpecimenRecipe = _RECIPE) -> Simulated:
    """A simulated tomogram with its halves."""
    specimen = make_specimen(seed, recipe)
    depth, height, width = specimen.density.shape
    shape = (depth, height, width)
    series, geometry = make_tilt_series(seed, specimen)
    aligned = replace(series, geometry=geometry)
    clear, its_geometry = make_tilt_series(seed, specimen, ImagingRecipe(noise=False))
    every = np.arange(len(series))
    volumes = [
        Volume.from_array(
            weighted_back_projection(aligned.chosen(images), shape),
            voxel_size_nm=(recipe.voxel_size_nm,) * 3,
            name=name,
        )
        for name, images in (("all", every), ("even", every[::2]), ("odd", every[1::2]))
    ]
    truth = weighted_back_projection(replace(clear, geometry=its_geometry), shape)
    tilts = geometry.tilt_degrees
    seen = wedge_mask(shape, (float(tilts.min()), float(tilts.max())))
    return Simulated(volumes[0], (volumes[1], volumes[2]), truth, seen)


def denoising_rows(*, seeds: int, small: bool) -> Iterator[str]:
    """Rows of the table of the denoising methods."""
    recipe = replace(_RECIPE, shape=(24, 32, 32), vesicles=0) if small else _RECIPE
    made = [simulated(_FIRST + number, recipe) for number in range(seeds)]
    names = ["none", *FILTERS, "Noise2Noise"]
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    for number, one in enumerate(made):
        for name in names:
            start = time.perf_counter()
            voxels = _denoised(one, name, number, small=small)
            found[name].append([*_scores(voxels, one), time.perf_counter() - start])
    for name, rows in found.items():
        mean, sd = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=min(1, seeds - 1))
        cells = [
            f"{m:.{digits}f} ± {s:.{digits}f}"
            for m, s, digits in zip(mean, sd, (3, 1, 3), strict=False)
        ]
        row = f"| {name} | {' | '.join(cells)} | {mean[3]:.0f} |"
        print(row, flush=True)
        yield row


def _denoised(one: Simulated, name: str, seed: int, *, small: bool) -> NDArray[np.float32]:
    if name == "none":
        return one.tomogram.read()[0]
    if name in FILTERS:
        return denoise(one.tomogram, FILTERS[name])
    settings = Noise2NoiseSettings(steps=1) if small else Noise2NoiseSettings()
    network = train_noise2noise(one.halves, settings, seed=seed)
    return denoise(one.tomogram, network, halves=one.halves)


def _scores(voxels: NDArray[np.float32], one: Simulated) -> tuple[float, float, float]:
    """Correlation, PSNR in dB, and frequency in 1 / nm at which the FSC falls below 0.5."""
    truth = one.truth
    correlation = float(np.corrcoef(voxels.ravel(), truth.ravel())[0, 1])
    error = float(truth.var()) * (1 - correlation**2)  # of the best line
    ratio = 10 * np.log10(float(np.ptp(truth)) ** 2 / error)
    size = one.tomogram.voxel_size_nm or (1.0,)
    curve = fourier_shell_correlation(
        voxels.astype(np.float64), truth.astype(np.float64), weights=one.seen
    )
    return correlation, float(ratio), curve.resolution(0.5) / size[0]
