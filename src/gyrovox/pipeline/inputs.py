"""The files that workers read: named, not opened, so that they may be on another machine."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float32

from gyrovox import devices, io
from gyrovox.inference import embed_region
from gyrovox.io.location import locations
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.volumes import Normalisation, Region, Volume


@final
@dataclass(frozen=True)
class ModelFile:
    """A model file, loaded once by each process.

    Args:
        path: The file.
        device: Where it computes.
        run: Tells apart runs within one process, between which the file may have changed.
    """

    path: Path
    device: str
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def segmenter(self) -> HierarchicalSegmenter:
        """The segmenter of it, on its device."""
        return _loaded(self)

    def codes(
        self, volume: Volume, normalisation: Normalisation, region: Region
    ) -> Float32[np.ndarray, "z y x dim"]:
        """The codes of a region's voxels.

        Args:
            volume: Whose; more than the region is read of it.
            normalisation: How its voxels become numbers that a network can read.
            region: Which voxels.

        Returns:
            Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        """
        segmenter = self.segmenter()
        return embed_region(
            segmenter.vae_.encoder,
            volume,
            normalisation,
            region,
            side_patchwise=segmenter.configuration_.training.embed_side,
        )


@final
@dataclass(frozen=True)
class VolumeFile:
    """A volume, opened once by each process.

    Args:
        paths: Its absolute paths: one, or its channels; none where there is no volume.
        run: Tells apart runs within one process, between which the file may have changed.
    """

    paths: tuple[str, ...]
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, argument: str | Sequence[str] | None) -> "VolumeFile":
        """The volume that a user named, if any."""
        found = () if argument is None else locations(argument)
        return cls(tuple(str(location.absolute()) for location in found))

    @property
    def is_named(self) -> bool:
        """Whether there is one."""
        return bool(self.paths)

    def volume(self) -> Volume:
        """The volume."""
        return _opened(self)


def stamps(argument: str | Sequence[str] | None) -> list[list[object]]:
    """What tells whether the files of a volume are still those that a run began with.

    Args:
        argument: What the user named; None for nothing.

    Returns:
        Size and time of every file.
    """
    return [] if argument is None else [_stamp(location.path) for location in locations(argument)]


@lru_cache(maxsize=1)
def _loaded(model: ModelFile) -> HierarchicalSegmenter:
    segmenter = HierarchicalSegmenter.load(model.path, device=model.device, quiet=True)
    segmenter.vae_.to(devices.device(model.device))
    return segmenter


@lru_cache(maxsize=2)  # the volume and its mask
def _opened(file: VolumeFile) -> Volume:
    # Kept open: some formats look through the whole file before they can read any part of it.
    return io.read(file.paths)


def _stamp(path: Path) -> list[object]:
    marker = path / "zarr.json" if (path / "zarr.json").exists() else path
    status = marker.stat()
    return [status.st_size, status.st_mtime_ns]
