"""The shell around a virion where spikes stand, seen as a map over directions."""

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy import ndimage, sparse
from scipy.spatial import cKDTree

from .directions import even_directions
from .virions import Virion

_SPACING_NM = 2.0
_HEIGHT_STEP_NM = 2.0
BANDS = 5
"""Bands of latitude: what the missing wedge does to the background depends on that alone."""

_FEWEST = 0.6  # share of a column of the shell that must be seen


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Shell:
    """Points over the membrane of a virion, a column of heights for every direction.

    Args:
        virion: The virion.
        directions: Unit vectors (z, y, x) of the columns' feet, shape (n, 3).
        heights_nm: Heights over the middle of the membrane, in nm, shape (heights,).
        normals: Along which the columns stand, shape (n, 3).
        middles_nm: The columns' middles, (z, y, x) in nm, shape (n, 3).
        areas_nm2: Area of the shell, at its middle, that each column stands for, shape (n,).
        is_seen: Columns that lie in the tomogram and near no other virion, shape (n,).
    """

    virion: Virion = field(repr=False)
    directions: Float64[np.ndarray, "n 3"] = field(repr=False)
    heights_nm: Float64[np.ndarray, " heights"]
    normals: Float64[np.ndarray, "n 3"] = field(repr=False)
    middles_nm: Float64[np.ndarray, "n 3"] = field(repr=False)
    areas_nm2: Float64[np.ndarray, " n"] = field(repr=False)
    is_seen: Bool[np.ndarray, " n"] = field(repr=False)

    @classmethod
    def around(cls, virion: Virion, lowest_nm: float, highest_nm: float) -> "Shell":
        """The shell between two heights over the middle of the membrane, in nm."""
        membrane = virion.membrane
        middle = (lowest_nm + highest_nm) / 2
        radius = membrane.mean_radius_nm + middle
        directions = even_directions(round(4 * np.pi * (radius / _SPACING_NM) ** 2))
        normals = membrane.normals(directions)
        count = max(2, round((highest_nm - lowest_nm) / _HEIGHT_STEP_NM) + 1)
        middles = membrane.points_nm(directions, middle)
        away = np.linalg.norm(middles - membrane.centre_nm, axis=1)
        cosines = np.maximum((normals * directions).sum(axis=1), 0.5)
        shell = cls(
            virion=virion,
            directions=directions,
            heights_nm=np.linspace(lowest_nm, highest_nm, count),
            normals=normals,
            middles_nm=middles,
            areas_nm2=4 * np.pi / len(directions) * away**2 / cosines,
            is_seen=np.ones(len(directions), np.bool_),
        )
        seen = np.nan_to_num(shell.columns(virion.inside.astype(np.float32))) > 0.5
        return cls(**{**vars(shell), "is_seen": seen.mean(axis=1) >= _FEWEST})

    @property
    def seen_nm2(self) -> float:
        """Area, at the shell's middle, of what is seen of it."""
        return float(self.areas_nm2[self.is_seen].sum())

    def columns(self, volume: Float32[np.ndarray, "z y x"]) -> Float64[np.ndarray, "n heights"]:
        """A volume over the virion's voxels, read off at the shell's points; NaN beyond it."""
        membrane = self.virion.membrane
        feet = membrane.centre_nm + self.directions * membrane.radius_nm(self.directions)[:, None]
        points = feet[:, None] + self.normals[:, None] * self.heights_nm[None, :, None]
        places = np.moveaxis(self.virion.places(points), -1, 0)
        return np.asarray(
            ndimage.map_coordinates(
                volume.astype(np.float64), places, order=1, mode="constant", cval=np.nan
            )
        )

    def neighbours(self, reach_nm: float) -> sparse.csr_matrix:
        """Distances of the columns' middles to each other up to a reach, in nm."""
        tree = cKDTree(self.middles_nm)
        near = tree.sparse_distance_matrix(tree, reach_nm, output_type="coo_matrix")
        return near.tocsr()


def band_of(directions: Float64[np.ndarray, "n 3"]) -> Int64[np.ndarray, " n"]:
    """The band of latitude of directions, 0 at the equator; bands have equal areas."""
    bands = (np.abs(directions[:, 0]) * BANDS).astype(np.int64)
    return np.asarray(np.minimum(bands, BANDS - 1))


def flattened(
    shells: tuple[Shell, ...], volumes: tuple[Float32[np.ndarray, "_ _ _"], ...]
) -> tuple[Float64[np.ndarray, "_ _"], ...]:
    """Columns of all virions without what all columns of a latitude have in common.

    Around a membrane there are fringes, which the missing wedge takes away towards the poles. They
    depend on height and latitude alone, as spikes do not: the median over all columns alike is
    subtracted.

    Args:
        shells: Shells of the same heights.
        volumes: A volume over each virion's voxels.

    Returns:
        Columns of each shell, shape (n, heights); NaN where the tomogram is not seen.
    """
    columns = [shell.columns(volume) for shell, volume in zip(shells, volumes, strict=True)]
    for column, shell in zip(columns, shells, strict=True):
        column[~shell.is_seen] = np.nan
    bands = [band_of(shell.directions) for shell in shells]
    for band in range(BANDS):
        alike = np.concatenate([
            column[of == band] for column, of in zip(columns, bands, strict=True)
        ])
        alike = alike[np.isfinite(alike).all(axis=1)]
        if not len(alike):
            continue
        middle = np.median(alike, axis=0)
        for column, of in zip(columns, bands, strict=True):
            column[of == band] -= middle
    return tuple(columns)


def smoothed(
    shell: Shell, values: Float64[np.ndarray, " n"], *, width_nm: float
) -> Float64[np.ndarray, " n"]:
    """Values of the columns, averaged with those around under a Gaussian.

    Args:
        shell: The shell.
        values: One for each column; NaN where there is none.
        width_nm: Standard deviation of the Gaussian, along the shell's middle, in nm.

    Returns:
        Averages over what is there; NaN where the column itself is not.
    """
    near = shell.neighbours(2.5 * width_nm)
    weights = sparse.csr_matrix(
        (np.exp(-(near.data**2) / (2 * width_nm**2)), near.indices, near.indptr), shape=near.shape
    )
    known = np.isfinite(values)
    # A column is its own neighbour at distance 0, which a sparse matrix may leave out.
    own = 1.0 - weights.diagonal()
    summed: Any = weights @ np.where(known, values, 0.0) + own * np.where(known, values, 0.0)
    share = weights @ known.astype(np.float64) + own * known
    return np.where(known, summed / np.maximum(share, 1e-9), np.nan)


def peaks(
    shell: Shell, values: Float64[np.ndarray, " n"], *, spacing_nm: float
) -> Int64[np.ndarray, " peaks"]:
    """Columns that no other one within a distance surpasses, the highest first.

    Args:
        shell: The shell.
        values: One for each column; NaN where there is none.
        spacing_nm: Least distance of two peaks, along the shell's middle, in nm.

    Returns:
        Indices of columns.
    """
    near = shell.neighbours(spacing_nm)
    filled = np.where(np.isfinite(values), values, -np.inf)
    higher = np.zeros(len(values), np.bool_)
    rows = np.repeat(np.arange(len(values)), np.diff(near.indptr))
    # Within half the distance, so that of two spikes side by side neither hides the other.
    close = near.data <= spacing_nm / 2
    np.logical_or.at(higher, rows[close], filled[near.indices[close]] > filled[rows[close]])
    order = np.flatnonzero(~higher & np.isfinite(values))
    order = order[np.lexsort((order, -values[order]))]
    taken = np.zeros(len(values), np.bool_)
    kept = []
    for one in order.tolist():
        if not taken[one]:
            kept.append(one)
            taken[near.indices[near.indptr[one] : near.indptr[one + 1]]] = True
            taken[one] = True
    return np.array(kept, np.int64)
