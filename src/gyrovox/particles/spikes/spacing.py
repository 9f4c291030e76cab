"""How spikes stand to each other on the membrane."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64

from .membrane import MembraneSurface

_PARTS = 24  # that a way along the membrane is cut into
_NEAREST = 4  # by angle, among which the nearest along the membrane is


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Spacing:
    """Distances between the feet of neighbouring spikes of one virion.

    Args:
        nearest_nm: To each spike's nearest neighbour along the membrane, in nm, shape (n,);
            empty for fewer than two spikes.
        random_nm: What their mean would be if as many spikes stood anywhere at random.
    """

    nearest_nm: Float64[np.ndarray, " n"]
    random_nm: float

    @property
    def ratio(self) -> float:
        """Mean distance over that of random places: 1 random, more for spikes that keep apart.

        Source:
            Clark & Evans (1954), Distance to nearest neighbor as a measure of spatial
            relationships in populations. https://doi.org/10.2307/1931034
        """
        return float(self.nearest_nm.mean() / self.random_nm) if len(self.nearest_nm) else math.nan


def spacing_of(membrane: MembraneSurface, directions: Float64[np.ndarray, "n 3"]) -> Spacing:
    """Distances of spikes to their nearest neighbours, along the membrane.

    Args:
        membrane: The membrane they stand on.
        directions: Unit vectors (z, y, x) from its centre to their feet.

    Returns:
        The spacing.
    """
    count = len(directions)
    if count < 2:
        return Spacing(nearest_nm=np.zeros(0), random_nm=math.nan)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -2)
    near = np.argsort(-cosines, axis=1, kind="stable")[:, : min(_NEAREST, count - 1)]
    ways = [
        ways_nm(membrane, directions, directions[near[:, rank]]) for rank in range(near.shape[1])
    ]
    return Spacing(
        nearest_nm=np.min(ways, axis=0),
        random_nm=0.5 * math.sqrt(membrane.area_nm2() / count),
    )


def ways_nm(
    membrane: MembraneSurface,
    starts: Float64[np.ndarray, "n 3"],
    ends: Float64[np.ndarray, "n 3"],
) -> Float64[np.ndarray, " n"]:
    """Lengths of ways along a membrane, over the great circles between directions.

    Of a virion, nearly a sphere, these are as short as the shortest ways to a percent.

    Args:
        membrane: The membrane.
        starts: Unit vectors (z, y, x).
        ends: Unit vectors (z, y, x), not opposite to the starts.

    Returns:
        Lengths in nm, shape (n,).
    """
    angles = np.arccos(np.clip((starts * ends).sum(axis=1), -1, 1))
    shares = np.linspace(0, 1, _PARTS + 1)
    sines = np.maximum(np.sin(angles), 1e-12)[:, np.newaxis]
    first = np.sin((1 - shares) * angles[:, np.newaxis]) / sines
    second = np.sin(shares * angles[:, np.newaxis]) / sines
    between = first[..., np.newaxis] * starts[:, None] + second[..., np.newaxis] * ends[:, None]
    between /= np.maximum(np.linalg.norm(between, axis=-1, keepdims=True), 1e-12)
    flat = between.reshape(-1, 3)
    points = (flat * membrane.radius_nm(flat)[:, np.newaxis]).reshape(between.shape)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(axis=1)
    return np.where(angles > 1e-9, steps, 0.0)
