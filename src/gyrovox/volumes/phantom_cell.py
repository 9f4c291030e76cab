"""The cell phantom: a synthetic volume with a known hierarchy of parts, three levels deep.

The published recipe (Hsu et al. 2021) leaves some things open. Our reading of them: the cell is
centred and cut by the volume's faces where it is larger; there is one vesicle and one
mitochondrion, with two proteins in each, so that 2, 4 and 8 classes are scored; cuboids are
parallel to the axes and their three sides are drawn one by one; siblings never share a face of a
voxel; the background has a colour of its own; textures are band-pass filtered white noise.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import SettingsError
from gyrovox.volumes.cell_parts import CellRecipe, check_parts, classes_of, drawn_cell
from gyrovox.volumes.cell_surfaces import displacement
from gyrovox.volumes.noise import band_pass_noise, frequency_grid, pink_noise
from gyrovox.volumes.solids import rasterised

Variant = Literal["regular", "irregular", "texture"]

REFERENCE_SIDE = 50.0
"""Side of the published volume; every radius is in units of its voxels."""

SMALLEST_SIDE = 8
"""Voxels along the shortest axis below which the proteins fall between the voxels."""

NOISE = 0.25
"""Standard deviation of a texture, and of the pink noise over everything."""

CENTRES = (0.05, 0.4)
"""Lowest and highest middle of a texture's band, in cycles per voxel."""


@dataclass(frozen=True, kw_only=True)
class CellPhantom:
    """A cell phantom and its truth at three levels, coarse to fine."""

    image: NDArray[np.float32]
    """Intensities, shape (z, y, x)."""

    truths: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    """0-based classes at levels 1, 2, 3, each (z, y, x). 0 is the background, 1 the cell, then
    vesicles, mitochondria, and the proteins of each of them in turn: 2, 4, 8 classes."""

    seed: int
    """What the phantom was drawn from."""

    variant: Variant
    """Regular, irregular or texture."""

    voxel_size_nm: tuple[float, float, float] | None
    """Voxel size (z, y, x) in nm, or None where it was not given."""


def cell_phantom(
    seed: int,
    *,
    shape: tuple[int, int, int] = (50, 50, 50),
    variant: Variant = "regular",
    voxel_size_nm: tuple[float, float, float] | None = None,
    recipe: CellRecipe | None = None,
) -> CellPhantom:
    """A noisy cell with vesicles, mitochondria and proteins, the same for the same seed.

    All sizes grow with the shortest physical side of the volume, so a sphere stays a sphere
    whatever the shape and the voxels. `irregular` and `texture` share objects, textures and
    noise with `regular` of the same seed: the first warps every surface by one smooth random
    displacement, the second gives every object mean 0 and equal variance.

    Args:
        seed: Not negative.
        shape: Voxels along (z, y, x), each at least 8.
        variant: What tells the objects apart.
        voxel_size_nm: Size of a voxel along (z, y, x) in nm; None stands for cubes.
        recipe: Sizes and counts of the parts; None for the published ones.

    Returns:
        Image and truths.

    Raises:
        SettingsError: If a setting is out of its range, or no cell with these parts fits.

    Source:
        Hsu, Gu, Wu, Chiu & Yeung (2021), section 4.1. https://arxiv.org/abs/2012.01644
    """
    parts = recipe if recipe is not None else CellRecipe()
    check_cell(seed, shape, variant, voxel_size_nm)
    check_parts(parts)
    spacing = np.array(voxel_size_nm if voxel_size_nm is not None else (1.0, 1.0, 1.0))
    voxel = spacing * (REFERENCE_SIDE / (spacing * np.array(shape)).min())
    coordinates = _voxel_centres(shape, voxel)

    solids, finest = drawn_cell(stream(seed, 0), parts, coordinates, voxel)
    if variant == "irregular":
        moves = displacement(stream(seed, 4), solids, parts, coordinates, voxel)
        if moves is not None:
            moved = [axis + move for axis, move in zip(coordinates, moves, strict=True)]
            finest = rasterised(solids, moved)
    image = _painted(seed, finest, spacing, textured_only=variant == "texture")
    first, second, third = (table[finest] for table in classes_of(parts))
    return CellPhantom(
        image=image,
        truths=(first, second, third),
        seed=seed,
        variant=variant,
        voxel_size_nm=voxel_size_nm,
    )


def check_cell(
    seed: int,
    shape: tuple[int, int, int],
    variant: str,
    voxel_size_nm: tuple[float, float, float] | None,
) -> None:
    """Refuse settings out of their range.

    Args:
        seed: Not negative.
        shape: Voxels along (z, y, x), each at least 8.
        variant: What tells the objects apart.
        voxel_size_nm: Size of a voxel along (z, y, x) in nm; None stands for cubes.

    Raises:
        SettingsError: If one is.
    """
    if seed < 0:
        raise SettingsError(f"a phantom's seed must not be negative, and it is {seed}.")
    if len(shape) != 3 or min(shape) < SMALLEST_SIDE:
        raise SettingsError(
            f"a cell phantom needs three sides (z, y, x) of at least {SMALLEST_SIDE} voxels, "
            f"and shape is {tuple(shape)}. Choose a larger shape."
        )
    if variant not in get_args(Variant):
        raise SettingsError(
            f"variant must be one of {', '.join(get_args(Variant))}, and it is {variant!r}."
        )
    if voxel_size_nm is not None and not all(0 < side < math.inf for side in voxel_size_nm):
        raise SettingsError(
            f"voxel_size_nm (z, y, x) must be three positive lengths, and it is {voxel_size_nm}."
        )


def stream(seed: int, purpose: int) -> np.random.Generator:
    """Generators that do not touch each other, so that the variants share what they can.

    Args:
        seed: The phantom's.
        purpose: What it is for: 0 the parts, 2 pink noise, 4 the warp, 100 + L label L.

    Returns:
        A generator at its start.
    """
    return np.random.default_rng([seed, purpose])


def _voxel_centres(
    shape: tuple[int, int, int], voxel: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Open grid (z, 1, 1), (1, y, 1), (1, 1, x) of distances from the volume's centre."""
    axes = [(np.arange(n) - (n - 1) / 2) * side for n, side in zip(shape, voxel, strict=True)]
    return np.ix_(*axes)


# --- colours, textures, noise ---------------------------------------------------------------


def _painted(
    seed: int,
    labels: NDArray[np.uint8],
    spacing: NDArray[np.float64],
    *,
    textured_only: bool,
) -> NDArray[np.float32]:
    """Image (z, y, x): colour and texture of each object, and pink noise on the whole."""
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    frequency = frequency_grid(shape, spacing)
    image = np.empty(shape, dtype=np.float32)
    for label in range(int(labels.max()) + 1):
        mask = labels == label
        paint = stream(seed, 100 + label)
        colour = float(paint.standard_normal())
        if label == 0:
            texture = paint.standard_normal(shape, dtype=np.float32)[mask]
        else:
            centre = float(paint.uniform(*CENTRES))
            texture = band_pass_noise(paint, frequency, shape, centre=centre)[mask]
        if textured_only:
            colour = 0.0
            texture = (texture - texture.mean()) / max(float(texture.std()), 1e-6)
        image[mask] = colour + NOISE * texture
    pink: NDArray[np.float32] = image + NOISE * pink_noise(stream(seed, 2), frequency, shape)
    return pink
