"""Denoising that learns nothing: Gaussian, non-local means, total variation."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.patches.total_variation import REACH, less_variation
from gyrovox.tomography.denoising.method import Denoiser

_TRUNCATE = 4.0  # standard deviations after which a Gaussian is cut off


@final
@dataclass(frozen=True, kw_only=True)
class Gaussian(Denoiser):
    """Every voxel becomes a weighted mean of those around it.

    Args:
        sigma: Standard deviation of the weights, in voxels.

    Raises:
        SettingsError: If it is negative.
    """

    sigma: float = 1.0

    def __post_init__(self) -> None:
        _check_not_negative("sigma", self.sigma)

    @property
    def halo(self) -> int:
        return int(_TRUNCATE * self.sigma + 0.5)

    @property
    def stride(self) -> int:
        return 1

    def apply(self, voxels: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
        smooth: Float32[np.ndarray, "z y x"] = ndimage.gaussian_filter(
            voxels, self.sigma, truncate=_TRUNCATE
        )
        return smooth


@final
@dataclass(frozen=True, kw_only=True)
class NonLocalMeans(Denoiser):
    """Every voxel becomes a mean of those nearby whose surroundings look alike.

    Args:
        strength: How different surroundings may look, in standard deviations of the tomogram.
        patch_size: Side of the surroundings that are compared, in voxels; odd.
        distance: How far away voxels are looked for, along each axis, in voxels.

    Raises:
        SettingsError: If the strength is not positive, a size is below 1, or the patch is even.

    Source:
        Buades, Coll & Morel (2005), eq. 1; Darbon et al. (2008) for the fast form that
        scikit-image has. https://doi.org/10.1109/CVPR.2005.38
    """

    strength: float = 0.4
    patch_size: int = 3
    distance: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.strength < np.inf:
            raise SettingsError(f"strength must be above 0, got {self.strength:g}.")
        if self.patch_size < 1 or self.patch_size % 2 == 0:
            raise SettingsError(f"patch_size must be odd and positive, got {self.patch_size}.")
        if self.distance < 1:
            raise SettingsError(f"distance must be at least 1, got {self.distance}.")

    @property
    def halo(self) -> int:
        return self.distance + self.patch_size // 2 + 1

    @property
    def stride(self) -> int:
        return 1

    def apply(self, voxels: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
        # Imported here: what restoration pulls in takes longer than the other ways need to load.
        from skimage.restoration import denoise_nl_means

        found: Float32[np.ndarray, "z y x"] = denoise_nl_means(
            voxels,
            patch_size=self.patch_size,
            patch_distance=self.distance,
            h=self.strength,
            fast_mode=True,
            preserve_range=True,
        ).astype(np.float32)
        return found


@final
@dataclass(frozen=True, kw_only=True)
class TotalVariation(Denoiser):
    """The tomogram becomes the nearest one that is flat but for edges.

    Args:
        weight: What an edge costs, in standard deviations of the tomogram.

    Raises:
        SettingsError: If it is negative.
    """

    weight: float = 0.3

    def __post_init__(self) -> None:
        _check_not_negative("weight", self.weight)

    @property
    def halo(self) -> int:
        return REACH

    @property
    def stride(self) -> int:
        return 1

    def apply(self, voxels: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
        return less_variation(voxels, self.weight)


def _check_not_negative(name: str, value: float) -> None:
    """Refuse what is below 0, or infinite.

    Raises:
        SettingsError: If it is.
    """
    if not 0 <= value < np.inf:
        raise SettingsError(f"{name} must be 0 or positive, got {value:g}.")
