"""SIRT: simultaneous iterative reconstruction, stopped where images left out are foretold best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from gyrovox.errors import SettingsError, TiltSeriesError
from gyrovox.progress import track
from gyrovox.tomography.tilt_series import TiltSeries
from gyrovox.volumes import ArraySink, InMemory, Region

from .preparation import ImageStep, frame_width, stored_rows
from .section_rays import SectionRays

_VOXELS_AT_ONCE = 2**25
_LEFT_OUT = 6  # every so many tilts, one is left out to choose the number of iterations
_PATIENCE = 4  # iterations without progress
_SECTIONS_ASKED = 16  # across the tilt axis


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class SirtTomogram:
    """What SIRT made, and how far it went.

    Args:
        voxels: The tomogram, shape (z, y, x).
        iterations: How many there were.
    """

    voxels: Float32[np.ndarray, "z y x"]
    iterations: int


def sirt(
    series: TiltSeries,
    shape: tuple[int, int, int],
    *,
    iterations: int | Literal["auto"] = "auto",
    most_iterations: int = 60,
    relaxation: float = 1.0,
    where: torch.device | None = None,
) -> SirtTomogram:
    r"""A tomogram whose projections come close to the images, step by step.

    .. math::
        x ← x + λ C A^T R (b - A x)

    A projects, R and C divide by the sums of its rows and columns. High frequencies come last, and
    with them the noise: so the number of iterations is a filter. ``auto`` leaves every sixth tilt
    out, counts until these are foretold best, and then takes all of them.

    Args:
        series: Images and their geometry, as alignment found it.
        shape: Voxels (z, y, x) of the tomogram, as wide as the pixels.
        iterations: How many, or ``auto``.
        most_iterations: At which ``auto`` ends.
        relaxation: Length λ of a step, above 0 and below 2.
        where: The device to compute on; the CPU by default.

    Returns:
        The tomogram and the number of iterations; of counts it is contrast per pixel of path.

    Raises:
        SettingsError: If there is no iteration, or the relaxation is out of its range.
        TiltSeriesError: If the tomogram has no voxels, or a pixel is not finite.

    Source:
        Gilbert (1972), J. Theor. Biol. 36:105; in this form Gregor & Benson (2008), IEEE Trans.
        Med. Imaging 27:918, eq. 2.
    """
    sink = InMemory(np.empty((1, *shape), np.float32))
    count = write_sirt(
        series,
        sink,
        iterations=iterations,
        most_iterations=most_iterations,
        relaxation=relaxation,
        where=where,
        quiet=True,
    )
    return SirtTomogram(voxels=sink.read(Region.whole(shape))[0], iterations=count)


def write_sirt(
    series: TiltSeries,
    sink: ArraySink,
    *,
    iterations: int | Literal["auto"] = "auto",
    most_iterations: int = 60,
    relaxation: float = 1.0,
    steps: Sequence[ImageStep] = (),
    where: torch.device | None = None,
    store: Callable[[tuple[int, int, int]], np.ndarray] | None = None,
    quiet: bool = False,
) -> int:
    """The same, slab by slab across y, which do not depend on each other.

    Args:
        series: Images, which may be a memory map, and their geometry.
        sink: What the voxels are written to.
        iterations: How many, or ``auto``.
        most_iterations: At which ``auto`` ends.
        relaxation: Length of a step, above 0 and below 2.
        steps: What is done to the contrasts of each image before.
        where: The device to compute on; the CPU by default.
        store: Gives a float32 array of a shape for aligned rows; memory by default.
        quiet: Show no progress.

    Returns:
        The number of iterations.

    Raises:
        SettingsError: If there is no iteration, or the relaxation is out of its range.
        TiltSeriesError: If the tomogram has no voxels, or a pixel is not finite.
    """
    _check(iterations, most_iterations, relaxation)
    _, depth, height, width = sink.shape
    if min(sink.shape) < 1:
        raise TiltSeriesError(f"a tomogram must have voxels, got shape {sink.shape[1:]}.")
    where = torch.device("cpu") if where is None else where
    columns = frame_width(series.geometry, (series.images.shape[1], series.images.shape[2]))
    rows = stored_rows(series, height, columns, steps=steps, where=where, store=store, quiet=quiet)
    tilts = series.geometry.tilt_degrees
    if iterations == "auto":
        middle = slice(max(0, (height - _SECTIONS_ASKED) // 2), (height + _SECTIONS_ASKED) // 2)
        asked = np.ascontiguousarray(rows[:, :, middle])
        iterations = _best_count(
            torch.from_numpy(asked).to(where), tilts, (depth, width), most_iterations, relaxation
        )
    rays = SectionRays(tilts, (depth, width), columns)
    step = max(1, _VOXELS_AT_ONCE // (depth * width))
    for first in track(
        range(0, height, step), "SIRT", -(-height // step), quiet=quiet, unit="slabs"
    ):
        last = min(first + step, height)
        seen = torch.from_numpy(np.ascontiguousarray(rows[:, :, first:last])).to(where)
        found = _iterated(rays, seen, iterations, relaxation)
        voxels = found.reshape(depth, width, -1).permute(0, 2, 1).cpu().numpy()
        region = Region((0, first, 0), (depth, last, width))
        sink.write(region, np.ascontiguousarray(voxels)[None])
    return iterations


def _check(iterations: int | Literal["auto"], most_iterations: int, relaxation: float) -> None:
    if (iterations != "auto" and iterations < 1) or most_iterations < 1:
        raise SettingsError(f"iterations must be at least 1, or 'auto', got {iterations}.")
    if not 0 < relaxation < 2:
        raise SettingsError(f"relaxation must be above 0 and below 2, got {relaxation}.")


@final
class _Update:
    """One step of SIRT after the other, on sections that share their rays."""

    def __init__(
        self, rays: SectionRays, rows: Float32[Tensor, "tilts s y"], relaxation: float
    ) -> None:
        self._rays = rays
        self._seen = rows.reshape(-1, rows.shape[2])
        self._relaxation = relaxation
        # Exact zeros are where an image that was turned or shifted has no pixel.
        self._known = (self._seen != 0).any(dim=1, keepdim=True).to(rows)
        ones = rows.new_ones(rays.voxels, 1)
        self._per_ray = self._known / rays.project(ones).clamp(min=1.0)
        self._per_voxel = relaxation / rays.backproject(self._known).clamp(min=1.0)
        self.found = rows.new_zeros(rays.voxels, rows.shape[2])

    def advance(self) -> None:
        missing = (self._seen - self._rays.project(self.found)) * self._per_ray
        self.found += self._per_voxel * self._rays.backproject(missing)


def _iterated(
    rays: SectionRays, rows: Float32[Tensor, "tilts s y"], iterations: int, relaxation: float
) -> Float32[Tensor, "voxels y"]:
    update = _Update(rays, rows, relaxation)
    for _ in range(iterations):
        update.advance()
    return update.found


def _best_count(
    rows: Float32[Tensor, "tilts s y"],
    tilt_degrees: Float64[np.ndarray, " tilts"],
    section: tuple[int, int],
    most: int,
    relaxation: float,
) -> int:
    """After how many iterations images that were left out are foretold best."""
    kept, left_out = _split(tilt_degrees)
    if not len(left_out):
        return min(most, 10)
    columns = rows.shape[1]
    update = _Update(SectionRays(tilt_degrees[kept], section, columns), rows[kept], relaxation)
    outside = SectionRays(tilt_degrees[left_out], section, columns)
    wanted = rows[left_out].reshape(-1, rows.shape[2])
    known = wanted != 0
    best, best_error = 1, float("inf")
    for count in range(1, most + 1):
        update.advance()
        error = float(((outside.project(update.found) - wanted) * known).square().mean())
        if error < best_error:
            best, best_error = count, error
        elif count - best >= _PATIENCE:
            break
    return best


def _split(
    tilt_degrees: Float64[np.ndarray, " tilts"],
) -> tuple[Int64[np.ndarray, " kept"], Int64[np.ndarray, " left"]]:
    """Images to learn from, and those to foretell, which lie between others."""
    order = np.argsort(tilt_degrees, kind="stable")
    left_out = order[_LEFT_OUT // 2 : -1 : _LEFT_OUT]
    return np.setdiff1d(order, left_out), np.sort(left_out)
