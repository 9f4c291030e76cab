"""Where the codes of a result's voxels come from: from the model again, or from what was kept."""

import abc
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float32

from gyrovox import io
from gyrovox.errors import PictureError
from gyrovox.inference import embed_region
from gyrovox.volumes import NanPolicy, Normalisation, Region, Volume, normalisation_of

if TYPE_CHECKING:
    from gyrovox.results import ResultFolder
    from gyrovox.segmenter import HierarchicalSegmenter

LATENTS = "latents.ome.zarr"
_POLICIES: tuple[NanPolicy, ...] = ("error", "zero", "mean")


class CodeSource(abc.ABC):
    """The codes of a volume's voxels, region by region."""

    @property
    @abc.abstractmethod
    def dim(self) -> int:
        """Coordinates of a code."""

    @property
    @abc.abstractmethod
    def has_scales(self) -> bool:
        """Whether it knows how sure each code is."""

    @abc.abstractmethod
    def read(self, region: Region) -> Float32[np.ndarray, "z y x numbers"]:
        """Codes of a region's voxels, each followed by the scale of its posterior, if known.

        Args:
            region: Which voxels.

        Returns:
            Shape ``(*region.shape, dim)``, or ``(*region.shape, dim + 1)`` with scales.
        """


@final
class EncodedVoxels(CodeSource):
    """Codes that a model makes of the image when they are asked for.

    Args:
        segmenter: The model, on the device that it computes on.
        image: The volume that was segmented.
        normalisation: How its voxels become numbers that a network can read.
    """

    def __init__(
        self, segmenter: "HierarchicalSegmenter", image: Volume, normalisation: Normalisation
    ) -> None:
        self._segmenter = segmenter
        self._image = image
        self._normalisation = normalisation

    @property
    def dim(self) -> int:
        """Coordinates of a code."""
        return self._segmenter.configuration_.model.latent_dim

    @property
    def has_scales(self) -> bool:
        """True."""
        return True

    def read(self, region: Region) -> Float32[np.ndarray, "z y x numbers"]:
        return embed_region(
            self._segmenter.vae_.encoder,
            self._image,
            self._normalisation,
            region,
            side_patchwise=self._segmenter.configuration_.training.embed_side,
            with_scales=True,
        )


@final
class StoredCodes(CodeSource):
    """Codes that `gyrovox segment --keep-latents` left.

    Args:
        volume: The OME-Zarr, a channel for each coordinate; whatever type it is stored as, it is
            read as codes.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    @property
    def dim(self) -> int:
        """Coordinates of a code."""
        return self._volume.channels

    @property
    def has_scales(self) -> bool:
        """False: only the codes were kept."""
        return False

    def read(self, region: Region) -> Float32[np.ndarray, "z y x numbers"]:
        coordinates = self._volume.read(region).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(coordinates, 0, -1))


def code_source(
    result: "ResultFolder", segmenter: "HierarchicalSegmenter | None" = None
) -> CodeSource:
    """The codes of a result: of the model if image and model are there, else those that were kept.

    Args:
        result: The result.
        segmenter: Its model, if it could be loaded.

    Returns:
        The source.

    Raises:
        PictureError: If neither can be had, or those that were kept are of another volume.
    """
    image = result.image()
    if segmenter is not None and image is not None:
        named = result.record.get("nan_policy")
        policy: NanPolicy = next((one for one in _POLICIES if one == named), "error")
        return EncodedVoxels(segmenter, image, normalisation_of(image, nan_policy=policy))
    kept = result.path / LATENTS
    if not kept.is_dir():
        missing = "the model" if segmenter is None else "the image"
        raise PictureError(
            f"the codes of the voxels must be there, or the image and the model to make them anew, "
            f"and {missing} is gone. Put it back, or segment with --keep-latents."
        )
    volume = io.read(kept)
    if volume.spatial_shape != result.shape:
        raise PictureError(
            f"{kept}: the codes must be of the volume of {result.shape} voxels (z, y, x), and are "
            f"of {volume.spatial_shape}. Segment again with --keep-latents."
        )
    return StoredCodes(volume)
