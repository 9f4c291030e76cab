"""Tomograms beside torch-fourier-slice: ``python -m benchmarks.speed.tomography``.

Time of a back-projection of 41 images, and how well tomograms agree with the truth: images of round
Gaussian blobs, which no projector has made. torch-fourier-slice inserts slices into Fourier space
instead; it has no filters and no SIRT.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.speed.interleaved import RESULTS, compare
from gyrovox.devices import share_processors
from gyrovox.tomography import TiltGeometry, TiltSeries, backproject
from gyrovox.tomography.fourier_shell import fourier_shell_correlation
from gyrovox.tomography.missing_wedge import wedge_mask
from gyrovox.tomography.reconstruction import sirt, weighted_back_projection

TILTS = np.arange(-60.0, 61.0, 3.0)
THEIRS = "torch-fourier-slice"
_SHOWN = (0.05, 0.1, 0.2, 0.3, 0.4)  # cycles per voxel
_BLOBS = 150
_DEEP = 0.5  # of the half side, that blobs lie within along z
_DOSE = 300.0  # electrons per pixel and image
_CONTRAST = 0.3  # of the densest pixel


def rotations(tilt_degrees: np.ndarray) -> torch.Tensor:
    """What turns the plane of an image (z = 0, y, x) to where it lies in the specimen."""
    tilt = np.deg2rad(tilt_degrees)
    cosine, sine, zero, one = np.cos(tilt), np.sin(tilt), 0 * tilt, 0 * tilt + 1
    rows = [[cosine, zero, sine], [zero, one, zero], [-sine, zero, cosine]]
    return torch.from_numpy(np.stack([np.stack(row, -1) for row in rows], 1)).float()


def theirs(images: torch.Tensor) -> torch.Tensor:
    """The tomogram of torch-fourier-slice."""
    from torch_fourier_slice import backproject_2d_to_3d

    return backproject_2d_to_3d(images, rotations(TILTS), zyx_matrices=True)


def specimen(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Blobs within a ball that is flat along z, and their projections, both from formulas."""
    generator = np.random.default_rng(0)
    directions = generator.standard_normal((_BLOBS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    reach = 0.38 * side * np.array([_DEEP, 1, 1])
    centres = directions * generator.random((_BLOBS, 1)) ** (1 / 3) * reach
    widths = generator.uniform(0.8, 3.0, _BLOBS)
    line = np.arange(side) - side // 2
    density = np.zeros((side, side, side))
    images = np.zeros((len(TILTS), side, side))
    places = TiltGeometry.ideal(TILTS).project(centres)
    for number, (centre, width) in enumerate(zip(centres, widths, strict=True)):
        profiles = [np.exp(-((line - part) ** 2) / (2 * width**2)) for part in centre]
        density += np.einsum("z,y,x->zyx", *profiles)
        across = np.exp(-((line - places[:, number, 1, None]) ** 2) / (2 * width**2))
        images += np.sqrt(2 * np.pi) * width * profiles[1][None, :, None] * across[:, None]
    return density, images


def timed(side: int, repeats: int, threads: int) -> str:
    """Markdown: milliseconds of a back-projection."""
    images = torch.from_numpy(specimen(side)[1]).float()
    ideal = TiltGeometry.ideal(TILTS)
    series = TiltSeries(images=images.numpy(), geometry=ideal, pixel_size_nm=1.0)
    competitors: dict[str, Callable[[], object]] = {
        "gyrovox, back-projection": lambda: backproject(images, ideal, (side, side, side)),
        "gyrovox, weighted, from images": lambda: weighted_back_projection(
            series, (side, side, side)
        ),
        THEIRS: lambda: theirs(images),
    }
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            table = compare(competitors, repeats=repeats, baseline=THEIRS)
    finally:
        torch.set_num_threads(before)
    title = f"A tomogram of {side}³ voxels from {len(TILTS)} images, {threads} threads"
    return table.markdown(title).replace("# ", "## ", 1)


def agreement(side: int, noise: str) -> str:
    """Markdown: Fourier shell correlation with the truth, where images have seen it."""
    density, images = specimen(side)
    contrast = _CONTRAST * images / images.max()
    counts = _DOSE * (1 - contrast)
    if noise == "counted":
        counts = np.random.default_rng(1).poisson(counts).astype(float)
    ideal = TiltGeometry.ideal(TILTS)
    series = TiltSeries(images=counts.astype(np.float32), geometry=ideal, pixel_size_nm=1.0)
    shape, depth = (side, side, side), 2 * 0.38 * side * _DEEP
    weights = wedge_mask(shape, TILTS, thickness=depth)
    centred = torch.from_numpy(series.images) / _DOSE - 1
    simultaneous = sirt(series, shape)
    found = {
        **{
            f"gyrovox, {name}": weighted_back_projection(
                series, shape, row_filter=name, thickness=depth
            )
            for name in ("ramp", "hamming", "exact")
        },
        f"gyrovox, SIRT, {simultaneous.iterations} iterations": simultaneous.voxels,
        THEIRS: theirs(centred - centred.mean(dim=(1, 2), keepdim=True)).numpy(),
    }
    shown = " | ".join(f"{frequency:g}" for frequency in _SHOWN)
    lines = [
        f"## Agreement with the truth, images {noise}",
        "",
        f"| tomogram | {shown} | falls below 0.5 at |",
        "|---|" + "---|" * (len(_SHOWN) + 1),
    ]
    for name, tomogram in found.items():
        fsc = fourier_shell_correlation(tomogram.astype(np.float64), -density, weights=weights)
        values = np.interp(_SHOWN, fsc.frequencies, fsc.correlations)
        cells = " | ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {name} | {cells} | {fsc.resolution(0.5):.3f} |")
    return "\n".join(lines) + "\n"


HEAD = """# Tomograms beside torch-fourier-slice

Blobs whose density and whose projections are known as formulas. Correlations are those of Fourier
shells within what the tilts have seen, at frequencies in cycles per voxel; counted images have
300 electrons per pixel and a contrast of 30 % at most. Written by
`python -m benchmarks.speed.tomography`.

"""


def report(side: int, repeats: int, threads: int) -> str:
    """Markdown: times, then agreement without and with noise."""
    return HEAD + "\n".join([
        timed(side, repeats, threads),
        agreement(side, "without noise"),
        agreement(side, "counted"),
    ])


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    share_processors()
    text = report(asked.side, asked.repeats, asked.threads)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tomography.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
