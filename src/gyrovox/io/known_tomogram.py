"""What a reader of particles is told about their tomogram, for files that do not say it."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from gyrovox.errors import ParticleError

# Headers keep voxel sizes in float32, and some in rounded text.
_SAME_WITHIN = 1e-3


@final
@dataclass(frozen=True, kw_only=True)
class KnownTomogram:
    """What is known before a file of particles is read.

    Args:
        voxel_size_nm: Side of a voxel; None where the file has to say it.
        shape: Voxels (z, y, x); None where the file has to say it.
        name: Which tomogram's particles are wanted; None for the only one.
    """

    voxel_size_nm: float | None = None
    shape: tuple[int, int, int] | None = None
    name: str | None = None

    def voxel_size(self, path: Path, stated: float | None) -> float:
        """The size of a voxel, where file and caller must agree.

        Args:
            path: The file, for messages.
            stated: What it says, in nm; None where it says nothing.

        Returns:
            The side of a voxel in nm.

        Raises:
            ParticleError: If nobody says it, or they disagree.
        """
        if stated is None or self.voxel_size_nm is None:
            size = stated if self.voxel_size_nm is None else self.voxel_size_nm
            if size is None:
                raise ParticleError(
                    f"{path}: the voxel size of the tomogram must be known, and the file does not "
                    f"say it. Pass voxel_size_nm."
                )
            return size
        if abs(stated - self.voxel_size_nm) > _SAME_WITHIN * stated:
            raise ParticleError(
                f"{path}: its particles are counted in voxels of {stated:g} nm, and "
                f"{self.voxel_size_nm:g} nm came. Pass the tomogram that they were picked in."
            )
        return stated

    def size(self, path: Path, stated: tuple[int, int, int] | None = None) -> tuple[int, int, int]:
        """The voxels (z, y, x) of the tomogram; the caller's word counts more.

        Args:
            path: The file, for messages.
            stated: What it says; None where it says nothing.

        Returns:
            Voxels (z, y, x).

        Raises:
            ParticleError: If nobody says it.
        """
        shape = stated if self.shape is None else self.shape
        if shape is None:
            raise ParticleError(
                f"{path}: the shape of the tomogram must be known, and the file does not say it. "
                f"Pass shape, the voxels (z, y, x)."
            )
        return shape

    def chosen(self, path: Path, names: list[str]) -> str | None:
        """The tomogram whose particles are meant.

        Args:
            path: The file, for messages.
            names: The tomogram of each particle.

        Returns:
            Its name; None where the file has no particles and nobody says one.

        Raises:
            ParticleError: If there are several, or none has the name that is wanted.
        """
        present = sorted(set(names))
        if self.name is None and len(present) > 1:
            raise ParticleError(
                f"{path}: particles must be of one tomogram, and these are of "
                f"{', '.join(present)}. Pass tomogram, one of them."
            )
        if self.name is not None and present and self.name not in present:
            raise ParticleError(
                f"{path}: no particle is of the tomogram {self.name!r}. It has those of "
                f"{', '.join(present)}."
            )
        return self.name or (present[0] if present else None)
