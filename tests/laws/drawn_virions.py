"""Virions drawn by formulas that share no code with the package: two leaflets, spikes, noise."""

from dataclasses import dataclass

import numpy as np

VOXEL_NM = 3.0
RADIUS_NM = 30.0
CENTRE_NM = 12.5  # of a spike, over the middle of the membrane


@dataclass(frozen=True, eq=False)
class Drawn:
    """Grey values, dense is dark; centres in nm; unit vectors and owners of the spikes."""

    image: np.ndarray
    centres_nm: np.ndarray
    directions: np.ndarray
    owners: np.ndarray

    @property
    def spikes_nm(self) -> np.ndarray:
        return self.centres_nm[self.owners] + self.directions * (RADIUS_NM + CENTRE_NM)


def spread_directions(generator, count, *, least_degrees):
    """Unit vectors that keep apart."""
    found = []
    while len(found) < count:
        tried = generator.normal(size=3)
        tried /= np.linalg.norm(tried)
        if all(np.degrees(np.arccos(np.clip(tried @ one, -1, 1))) > least_degrees for one in found):
            found.append(tried)
    return np.array(found)


def drawn_virions(
    seed=0, *, virions=2, spikes=14, noise=0.35, shape=(54, 54, 54), voxel_nm=VOXEL_NM
):
    """Virions in a row along x."""
    generator = np.random.default_rng(seed)
    depth, height, width = shape
    whole = (depth, height, width * virions)
    grid = np.stack(np.indices(whole), axis=-1) * voxel_nm
    density = np.zeros(whole)
    centres, directions, owners = [], [], []
    for virion in range(virions):
        centre = (np.array([depth, height, width]) // 2 + [0, 0, virion * width]) * voxel_nm
        centre = centre + generator.uniform(-3, 3, 3)
        away = grid - centre
        distance = np.linalg.norm(away, axis=-1)
        for leaflet in (-2.3, 2.3):
            density += np.exp(-(((distance - RADIUS_NM - leaflet) / 1.3) ** 2) / 2)
        for direction in spread_directions(generator, spikes, least_degrees=24):
            along = away @ direction
            aside = np.sqrt(np.maximum(distance**2 - along**2, 0))
            # A head of some 11 nm on a thin stalk.
            head = np.hypot((along - RADIUS_NM - 14.5) / 7.0, aside / 5.5)
            density += 1.0 / (1 + np.exp(8 * (head - 1)))
            stalk = (along > RADIUS_NM) & (along < RADIUS_NM + 10)
            density += 0.5 * stalk * np.exp(-((aside / 2.0) ** 2) / 2)
            directions.append(direction)
            owners.append(virion)
        centres.append(centre)
    image = generator.normal(scale=noise, size=whole) - density
    return Drawn(
        image=image.astype(np.float32),
        centres_nm=np.array(centres),
        directions=np.array(directions),
        owners=np.array(owners),
    )


def matched(found_nm, true_nm, *, within_nm=8.0):
    """How many of the found places are true ones, each true one once."""
    gaps = np.linalg.norm(found_nm[:, None] - true_nm[None], axis=-1)
    hits = 0
    while gaps.size and gaps.min() < within_nm:
        row, column = np.unravel_index(gaps.argmin(), gaps.shape)
        gaps[row], gaps[:, column] = np.inf, np.inf
        hits += 1
    return hits
