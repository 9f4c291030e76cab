"""What a way to denoise is."""

import abc

import numpy as np
from jaxtyping import Float32


class Denoiser(abc.ABC):
    """A way to denoise, which reads a bounded neighbourhood of every voxel.

    So a tile, with enough voxels around it, gives what the whole tomogram gives.
    """

    @property
    @abc.abstractmethod
    def halo(self) -> int:
        """Voxels around a tile that it must be given too, or more; a multiple of `stride`."""

    @property
    @abc.abstractmethod
    def stride(self) -> int:
        """Number of voxels that tiles begin at multiples of."""

    @abc.abstractmethod
    def apply(self, voxels: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
        """Denoise.

        Args:
            voxels: Voxels in units of the tomogram's standard deviation, with mean 0, shape
                ``(z, y, x)``, each axis a multiple of `stride`.

        Returns:
            Shape ``(z, y, x)``.
        """
