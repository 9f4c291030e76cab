"""A first look at the shells of all virions: peaks of density, and peaks of a decoy beside them."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.spatial import cKDTree

from gyrovox.settings.spikes import SpikeSettings

from .mixture import Room, ScoredPeaks
from .shell import Shell, flattened, peaks, smoothed
from .virions import Virion

_WIDTH_NM = 2.0  # of the Gaussian that a spike's middle is looked for with
_RINGS_NM = ((0.0, 2.5), (4.0, 7.0))  # of columns: the middle of a spike, and its edge


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Peaks:
    """Columns of shells in whose middle is more density than around.

    Args:
        shells: One for each virion.
        owners: Virion of each peak, shape (n,).
        columns: Its column in that virion's shell.
        densities: Mean density of the column and those around it, its latitude's median
            subtracted.
    """

    shells: tuple[Shell, ...] = field(repr=False)
    owners: Int64[np.ndarray, " n"]
    columns: Int64[np.ndarray, " n"]
    densities: Float64[np.ndarray, " n"]

    @classmethod
    def of(cls, shells: tuple[Shell, ...], *, spacing_nm: float) -> "Peaks":
        """The peaks of shells of the same heights."""
        volumes = tuple(shell.virion.density for shell in shells)
        owners, columns, densities = [], [], []
        for number, (shell, heights) in enumerate(
            zip(shells, flattened(shells, volumes), strict=True)
        ):
            means = np.full(len(heights), np.nan)
            seen = shell.is_seen & np.isfinite(heights).any(axis=1)
            means[seen] = np.nanmean(heights[seen], axis=1)
            means = smoothed(shell, means, width_nm=_WIDTH_NM)
            found = peaks(shell, means, spacing_nm=spacing_nm)
            owners.append(np.full(len(found), number, np.int64))
            columns.append(found)
            densities.append(means[found])
        return cls(
            shells=shells,
            owners=np.concatenate(owners),
            columns=np.concatenate(columns),
            densities=np.concatenate(densities),
        )

    def __len__(self) -> int:
        return len(self.owners)

    def chosen(self, kept: Bool[np.ndarray, " n"]) -> "Peaks":
        """Some of the peaks."""
        return type(self)(
            shells=self.shells,
            owners=self.owners[kept],
            columns=self.columns[kept],
            densities=self.densities[kept],
        )

    @property
    def directions(self) -> Float64[np.ndarray, "n 3"]:
        """Unit vectors (z, y, x) from the virion's centre to the peak's foot."""
        return self._of_shells([shell.directions for shell in self.shells])

    @property
    def normals(self) -> Float64[np.ndarray, "n 3"]:
        """Normals of the membrane at the peaks."""
        return self._of_shells([shell.normals for shell in self.shells])

    @property
    def middles_nm(self) -> Float64[np.ndarray, "n 3"]:
        """Middles of the columns, (z, y, x) in nm."""
        return self._of_shells([shell.middles_nm for shell in self.shells])

    @property
    def latitudes(self) -> Float64[np.ndarray, " n"]:
        """Square of the sine of the latitude: 0 at the equator, 1 where the beam enters."""
        return self.directions[:, 0] ** 2

    def scored(self) -> ScoredPeaks:
        """The same with their densities for scores."""
        return ScoredPeaks(scores=self.densities, latitudes=self.latitudes, owners=self.owners)

    def profiles(
        self, volumes: tuple[Float32[np.ndarray, "_ _ _ dim"], ...]
    ) -> Float64[np.ndarray, "n features"]:
        """What each peak looks like: maps over the virions, along its column and around it.

        Args:
            volumes: Maps over each virion's voxels, shape (z, y, x, dim).

        Returns:
            Means over two rings about the column, height by height, their latitude's medians
            subtracted; shape (n, rings × heights × dim).
        """
        parts: list[Float64[np.ndarray, "n heights"]] = []
        for channel in range(volumes[0].shape[-1]):
            maps = tuple(volume[..., channel] for volume in volumes)
            heights = flattened(self.shells, maps)
            parts.extend(self._ring(heights, *ring) for ring in _RINGS_NM)
        return np.concatenate(parts, axis=1)

    def _ring(
        self, heights: tuple[Float64[np.ndarray, "_ _"], ...], inner_nm: float, outer_nm: float
    ) -> Float64[np.ndarray, "n heights"]:
        """Means over the columns within a ring about each peak; 0, the median, where none is."""
        found = np.zeros((len(self), heights[0].shape[1]))
        for number, (shell, values) in enumerate(zip(self.shells, heights, strict=True)):
            mine = np.flatnonzero(self.owners == number)
            tree = cKDTree(shell.middles_nm)
            centres = shell.middles_nm[self.columns[mine]]
            for row, centre, near in zip(
                mine, centres, tree.query_ball_point(centres, outer_nm), strict=True
            ):
                around = np.array(near, np.int64)
                away = np.linalg.norm(shell.middles_nm[around] - centre, axis=1)
                ring = np.nan_to_num(values[around[away >= inner_nm]])
                if len(ring):
                    found[row] = ring.mean(axis=0)
        return found

    def _of_shells(self, per_shell: list[Float64[np.ndarray, "_ 3"]]) -> Float64[np.ndarray, "n 3"]:
        rows = [
            values[self.columns[self.owners == number]] for number, values in enumerate(per_shell)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, 3))


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Survey:
    """Peaks where spikes may be, and where none can be.

    Args:
        virions: The virions.
        candidates: Peaks of the shells of spikes.
        decoys: Peaks of the same shells farther out: noise, and what floats around.
    """

    virions: tuple[Virion, ...]
    candidates: Peaks
    decoys: Peaks

    @classmethod
    def of(cls, virions: tuple[Virion, ...], settings: SpikeSettings) -> "Survey":
        """The survey of virions."""
        shells = tuple(
            Shell.around(virion, settings.lowest_nm, settings.highest_nm) for virion in virions
        )
        outer = tuple(Shell.around(virion, *settings.decoy_nm) for virion in virions)
        return cls(
            virions=virions,
            candidates=Peaks.of(shells, spacing_nm=settings.spacing_nm),
            decoys=Peaks.of(outer, spacing_nm=settings.spacing_nm),
        )

    def room(self, settings: SpikeSettings) -> Room:
        """How much shell there is for peaks."""
        shells = self.candidates.shells
        areas = np.array([shell.seen_nm2 for shell in shells])
        return Room(
            seen=areas / np.array([float(shell.areas_nm2.sum()) for shell in shells]),
            areas_nm2=areas,
            decoy_nm2=sum(shell.seen_nm2 for shell in self.decoys.shells),
            footprint_nm2=float(np.pi * settings.spacing_nm**2),
        )
