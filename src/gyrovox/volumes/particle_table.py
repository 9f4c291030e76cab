"""Particles of a tomogram: where they are, how they are turned, what they are."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

from gyrovox.errors import ParticleError

_ORTHONORMAL_WITHIN = 1e-5


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class ParticleTable:
    """Particles of one tomogram, a row each.

    A rotation turns the reference into the particle: what lies at ``r`` in the reference, counted
    from its centre, lies at ``position + rotation @ r`` in the tomogram. Both are (z, y, x), and
    the reference of a spike stands along +z, away from the membrane.

    Args:
        positions: Centres, (z, y, x) in voxels of the tomogram; 0 is the centre of its first voxel.
        shape: Voxels (z, y, x) of the tomogram.
        voxel_size_nm: Side of a voxel; tomograms have cubic ones.
        tomogram: Name of the tomogram, one word.
        rotations: Rotation matrices on (z, y, x) columns, shape (n, 3, 3).
        scores: How sure each one is, shape (n,), larger is surer.
        classes: What each one is.
        diameters_nm: Shape (n,).
        parents: Row, in the table of those, of the particle that it sits on, or -1; shape (n,).

    Raises:
        ParticleError: If columns differ in length, a number is not finite, a rotation is none, or
            the tomogram has no voxels or no voxel size.
    """

    positions: Float64[np.ndarray, "n 3"]
    shape: tuple[int, int, int]
    voxel_size_nm: float
    tomogram: str = "tomogram"
    rotations: Float64[np.ndarray, "n 3 3"] | None = None
    scores: Float64[np.ndarray, " n"] | None = None
    classes: tuple[str, ...] | None = None
    diameters_nm: Float64[np.ndarray, " n"] | None = None
    parents: Int64[np.ndarray, " n"] | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.voxel_size_nm) and self.voxel_size_nm > 0):
            raise ParticleError(
                f"the voxel size of particles must be above 0 nm, got {self.voxel_size_nm}."
            )
        if min(self.shape) < 1:
            raise ParticleError(f"the tomogram of particles must have voxels, got {self.shape}.")
        for name, column in self._columns().items():
            if len(column) != len(self):
                raise ParticleError(
                    f"{name} must have a row for each of {len(self)} particles, and has "
                    f"{len(column)}."
                )
            if isinstance(column, np.ndarray) and not np.isfinite(column).all():
                raise ParticleError(f"{name} must be finite, and some are not.")
        if self.rotations is not None and len(self):
            product = self.rotations @ self.rotations.swapaxes(1, 2)
            turned = np.linalg.det(self.rotations) > 0
            if not np.allclose(product, np.eye(3), atol=_ORTHONORMAL_WITHIN) or not turned.all():
                raise ParticleError("rotations must be proper rotation matrices, and some are not.")

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def positions_nm(self) -> Float64[np.ndarray, "n 3"]:
        """Centres, (z, y, x) in nm from the centre of the first voxel."""
        return self.positions * self.voxel_size_nm

    def chosen(self, rows: Int64[np.ndarray, " m"]) -> "ParticleTable":
        """The particles of some rows, in their order."""
        return ParticleTable(
            positions=self.positions[rows],
            shape=self.shape,
            voxel_size_nm=self.voxel_size_nm,
            tomogram=self.tomogram,
            rotations=None if self.rotations is None else self.rotations[rows],
            scores=None if self.scores is None else self.scores[rows],
            classes=None if self.classes is None else tuple(self.classes[row] for row in rows),
            diameters_nm=None if self.diameters_nm is None else self.diameters_nm[rows],
            parents=None if self.parents is None else self.parents[rows],
        )

    def _columns(self) -> "dict[str, np.ndarray | tuple[str, ...]]":
        every = {
            "positions": self.positions,
            "rotations": self.rotations,
            "scores": self.scores,
            "classes": self.classes,
            "diameters_nm": self.diameters_nm,
            "parents": self.parents,
        }
        return {name: column for name, column in every.items() if column is not None}
