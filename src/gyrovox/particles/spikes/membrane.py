"""The membrane of a virion: a closed surface whose radius is a smooth function of direction."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from gyrovox.errors import ParticleError

from .directions import even_directions, harmonic_degrees, real_harmonics

_STEP = 1e-3  # of a unit vector, for the slope of the radius
_ROWS = 91  # of tables over the sphere: every 2 degrees
_DIRECTIONS = 600  # some 6 nm apart on a virion of 100 nm
_SMALLEST, _LARGEST = 0.55, 1.46  # radii that are tried, of half the picked diameter
_STIFFNESS = 2e-4
_SHARPNESS = 3.0  # of the preference for dense points, per standard deviation of density
_OUTLYING_NM = 3.0  # from where on a point counts less than half
_NARROWING_NM = (12.0, 8.0, 5.0, 4.0)  # how far from the last fit the next one looks
_BLUR_NM = 1.2
_RADIUS_STEP_NM = 0.5
_AROUND_NM = 12.0  # of the radii, that a membrane stands out of
_DENSEST = 3.0  # standard deviations of the density
_LEAFLET_NM = 2.6  # from the middle of a membrane to its two dense sides
_FLATTEST = 0.35  # share of a slope's energy that a direction along the beam keeps


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class MembraneSurface:
    """The middle of a virion's membrane, ``centre + radius(u) u`` over all unit vectors u.

    Args:
        centre_nm: Where radii are counted from, (z, y, x) in nm from the tomogram's first voxel.
        coefficients: Of real spherical harmonics of degrees 0, 1, 2, ..., in nm; shape
            ((degree + 1)²,).

    Raises:
        ParticleError: If the coefficients are not those of whole degrees, or the mean radius is
            not positive.
    """

    centre_nm: Float64[np.ndarray, " 3"]
    coefficients: Float64[np.ndarray, " harmonics"]

    def __post_init__(self) -> None:
        degree = self.degree
        if (degree + 1) ** 2 != len(self.coefficients) or not self.coefficients[0] > 0:
            raise ParticleError(
                f"a membrane needs (degree + 1)² coefficients and a positive mean radius, and "
                f"{len(self.coefficients)} came that begin with {self.coefficients[:1]}."
            )

    @property
    def degree(self) -> int:
        """Highest degree of the harmonics."""
        return math.isqrt(len(self.coefficients)) - 1

    @property
    def mean_radius_nm(self) -> float:
        """Mean over all directions, in nm."""
        return float(self.coefficients[0] * real_harmonics(np.array([[1.0, 0.0, 0.0]]), 0)[0, 0])

    def radius_nm(self, directions: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
        """How far the membrane is from the centre, in nm.

        Args:
            directions: Unit vectors (z, y, x).

        Returns:
            Radii, shape (n,).
        """
        return np.asarray(real_harmonics(directions, self.degree) @ self.coefficients)

    def normals(self, directions: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        """Unit vectors that stand on the membrane and point outwards.

        The surface is where ``r - radius(u)`` is 0, so the normal is along
        ``u - ∇radius(u) / radius(u)``, the gradient taken over the unit sphere.

        Args:
            directions: Unit vectors (z, y, x).

        Returns:
            Normals, shape (n, 3).
        """
        slopes = np.empty_like(directions)
        for axis in range(3):
            step = np.zeros(3)
            step[axis] = _STEP
            ahead, behind = _unit(directions + step), _unit(directions - step)
            slopes[:, axis] = (self.radius_nm(ahead) - self.radius_nm(behind)) / (2 * _STEP)
        return _unit(directions - slopes / self.radius_nm(directions)[:, np.newaxis])

    def points_nm(
        self, directions: Float64[np.ndarray, "n 3"], height_nm: float
    ) -> Float64[np.ndarray, "n 3"]:
        """Points above the membrane, along its normals.

        Args:
            directions: Unit vectors (z, y, x) of the feet.
            height_nm: Height over the middle of the membrane, in nm; negative inside.

        Returns:
            Points (z, y, x) in nm from the tomogram's first voxel, shape (n, 3).
        """
        feet = self.centre_nm + directions * self.radius_nm(directions)[:, np.newaxis]
        return np.asarray(feet + height_nm * self.normals(directions))

    def heights_nm(self, points_nm: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
        """How high points are over the middle of the membrane, in nm; negative inside.

        Along the normal, to first order: the radial distance times its cosine.

        Args:
            points_nm: Points (z, y, x) in nm from the tomogram's first voxel.

        Returns:
            Heights, shape (n,), right to 0.02 nm where that first order is.
        """
        z, y, x = (points_nm - self.centre_nm).T
        across = np.hypot(y, x)
        latitude = np.arctan2(z, across) / np.pi + 0.5
        longitude = np.arctan2(y, x) / (2 * np.pi) + 0.5
        rows, columns = self._table[0].shape
        places = np.stack([latitude * (rows - 1), longitude * (columns - 1)])
        radius, cosine = (
            ndimage.map_coordinates(values, places, order=1, mode="nearest")
            for values in self._table
        )
        return np.asarray((np.hypot(z, across) - radius) * cosine)

    @cached_property
    def _table(
        self,
    ) -> tuple[Float64[np.ndarray, "rows columns"], Float64[np.ndarray, "rows columns"]]:
        """Radii, and cosines of the normals, by latitude and longitude: voxels are many."""
        latitude = np.linspace(-np.pi / 2, np.pi / 2, _ROWS)
        longitude = np.linspace(-np.pi, np.pi, 2 * _ROWS - 1)
        z = np.repeat(np.sin(latitude), len(longitude))
        ring = np.repeat(np.cos(latitude), len(longitude))
        around = np.tile(longitude, len(latitude))
        directions = np.stack([z, ring * np.sin(around), ring * np.cos(around)], axis=1)
        cosines = (self.normals(directions) * directions).sum(axis=1)
        shape = (len(latitude), len(longitude))
        return self.radius_nm(directions).reshape(shape), cosines.reshape(shape)

    def area_nm2(self) -> float:
        """Area of the membrane, in nm²."""
        directions = even_directions(4000)
        cosines = (self.normals(directions) * directions).sum(axis=1)
        return float(4 * np.pi * (self.radius_nm(directions) ** 2 / cosines).mean())


def fit_membrane(
    density: Float64[np.ndarray, "z y x"],
    *,
    voxel_size_nm: float,
    centre_nm: Float64[np.ndarray, " 3"],
    diameter_nm: float,
    inside: Bool[np.ndarray, "z y x"] | None = None,
    degree: int = 4,
) -> MembraneSurface:
    """The membrane around a picked centre: a ridge of density that closes.

    A sphere is looked for first, over radii and centres; its radius is then let vary with
    direction, degree by degree, from where the density is highest near the last fit. Where the
    missing wedge takes the membrane away, around the beam's axis, smoothness decides.

    Args:
        density: Around the virion, dense is positive, shape (z, y, x).
        voxel_size_nm: Side of its voxels, in nm.
        centre_nm: The picked centre, (z, y, x) in nm from the density's first voxel.
        diameter_nm: What the membrane's diameter is about, in nm; up to a third wrong.
        inside: Voxels that hold the tomogram; None for all.
        degree: Highest degree of the harmonics.

    Returns:
        The membrane.

    Raises:
        ParticleError: If the diameter is not positive.
    """
    if not diameter_nm > 0:
        raise ParticleError(f"the diameter of a virion must be above 0 nm, got {diameter_nm}.")
    # What is much denser than a membrane is none.
    spread = float(density.std()) or 1.0
    clipped = np.clip(density - density.mean(), -_DENSEST * spread, _DENSEST * spread)
    smooth = ndimage.gaussian_filter(clipped, _BLUR_NM / voxel_size_nm)
    valid = np.ones(density.shape) if inside is None else inside.astype(np.float64)
    directions = even_directions(_DIRECTIONS)
    # The wedge leaves most of a membrane that stands along the beam, and least of a flat one.
    weights = _FLATTEST + (1 - _FLATTEST) * (1 - directions[:, 0] ** 2)
    smallest, largest = _SMALLEST * diameter_nm / 2, _LARGEST * diameter_nm / 2
    radii = np.arange(smallest, largest, _RADIUS_STEP_NM)
    reach = _Reach(smooth, valid, voxel_size_nm)
    centre, radius = _best_sphere(
        reach, directions, weights, radii, start_nm=centre_nm, diameter_nm=diameter_nm
    )
    surface = MembraneSurface(
        centre_nm=centre, coefficients=np.array([radius * (4 * np.pi) ** 0.5])
    )
    for step, width in enumerate(_NARROWING_NM):
        surface = _refined(
            reach, directions, weights, surface, width_nm=width, degree=min(degree, 2 + step)
        )
    return surface


@final
@dataclass(frozen=True, eq=False)
class _Reach:
    """Density that can be asked for anywhere."""

    density: Float64[np.ndarray, "z y x"]
    valid: Float64[np.ndarray, "z y x"]
    voxel_size_nm: float

    def bilayer(
        self,
        centre_nm: Float64[np.ndarray, " 3"],
        directions: Float64[np.ndarray, "n 3"],
        radii_nm: Float64[np.ndarray, "#n radii"],
    ) -> tuple[Float64[np.ndarray, "n radii"], Float64[np.ndarray, "n radii"]]:
        """How dense both sides of a membrane would be, and whether it lies in the tomogram.

        Both sides, because one alone is as dense as the fringe that a microscope draws beside it.
        """
        away = directions[:, np.newaxis] * np.ones_like(radii_nm)[..., np.newaxis]
        middle = centre_nm + directions[:, np.newaxis] * radii_nm[..., np.newaxis]
        inner, known = self.at(middle - _LEAFLET_NM * away)
        outer, also = self.at(middle + _LEAFLET_NM * away)
        return (inner + outer) / 2, known * also

    def at(
        self, points_nm: Float64[np.ndarray, "*shape 3"]
    ) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
        """The density at points, and whether they lie in the tomogram."""
        places = np.moveaxis(points_nm / self.voxel_size_nm, -1, 0)
        found = ndimage.map_coordinates(self.density, places, order=1, mode="nearest")
        known = ndimage.map_coordinates(self.valid, places, order=1, mode="constant")
        return found, (known > 0.5).astype(np.float64)


def _best_sphere(
    reach: _Reach,
    directions: Float64[np.ndarray, "n 3"],
    weights: Float64[np.ndarray, " n"],
    radii: Float64[np.ndarray, " radii"],
    *,
    start_nm: Float64[np.ndarray, " 3"],
    diameter_nm: float,
) -> tuple[Float64[np.ndarray, " 3"], float]:
    """Centre and radius of the sphere that stands out most from what is inside and outside it."""
    around = round(_AROUND_NM / _RADIUS_STEP_NM)
    some = directions[::4]
    share = weights[::4]
    best = (-np.inf, start_nm, diameter_nm / 2)
    for scale in (0.08, 0.03):
        steps = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), -1).reshape(-1, 3)
        start = best[1]
        for step in steps:
            centre = start + step * scale * diameter_nm
            found, known = reach.bilayer(centre, some, radii[np.newaxis])
            seen = share[:, np.newaxis] * known
            profile = (seen * found).sum(axis=0) / np.maximum(seen.sum(axis=0), 1e-9)
            # The lumps within are dense too, and no ridge: what is around is subtracted.
            ridge = profile - ndimage.uniform_filter1d(profile, around)
            top = int(ridge.argmax())
            if ridge[top] > best[0]:
                best = (float(ridge[top]), centre, float(radii[top]))
    return best[1], best[2]


def _refined(
    reach: _Reach,
    directions: Float64[np.ndarray, "n 3"],
    weights: Float64[np.ndarray, " n"],
    surface: MembraneSurface,
    *,
    width_nm: float,
    degree: int,
) -> MembraneSurface:
    """The surface through the densest points near another one, smooth where there are few."""
    before = surface.radius_nm(directions)
    offsets = np.arange(-width_nm, width_nm + 0.1, 0.5)
    radii = before[:, np.newaxis] + offsets
    found, known = reach.bilayer(surface.centre_nm, directions, radii)
    level = (found * known).sum() / max(known.sum(), 1.0)
    scale = float(np.sqrt((known * (found - level) ** 2).sum() / max(known.sum(), 1.0))) or 1.0
    # Soft, not the highest point: noise makes that jump.
    likeness = known * np.exp(np.clip(_SHARPNESS * (found - level) / scale, -20, 20))
    total = likeness.sum(axis=1)
    wanted = (likeness * radii).sum(axis=1) / np.maximum(total, 1e-12)
    spread = (likeness * (radii - wanted[:, np.newaxis]) ** 2).sum(axis=1)
    spread = spread / np.maximum(total, 1e-12)
    trust = weights * (total > 0) / (1.0 + spread)
    harmonics = real_harmonics(directions, degree)
    degrees = harmonic_degrees(degree)
    # Degrees 0 and 1, size and place, are free; bending costs as on a thin plate.
    stiff = _STIFFNESS * trust.sum() * (degrees * (degrees + 1.0)) ** 2 * (degrees > 1)
    for _ in range(4):
        normal = (harmonics * trust[:, np.newaxis]).T @ harmonics + np.diag(stiff)
        coefficients = np.linalg.solve(normal, (harmonics * trust[:, np.newaxis]).T @ wanted)
        gap = np.abs(harmonics @ coefficients - wanted)
        trust = weights * (total > 0) / (1.0 + spread) / (1 + (gap / _OUTLYING_NM) ** 2)
    return MembraneSurface(centre_nm=surface.centre_nm, coefficients=coefficients)


def _unit(vectors: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))
