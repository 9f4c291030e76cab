"""What a worker has to know to work on any tile of a volume that is segmented."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float32

from gyrovox.clustering.stitching import grown, within
from gyrovox.clustering.tree_building import spacing_of
from gyrovox.errors import VolumeError
from gyrovox.patches import lattice
from gyrovox.patches.texture import HALO, TextureScale, cartoon_and_texture
from gyrovox.pipeline.inputs import ModelFile, VolumeFile
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Normalisation, Region, Volume, inside_of_mask


@final
@dataclass(frozen=True, kw_only=True)
class TileJob:
    """One volume, and how it is segmented: the same for every worker, and small.

    Files are named, not opened: a worker may be on another machine.

    Args:
        volume: The volume.
        mask: A volume that is not 0 where there is work; one that is not named for everywhere.
        model: The model.
        normalisation: How voxels become numbers that a network can read.
        settings: How codes become classes.
        side: Side of a tile, in voxels.
        folder: The run's folder, where tiles leave their files.
    """

    volume: VolumeFile
    mask: VolumeFile
    model: ModelFile
    normalisation: Normalisation
    settings: SegmentationSettings
    side: int
    folder: Path

    @property
    def source(self) -> Volume:
        """The volume, opened."""
        return self.volume.volume()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.source.spatial_shape

    @property
    def voxels(self) -> int:
        """How many there are."""
        return math.prod(self.shape)

    @cached_property
    def tiles(self) -> list[Region]:
        """The tiles of the volume, in order."""
        return lattice(self.shape, self.side)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Length of a voxel along (z, y, x), in those of the finest."""
        return spacing_of(self.source.voxel_size_nm)

    @property
    def curvature(self) -> float:
        """Sectional curvature κ ≤ 0 of the codes' space."""
        return self.model.segmenter().vae_.manifold.curvature

    def file(self, stage: str, tile: int) -> Path:
        """Where a tile leaves what a stage made of it."""
        return self.folder / stage / f"{tile}.npz"

    def normalised(self, region: Region) -> Float32[np.ndarray, "channels z y x"]:
        """The voxels of a region, shape ``(channels, z, y, x)``."""
        return self.normalisation.apply(self.source.read(region))

    def inside(self, region: Region) -> Bool[np.ndarray, "z y x"]:
        """Which voxels of a region there is work in, shape ``(z, y, x)``."""
        if not self.mask.is_named:
            return np.ones(region.shape, np.bool_)
        return inside_of_mask(self.mask.volume(), region)

    def check_some(self, inside: int) -> None:
        """Refuse a mask without an inside.

        Args:
            inside: How many voxels there is work in.

        Raises:
            VolumeError: If there are none.
        """
        if not inside:
            raise VolumeError(
                f"{self.source.name}: its mask must hold some voxels that are not 0, and holds "
                f"none. Check that this is the file that you mean."
            )

    def codes(self, region: Region) -> Float32[np.ndarray, "z y x dim"]:
        """The codes of a region's voxels, shape ``(z, y, x, dim)``."""
        return self.model.codes(self.source, self.normalisation, region)

    def seen(
        self, region: Region, scale: TextureScale
    ) -> tuple[Float32[np.ndarray, "z y x features"], Float32[np.ndarray, "z y x channels"]]:
        """What the voxels of a region are told apart by.

        Args:
            region: Which voxels; those around it are read too.
            scale: The scale of the volume's texture.

        Returns:
            Features ``(z, y, x, features)`` and intensities ``(z, y, x, channels)``.
        """
        around = grown(region, HALO, self.shape)
        read, part = self.normalised(around), within(region, around)
        texture = self.settings.evidence == "texture"
        features = cartoon_and_texture(
            read, spacing=self.spacing, texture=texture, scale=scale, within=part
        )
        if self.settings.evidence == "codes":
            features = np.concatenate([features, self.codes(region)], axis=-1)
        return features, np.ascontiguousarray(np.moveaxis(read[:, *part], 0, -1))
