"""Surfaces that are nearly spheres: of virions and vesicles."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class RoundSurface:
    """The surface r(n) = R (1 + nᵀ A n) around a centre.

    Args:
        centre_nm: Its centre (z, y, x).
        radius_nm: Its mean radius R.
        form: A, symmetric and without trace, shape (3, 3).
    """

    centre_nm: Float64[np.ndarray, " 3"]
    radius_nm: float
    form: Float64[np.ndarray, "3 3"]

    @classmethod
    def drawn(
        cls,
        generator: np.random.Generator,
        centre_nm: Float64[np.ndarray, " 3"],
        radius_nm: float,
        asphericity: float,
    ) -> "RoundSurface":
        """A surface of random form.

        Args:
            generator: Where the form is drawn from.
            centre_nm: Its centre (z, y, x).
            radius_nm: Its mean radius.
            asphericity: Standard deviation of the radius over directions, relative to it.

        Returns:
            The surface.
        """
        square = generator.standard_normal((3, 3))
        form = (square + square.T) / 2
        form -= np.eye(3) * np.trace(form) / 3
        # The variance of nᵀ A n over directions is 2 tr(A²) / 15 where A has no trace.
        form *= asphericity / np.sqrt(2 * (form**2).sum() / 15)
        return cls(centre_nm=centre_nm, radius_nm=radius_nm, form=form)

    @property
    def reach_nm(self) -> float:
        """The largest radius."""
        return self.radius_nm * (1 + float(np.linalg.eigvalsh(self.form)[-1]))

    def radius_along(self, direction: Float64[np.ndarray, " 3"]) -> float:
        """The radius along a unit vector (z, y, x)."""
        return self.radius_nm * (1 + float(direction @ self.form @ direction))

    def normal_along(self, direction: Float64[np.ndarray, " 3"]) -> Float64[np.ndarray, " 3"]:
        """The outward normal where a unit vector (z, y, x) from the centre meets the surface."""
        bend = self.form @ direction
        sideways = bend - (direction @ bend) * direction
        gradient = direction - 2 * self.radius_nm / self.radius_along(direction) * sideways
        return np.asarray(gradient / np.linalg.norm(gradient))

    def depth(self, offsets: tuple[NDArray[np.floating], ...]) -> NDArray[np.floating]:
        """How far points lie below the surface, along their radius.

        Args:
            offsets: Open grids of z, y and x from the centre, in nm.

        Returns:
            Depths in nm, in the shape that the grids broadcast to; negative outside.
        """
        z, y, x = offsets
        form = self.form.astype(np.float32)
        squared = np.maximum(z * z + y * y + x * x, np.float32(1e-6))
        curved = (
            form[0, 0] * z * z
            + form[1, 1] * y * y
            + form[2, 2] * x * x
            + 2 * (form[0, 1] * z * y + form[0, 2] * z * x + form[1, 2] * y * x)
        )
        surface = np.float32(self.radius_nm) * (1 + curved / squared)
        return np.asarray(surface - np.sqrt(squared))
