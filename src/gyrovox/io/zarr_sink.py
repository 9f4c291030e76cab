"""An OME-Zarr image that is written tile by tile, by several processes at once.

Every 128 x 128 x 128 voxels, with all their channels, are a file of their own: a shard, in which
the chunks that readers unpack lie side by side. Tiles whose faces lie at multiples of 128 voxels
never share a shard, so that none is written twice.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.execution import Contents
from gyrovox.execution.piece_file import flush_folder, room_for
from gyrovox.io.ome_zarr import CHUNK, OWN, image_attributes
from gyrovox.io.volume_format import Content
from gyrovox.volumes import Region, Volume

SHARD = 128
"""Side of a shard, in voxels."""

_ARRAY = "0"


@final
@dataclass(frozen=True)
class ZarrSink:
    """A sink over an image that `create_sink` made; it may travel between processes.

    Args:
        path: The image's folder.
        shape: (channels, z, y, x).
        stored: Name of the type of the voxels.
    """

    path: Path
    shape: tuple[int, int, int, int]
    stored: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels that are stored."""
        return np.dtype(self.stored)

    def write(self, region: Region, array: Shaped[np.ndarray, "channels z y x"]) -> None:
        """Store the voxels of whole shards, and wait until they are on the disk.

        Whatever lies there is replaced, unread: it may be what a killed process left.

        Raises:
            ValueError: If the region covers part of a shard.
            OutputSpaceError: If there is no room for it.
        """
        self._check(region)
        import zarr

        files = self.files(region)
        with room_for(self.path):
            for file in files:
                file.unlink(missing_ok=True)
            # Shards of nothing but the fill value are written too: else nobody could tell them
            # from shards that are missing.
            with zarr.config.set({"array.write_empty_chunks": True}):
                target = zarr.open_array(self.path / _ARRAY, mode="r+")
            if self.shape[0] > 1:
                target[:, *region.slices] = array
            else:
                target[region.slices] = array[0]
            for file in files:
                _flush(file)
            for folder in {file.parent for file in files}:
                flush_folder(folder)

    def files(self, region: Region) -> tuple[Path, ...]:
        """The files that hold the voxels of a region, in order; written or not."""
        spans = [
            range(first // SHARD, -(-last // SHARD))
            for first, last in zip(region.start, region.stop, strict=True)
        ]
        channel = ("0",) if self.shape[0] > 1 else ()
        return tuple(
            self.path.joinpath(_ARRAY, "c", *channel, *map(str, place)) for place in product(*spans)
        )

    def contents(self, region: Region) -> tuple[tuple[Path, Contents], ...]:
        """The files of a region that was written, and what tells whether they stay so."""
        return tuple((file, Contents.of(file)) for file in self.files(region))

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Add to the image's own attributes; by one process.

        Args:
            facts: Names and plain values.
        """
        import zarr

        group = zarr.open_group(self.path, mode="r+")
        own: Any = group.attrs[OWN]
        group.attrs[OWN] = {**own, **facts}

    def _check(self, region: Region) -> None:
        """Refuse a region that shares a shard with another one.

        Raises:
            ValueError: If it does.
        """
        inside = region.lies_in(self.shape[1:])
        begins = all(first % SHARD == 0 for first in region.start)
        ends = all(
            last % SHARD == 0 or last == size
            for last, size in zip(region.stop, self.shape[1:], strict=True)
        )
        if not (inside and begins and ends):
            raise ValueError(
                f"a region that is written must lie in the {self.shape[1:]} voxels (z, y, x) and "
                f"have its inner faces at multiples of {SHARD}, and {region.start} to "
                f"{region.stop} came. Take the tiles of `lattice`."
            )


def create_sink(
    path: Path,
    *,
    like: Volume,
    channels: int,
    dtype: np.dtype[Any],
    name: str,
    content: Content = "image",
) -> ZarrSink:
    """Make an image that has no voxels yet; one that is there is left as it is.

    Args:
        path: The folder to be, in a folder that exists.
        like: The volume that it is to lie over.
        channels: Number of channels.
        dtype: Type of the voxels.
        name: What to call it.
        content: Whether the voxels are measured, or are classes.

    Returns:
        The sink.

    Raises:
        OutputSpaceError: If there is no room for it.
        FileAccessError: If this user may not write there.
    """
    import zarr

    shape = (channels, *like.spatial_shape)
    sink = ZarrSink(path, shape, dtype.name)
    axes = "czyx" if channels > 1 else "zyx"
    described = Volume(
        source=_Nothing(shape, dtype),
        voxel_size_nm=like.voxel_size_nm,
        affine=like.affine,
        name=name,
    )
    with room_for(path):
        if (path / _ARRAY / "zarr.json").exists():
            return sink
        group = zarr.create_group(path, zarr_format=3, overwrite=True)
        group.attrs.update(image_attributes(described, axes, content))
        # Last: by its presence the image is known to be complete but for its voxels.
        group.create_array(
            _ARRAY,
            shape=shape[-len(axes) :],
            dtype=dtype,
            chunks=CHUNK[-len(axes) :],
            shards=(channels, SHARD, SHARD, SHARD)[-len(axes) :],
            dimension_names=tuple(axes),
        )
    return sink


@final
@dataclass(frozen=True)
class _Nothing:
    """The shape and type of voxels that are not there yet."""

    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """Zeros."""
        return np.zeros((self.shape[0], *region.shape), self.dtype)


def _flush(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
