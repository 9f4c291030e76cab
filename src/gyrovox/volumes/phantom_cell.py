"""The cell phantom: a synthetic volume with a known hierarchy of parts, three levels deep.

The published recipe (Hsu et al. 2021) leaves some things open. Our reading of them: the cell is
centred and cut by the volume's faces where it is larger; there is one vesicle and one
mitochondrion, with two proteins in each, so that 2, 4 and 8 classes are scored; cuboids are
parallel to the axes and their three sides are drawn one by one; siblings never share a face of a
voxel; the background has a colour of its own; textures are band-pass filtered white noise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.volumes.noise import band_pass_noise, frequency_grid, pink_noise
from gyrovox.volumes.solids import Solid, apart, holds, rasterised

Variant = Literal["regular", "irregular", "texture"]

REFERENCE_SIDE = 50.0
"""Side of the published volume; every radius is in units of its voxels."""

SMALLEST_SIDE = 8
"""Voxels along the shortest axis below which the proteins fall between the voxels."""

_NOISE = 0.25
_CENTRES = (0.05, 0.4)
_PLACE_TRIES = 100
_SIZE_TRIES = 100
_WARP_LENGTH = 5.0
_WARP_AMPLITUDE = 1.5


@dataclass(frozen=True, kw_only=True)
class CellRecipe:
    """Sizes and counts of the parts of a cell phantom.

    A size is (mean, standard deviation) of a normal distribution, in voxels of a 50³ volume; it
    grows and shrinks with the volume. A cuboid's side is twice its drawn size. Every object is a
    class of its own.
    """

    cell: tuple[float, float] = (25.0, 1.0)
    """Radius of the cell."""

    vesicle: tuple[float, float] = (8.0, 0.5)
    """Radius of a vesicle (a sphere)."""

    mitochondrion: tuple[float, float] = (8.0, 0.5)
    """Half the side of a mitochondrion (a cuboid)."""

    vesicle_protein: tuple[float, float] = (2.0, 0.2)
    """Radius of a protein in a vesicle (a sphere)."""

    mitochondrion_protein: tuple[float, float] = (3.0, 0.15)
    """Half the side of a protein in a mitochondrion (a cuboid)."""

    vesicles: int = 1
    """Vesicles in the cell."""

    mitochondria: int = 1
    """Mitochondria in the cell."""

    proteins: int = 2
    """Proteins in each vesicle and in each mitochondrion."""


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
    _check(seed, shape, variant, voxel_size_nm)
    _check_parts(parts)
    spacing = np.array(voxel_size_nm if voxel_size_nm is not None else (1.0, 1.0, 1.0))
    voxel = spacing * (REFERENCE_SIDE / (spacing * np.array(shape)).min())
    coordinates = _voxel_centres(shape, voxel)

    solids, finest = _drawn_cell(_stream(seed, 0), parts, coordinates, voxel)
    if variant == "irregular":
        finest = _warped(_stream(seed, 4), solids, parts, coordinates, voxel, fallback=finest)
    image = _painted(seed, finest, spacing, textured_only=variant == "texture")
    return CellPhantom(
        image=image,
        truths=_levels(finest, parts),
        seed=seed,
        variant=variant,
        voxel_size_nm=voxel_size_nm,
    )


def _check(
    seed: int,
    shape: tuple[int, int, int],
    variant: str,
    voxel_size_nm: tuple[float, float, float] | None,
) -> None:
    """Refuse settings out of their range.

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


def _check_parts(recipe: CellRecipe) -> None:
    """Refuse counts that are negative or give more classes than a byte holds.

    Raises:
        SettingsError: If they do.
    """
    counts = (recipe.vesicles, recipe.mitochondria, recipe.proteins)
    classes = 2 + (recipe.vesicles + recipe.mitochondria) * (1 + recipe.proteins)
    if min(counts) < 0 or classes > 256:
        raise SettingsError(
            f"the counts of vesicles, mitochondria and proteins must not be negative and give at "
            f"most 256 classes, and {counts} give {classes}."
        )


def _stream(seed: int, purpose: int) -> np.random.Generator:
    """Generators that do not touch each other, so that the variants share what they can."""
    return np.random.default_rng([seed, purpose])


def _voxel_centres(
    shape: tuple[int, int, int], voxel: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Open grid (z, 1, 1), (1, y, 1), (1, 1, x) of distances from the volume's centre."""
    axes = [(np.arange(n) - (n - 1) / 2) * side for n, side in zip(shape, voxel, strict=True)]
    return np.ix_(*axes)


def _drawn_cell(
    generator: np.random.Generator,
    recipe: CellRecipe,
    coordinates: Sequence[NDArray[np.float64]],
    voxel: NDArray[np.float64],
) -> tuple[list[Solid], NDArray[np.uint8]]:
    """Solids in the order of their labels (from 1), and the volume of labels they give.

    Raises:
        SettingsError: If none was found.
    """
    half = np.array([-float(axis.min()) for axis in coordinates]) + voxel / 2
    for _ in range(_SIZE_TRIES):
        solids = _placed_cell(generator, recipe, half, voxel)
        if solids is None:
            continue
        labels = rasterised(solids, coordinates)
        if (np.bincount(labels.ravel(), minlength=len(solids) + 1) > 0).all():
            return solids, labels
    raise SettingsError(
        f"no cell with {recipe.vesicles} vesicles and {recipe.mitochondria} mitochondria of "
        f"{recipe.proteins} proteins each fitted in {_SIZE_TRIES} tries. Choose fewer or smaller "
        f"parts in recipe, or a larger shape."
    )


def _placed_cell(
    generator: np.random.Generator,
    recipe: CellRecipe,
    half: NDArray[np.float64],
    voxel: NDArray[np.float64],
) -> list[Solid] | None:
    """One draw of all sizes and places, or None where some object found no room."""
    cell = _sphere(generator, recipe.cell)
    organelles = _placed_siblings(
        [lambda: _sphere(generator, recipe.vesicle)] * recipe.vesicles
        + [lambda: _cuboid(generator, recipe.mitochondrion)] * recipe.mitochondria,
        generator,
        cell,
        half,
        voxel,
    )
    if organelles is None:
        return None
    proteins: list[Solid] = []
    for place, organelle in enumerate(organelles):
        draw: Callable[[], Solid] = (
            (lambda: _sphere(generator, recipe.vesicle_protein))
            if place < recipe.vesicles
            else (lambda: _cuboid(generator, recipe.mitochondrion_protein))
        )
        found = _placed_siblings([draw] * recipe.proteins, generator, organelle, half, voxel)
        if found is None:
            return None
        proteins += found
    return [cell, *organelles, *proteins]


def _size(generator: np.random.Generator, law: tuple[float, float]) -> float:
    # Not below a tenth of the mean: a normal law also has negative sizes.
    return max(float(generator.normal(*law)), law[0] / 10)


def _sphere(generator: np.random.Generator, law: tuple[float, float]) -> Solid:
    return Solid(np.zeros(3), np.zeros(3), _size(generator, law))


def _cuboid(generator: np.random.Generator, law: tuple[float, float]) -> Solid:
    return Solid(np.zeros(3), np.array([_size(generator, law) for _ in range(3)]), 0.0)


def _placed_siblings(
    draws: list[Callable[[], Solid]],
    generator: np.random.Generator,
    parent: Solid,
    half: NDArray[np.float64],
    voxel: NDArray[np.float64],
) -> list[Solid] | None:
    """Solids at uniform places inside their parent and the volume, apart from one another.

    All siblings are drawn together and rejected together: a first one in the middle, that leaves
    no room for a second, would otherwise hold the search for ever.
    """
    sized = [draw() for draw in draws]
    for _ in range(_PLACE_TRIES):
        placed = [
            Solid(_place_in(generator, parent, solid), solid.core, solid.radius) for solid in sized
        ]
        if all(
            holds(parent, solid) and bool((abs(solid.centre) + solid.extent <= half).all())
            for solid in placed
        ) and all(apart(one, other, voxel) for one, other in combinations(placed, 2)):
            return placed
    return None


def _place_in(generator: np.random.Generator, parent: Solid, child: Solid) -> NDArray[np.float64]:
    """A centre, uniform over where the child's bounding box is inside the parent's."""
    room = np.maximum(parent.extent - child.extent, 0.0)
    return parent.centre + generator.uniform(-1.0, 1.0, size=3) * room


def _levels(
    finest: NDArray[np.uint8], recipe: CellRecipe
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Truths of the three levels: every label becomes that of its ancestor at the level."""
    organelles = recipe.vesicles + recipe.mitochondria
    owners = np.repeat(np.arange(2, 2 + organelles), recipe.proteins)
    second = np.concatenate([np.arange(2 + organelles), owners]).astype(np.uint8)
    first = np.minimum(second, 1)
    return first[finest], second[finest], finest


# --- irregular surfaces ---------------------------------------------------------------------


def _warped(
    generator: np.random.Generator,
    solids: Sequence[Solid],
    recipe: CellRecipe,
    coordinates: Sequence[NDArray[np.float64]],
    voxel: NDArray[np.float64],
    *,
    fallback: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Labels (z, y, x) of the solids seen through one smooth displacement of all space.

    One map for all surfaces keeps children inside their parents. It may still close the gap
    between two siblings or lose a small object: then another is drawn, in the end a weaker one,
    so the search ends at the latest where nothing moves.
    """
    smoothing = _WARP_LENGTH / voxel
    shape = fallback.shape
    for amplitude in np.repeat(_WARP_AMPLITUDE * 0.5 ** np.arange(4), 10):
        moved = []
        for axis in coordinates:
            field = ndimage.gaussian_filter(generator.standard_normal(shape), smoothing)
            moved.append(axis + amplitude * field / field.std())
        labels = rasterised(solids, moved)
        if _is_sound(labels, recipe, len(solids)):
            return labels
    return fallback


def _is_sound(labels: NDArray[np.uint8], recipe: CellRecipe, objects: int) -> bool:
    """Whether every object is there and no two siblings share a face of a voxel."""
    if not (np.bincount(labels.ravel(), minlength=objects + 1) > 0).all():
        return False
    organelles = recipe.vesicles + recipe.mitochondria
    touching_organelles = _neighbours(_levels(labels, recipe)[1], organelles + 2)
    touching_proteins = _neighbours(labels, objects + 1)
    return all(low < 2 for low, _ in touching_organelles) and all(
        low < 2 + organelles for low, _ in touching_proteins
    )


def _neighbours(labels: NDArray[np.uint8], count: int) -> set[tuple[int, int]]:
    """Pairs (low, high) of labels that share a face of a voxel somewhere."""
    found: set[tuple[int, int]] = set()
    for axis in range(3):
        ahead = np.moveaxis(labels, axis, 0)
        one, other = ahead[:-1].astype(np.intp), ahead[1:].astype(np.intp)
        differ = one != other
        table = np.bincount(one[differ] * count + other[differ], minlength=count * count)
        for low, high in np.argwhere(table.reshape(count, count)):
            found.add((int(min(low, high)), int(max(low, high))))
    return found


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
        paint = _stream(seed, 100 + label)
        colour = float(paint.standard_normal())
        if label == 0:
            texture = paint.standard_normal(shape, dtype=np.float32)[mask]
        else:
            centre = float(paint.uniform(*_CENTRES))
            texture = band_pass_noise(paint, frequency, shape, centre=centre)[mask]
        if textured_only:
            colour = 0.0
            texture = (texture - texture.mean()) / max(float(texture.std()), 1e-6)
        image[mask] = colour + _NOISE * texture
    pink: NDArray[np.float32] = image + _NOISE * pink_noise(_stream(seed, 2), frequency, shape)
    return pink
