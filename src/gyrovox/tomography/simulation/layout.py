"""Where the large objects of a specimen are: virions, vesicles, microtubules and membranes."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import SPIKE_HEIGHT_NM, SpecimenRecipe

from .lipid_bilayer import BILAYER_NM
from .orientation import random_direction
from .round_surface import RoundSurface

MICROTUBULE_NM = 25.0
"""Outer diameter of a microtubule."""

_GAP_NM = 4.0
_ATTEMPTS = 60  # at a layout from its beginning
_CHOICES = 6  # layouts to take the fullest of
_TRIES = 300  # at an object of a layout
_FLAT_NM = 1e5  # radius of a sphere that is a plane within a tomogram
_CURVATURE_NM = (250.0, 1500.0)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Sheet:
    """A membrane that crosses the volume: a part of a sphere that is large.

    Args:
        centre_nm: Centre (z, y, x) of the sphere.
        radius_nm: Its radius.
        point_nm: A point of the membrane inside of the volume.
    """

    centre_nm: Float64[np.ndarray, " 3"]
    radius_nm: float
    point_nm: Float64[np.ndarray, " 3"]

    def height(self, points_nm: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
        """How far points (z, y, x) lie outside of the sphere, in nm."""
        return np.asarray(np.linalg.norm(points_nm - self.centre_nm, axis=1) - self.radius_nm)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Axis:
    """The axis of a microtubule, across the volume.

    Args:
        point_nm: A point (z, y, x) of it, the middle of what lies in the volume.
        direction: Unit vector (z, y, x).
        length_nm: Length of what lies in the volume.
    """

    point_nm: Float64[np.ndarray, " 3"]
    direction: Float64[np.ndarray, " 3"]
    length_nm: float

    def points(self) -> Float64[np.ndarray, "n 3"]:
        """Points along it, 4 nm apart."""
        along = np.arange(-self.length_nm / 2, self.length_nm / 2 + 4, 4)
        return np.asarray(self.point_nm + along[:, None] * self.direction)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """The large objects of a specimen.

    Args:
        virions: Outer surfaces of their membranes.
        vesicles: Likewise.
        sheets: Membranes that cross the volume.
        axes: Axes of microtubules.
    """

    virions: tuple[RoundSurface, ...]
    vesicles: tuple[RoundSurface, ...]
    sheets: tuple[Sheet, ...]
    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return len(self.virions) + len(self.vesicles) + len(self.sheets) + len(self.axes)


def drawn_layout(generator: np.random.Generator, recipe: SpecimenRecipe) -> Layout:
    """Large objects that keep apart, from the largest to the smallest.

    Args:
        generator: Where sizes and places are drawn from.
        recipe: What there is to be.

    Returns:
        The layout: all virions, and of the rest what there is room for.

    Raises:
        SettingsError: If the virions do not fit.
    """
    radii = np.sort(generator.uniform(*recipe.virion_diameter_nm, recipe.virions) / 2)[::-1]
    wanted = recipe.virions + recipe.vesicles + recipe.membranes + recipe.microtubules
    complete: list[Layout] = []
    most = 0
    for _ in range(_ATTEMPTS):
        layout = _attempt(generator, recipe, radii)
        most = max(most, len(layout.virions))
        if len(layout.virions) == recipe.virions:
            complete.append(layout)
        if len(complete) == _CHOICES or (complete and len(complete[-1]) == wanted):
            break
    if not complete:
        raise SettingsError(
            f"{recipe.virions} virions must fit into {recipe.size_nm} nm (z, y, x) without "
            f"touching, and {most} did at most. Ask for fewer or smaller ones, or enlarge the "
            f"volume."
        )
    return max(complete, key=len)


def _attempt(
    generator: np.random.Generator, recipe: SpecimenRecipe, radii: NDArray[np.float64]
) -> Layout:
    """A layout of what found its place; without all virions, of nothing else."""
    room = _Room(np.array(recipe.size_nm) - recipe.voxel_size_nm)
    virions = [_placed_virion(generator, room, radius, recipe.asphericity) for radius in radii]
    if None in virions:
        found = tuple(virion for virion in virions if virion is not None)
        return Layout(virions=found, vesicles=(), sheets=(), axes=())
    sheets = [_placed_sheet(generator, room) for _ in range(recipe.membranes)]
    axes = [_placed_axis(generator, room) for _ in range(recipe.microtubules)]
    vesicles = [
        _placed_round(generator, room, diameter / 2, recipe.asphericity, around=0.0)
        for diameter in _vesicle_diameters(generator, recipe)
    ]
    return Layout(
        virions=tuple(virion for virion in virions if virion is not None),
        vesicles=tuple(vesicle for vesicle in vesicles if vesicle is not None),
        sheets=tuple(sheet for sheet in sheets if sheet is not None),
        axes=tuple(axis for axis in axes if axis is not None),
    )


@final
class _Room:
    """What is taken already, and what keeps apart from it.

    Args:
        size_nm: Distances (z, y, x) between the centres of the outermost voxels.
    """

    def __init__(self, size_nm: NDArray[np.float64]) -> None:
        self.size_nm = size_nm
        self.balls: list[tuple[NDArray[np.float64], float]] = []
        self.sheets: list[Sheet] = []
        self.axes: list[Axis] = []

    def centre_of_ball(
        self, candidates: NDArray[np.float64], reach: float
    ) -> NDArray[np.float64] | None:
        """The first of some places (n, 3) where a ball is apart from everything, if there is."""
        apart = reach + _GAP_NM
        free = np.ones(len(candidates), bool)
        for other, far in self.balls:
            free &= np.linalg.norm(candidates - other, axis=1) > apart + far
        for sheet in self.sheets:
            free &= np.abs(sheet.height(candidates)) > apart + BILAYER_NM / 2
        for axis in self.axes:
            away = np.linalg.norm(candidates[:, None] - axis.points(), axis=2).min(axis=1)
            free &= away > apart + MICROTUBULE_NM / 2
        return candidates[free.argmax()] if free.any() else None

    def takes_sheet(self, sheet: Sheet) -> bool:
        """Whether a membrane is apart from everything; two membranes may not cross."""
        half = BILAYER_NM / 2 + _GAP_NM
        if any(abs(sheet.height(c[None])[0]) < reach + half for c, reach in self.balls):
            return False
        return all(self._is_uncrossed(sheet, other) for other in self.sheets)

    def _is_uncrossed(self, sheet: Sheet, other: Sheet) -> bool:
        """Whether two membranes keep apart, seen on a grid of 8 nm."""
        grid = np.stack(
            np.meshgrid(*(np.arange(0, side + 8, 8.0) for side in self.size_nm), indexing="ij"), -1
        ).reshape(-1, 3)
        near = grid[np.abs(sheet.height(grid)) < 8]
        return not len(near) or bool(np.abs(other.height(near)).min() > BILAYER_NM + _GAP_NM + 8)

    def takes_axis(self, axis: Axis) -> bool:
        """Whether a microtubule is apart from everything."""
        points, half = axis.points(), MICROTUBULE_NM / 2 + _GAP_NM
        return (
            all(np.linalg.norm(points - c, axis=1).min() > half + far for c, far in self.balls)
            and all(
                np.abs(sheet.height(points)).min() > half + BILAYER_NM / 2 for sheet in self.sheets
            )
            and all(
                np.linalg.norm(points[:, None] - other.points(), axis=2).min() > 2 * half
                for other in self.axes
            )
        )


def _placed_virion(
    generator: np.random.Generator, room: _Room, radius_nm: float, asphericity: float
) -> RoundSurface | None:
    return _placed_round(generator, room, radius_nm, asphericity, around=SPIKE_HEIGHT_NM)


def _placed_round(
    generator: np.random.Generator,
    room: _Room,
    radius_nm: float,
    asphericity: float,
    *,
    around: float,
) -> RoundSurface | None:
    """A surface with room `around` it, or None where none was found."""
    form = RoundSurface.drawn(generator, np.zeros(3), radius_nm, asphericity).form
    reach = RoundSurface(centre_nm=np.zeros(3), radius_nm=radius_nm, form=form).reach_nm + around
    if (2 * reach > room.size_nm).any():
        return None
    centre = room.centre_of_ball(generator.uniform(reach, room.size_nm - reach, (_TRIES, 3)), reach)
    if centre is None:
        return None
    room.balls.append((centre, reach))
    return RoundSurface(centre_nm=centre, radius_nm=radius_nm, form=form)


def _vesicle_diameters(
    generator: np.random.Generator, recipe: SpecimenRecipe
) -> NDArray[np.float64]:
    """Every second one is as large as a virion, where that is allowed; large ones first."""
    low, high = recipe.vesicle_diameter_nm
    alike = max(low, recipe.virion_diameter_nm[0]), min(high, recipe.virion_diameter_nm[1])
    ranges = [
        alike if number % 2 and alike[0] <= alike[1] else (low, high)
        for number in range(recipe.vesicles)
    ]
    return np.sort([generator.uniform(*bounds) for bounds in ranges])[::-1]


def _placed_sheet(generator: np.random.Generator, room: _Room) -> Sheet | None:
    for _ in range(_TRIES):
        # Steep membranes are seen well; the wedge hides those that lie flat.
        normal = random_direction(generator) * np.array([0.3, 1.0, 1.0])
        normal /= np.linalg.norm(normal)
        point = generator.uniform(0, room.size_nm)
        is_flat = generator.random() < 0.3
        radius = _FLAT_NM if is_flat else float(generator.uniform(*_CURVATURE_NM))
        sheet = Sheet(centre_nm=point - radius * normal, radius_nm=radius, point_nm=point)
        if room.takes_sheet(sheet):
            room.sheets.append(sheet)
            return sheet
    return None


def _placed_axis(generator: np.random.Generator, room: _Room) -> Axis | None:
    half = MICROTUBULE_NM / 2 + 1
    for _ in range(_TRIES):
        direction = random_direction(generator) * np.array([0.15, 1.0, 1.0])
        direction /= np.linalg.norm(direction)
        point = generator.uniform(0, room.size_nm)
        axis = _clipped(point, direction, room.size_nm, half)
        if axis is not None and room.takes_axis(axis):
            room.axes.append(axis)
            return axis
    return None


def _clipped(
    point: NDArray[np.float64],
    direction: NDArray[np.float64],
    size_nm: NDArray[np.float64],
    half: float,
) -> Axis | None:
    """The part of a line within a volume, where it leaves through its sides and not its top."""
    with np.errstate(divide="ignore"):
        ends = np.stack([-point / direction, (size_nm - point) / direction])
    first, last = ends.min(axis=0), ends.max(axis=0)
    start, stop = float(first[1:].max()), float(last[1:].min())
    if stop - start < 2 * half:
        return None
    heights = point[0] + np.array([start, stop]) * direction[0]
    if heights.min() < half or heights.max() > size_nm[0] - half:
        return None
    middle = point + (start + stop) / 2 * direction
    return Axis(point_nm=middle, direction=direction, length_nm=stop - start)
