"""HDF5: named arrays in one file (.h5, .hdf5), addressed as `file.h5::dataset`.

Conventions that are decided here:

- Three axes are (z, y, x). Four have to be named by HDF5's dimension labels, c, z, y and x in any
  order.
- The voxel size is an attribute of the dataset, (z, y, x): `element_size_um` (PlantSeg, ImageJ's
  HDF5 plugin), `element_size_nm`, or `resolution` or `voxel_size` in nm (CREMI, daisy), with
  `offset` in nm as the origin beside the last two.
- gyrovox adds `affine_zyx`, which holds any orientation, and `affine_zyx_unit`, "nm" or "voxel".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float64, Shaped

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.length_units import rounded_lengths
from gyrovox.io.location import Location
from gyrovox.io.spool import Spool
from gyrovox.io.storage import stored_slabs
from gyrovox.io.volume_format import Content, DatasetDescription, VolumeFormat, listed
from gyrovox.volumes import Region, Volume, axis_aligned

_SIZES_NM = {"element_size_um": 1e3, "element_size_nm": 1.0, "resolution": 1.0, "voxel_size": 1.0}
_WITH_OFFSET = ("resolution", "voxel_size")
_AFFINE, _AFFINE_UNIT = "affine_zyx", "affine_zyx_unit"
_GEOMETRY = (*_SIZES_NM, "offset", _AFFINE, _AFFINE_UNIT)
_CHUNK = (1, 16, 64, 64)
_DEFAULT_NAMES: dict[Content, str] = {"image": "raw", "labels": "labels"}


@dataclass(frozen=True, eq=False)
class Hdf5Header:
    """How a dataset lies, and what it says about where.

    Args:
        axes: Its axes in the order of the file: "zyx" or a permutation, with or without "c".
        attributes: Those of its attributes that concern geometry.
    """

    axes: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def voxel_size_nm(self) -> tuple[float, float, float] | None:
        """Length of a voxel along (z, y, x); None where nothing says it."""
        name = self._size_name
        if name is None:
            return None
        return rounded_lengths(np.asarray(self.attributes[name], np.float64) * _SIZES_NM[name])

    @property
    def affine(self) -> Float64[np.ndarray, "4 4"]:
        """Voxel index (z, y, x) to position (z, y, x), in nm; in voxels where unknown."""
        sizes = self.voxel_size_nm
        own = np.asarray(self.attributes.get(_AFFINE, np.zeros((4, 4))), np.float64)
        unit = self.attributes.get(_AFFINE_UNIT)
        # Another program may have changed the size and left our affine; then the size holds.
        lengths = np.linalg.norm(own[:3, :3], axis=0) if own.shape == (4, 4) else np.zeros(3)
        if sizes is None and unit == "voxel" and lengths.all():
            return own
        if sizes is not None and unit == "nm" and np.allclose(lengths, sizes, rtol=1e-3):
            return own
        offset = np.atleast_1d(np.asarray(self.attributes.get("offset", ()), np.float64))
        if self._size_name in _WITH_OFFSET and offset.shape == (3,):
            z, y, x = offset.tolist()
            return axis_aligned(sizes, (z, y, x))
        return axis_aligned(sizes)

    @property
    def _size_name(self) -> str | None:
        """The attribute that says the voxel size."""
        for name in _SIZES_NM:
            value = np.atleast_1d(np.asarray(self.attributes.get(name, ())))
            numbers = value.dtype.kind in "iuf" and value.shape == (3,)
            if numbers and np.isfinite(value).all() and (value > 0).all():
                return name
        return None


@final
class Hdf5Source:
    """A dataset, in a file that is open only while it is read."""

    def __init__(self, path: Path, name: str, axes: str, dataset: Any) -> None:  # noqa: ANN401
        self._path = path
        self._name = name
        self._axes = axes
        self._dtype: np.dtype[Any] = np.dtype(dataset.dtype).newbyteorder("=")
        sizes = dict(zip(axes, dataset.shape, strict=True))
        self._shape = sizes.get("c", 1), sizes["z"], sizes["y"], sizes["x"]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in the byte order of this machine."""
        return self._dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels.

        Raises:
            FileFormatError: If a chunk cannot be unpacked.
        """
        slices = dict(zip("zyx", region.slices, strict=True)) | {"c": slice(None)}
        try:
            with _opened(self._path) as file:
                stored = file[self._name][tuple(slices[axis] for axis in self._axes)]
        except OSError as error:
            raise FileFormatError(
                f"{self._path}::{self._name}: every chunk must unpack, and one does not ({error}). "
                f"Copy the file again from where it came"
            ) from error
        axes = self._axes
        if "c" not in axes:
            stored, axes = stored[np.newaxis], f"c{axes}"
        turned = stored.transpose([axes.index(axis) for axis in "czyx"])
        return np.ascontiguousarray(turned, dtype=self._dtype)


@final
class Hdf5(VolumeFormat):
    """HDF5 files with a dataset per volume."""

    name: ClassVar[str] = "HDF5"
    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5", ".hdf")
    label_suffixes: ClassVar[dict[str, str]] = {".hdf5": ".h5", ".hdf": ".h5"}
    holds_datasets: ClassVar[bool] = True

    def read(self, location: Location) -> Volume:
        """The volume of a dataset; of the only one with three axes or more, where none is named.

        Raises:
            FileFormatError: If the file is no HDF5 or is truncated, or the dataset is not clear.
            VolumeError: If it holds no 3-D volume of real numbers.
        """
        path = location.path
        with _opened(path) as file:
            name = location.dataset or _only_dataset(path, file)
            dataset = _dataset(path, file, name)
            axes = _axes(f"{path}::{name}", dataset)
            attributes = {
                key: _plain(dataset.attrs[key]) for key in _GEOMETRY if key in dataset.attrs
            }
            source = Hdf5Source(path, name, axes, dataset)
        header = Hdf5Header(axes, attributes)
        return Volume(
            source=source,
            voxel_size_nm=header.voxel_size_nm,
            affine=header.affine,
            name=f"{path.name}::{name}",
            path=path,
            header=header,
        )

    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write a dataset, `raw` or `labels` by default, into a file of its own."""
        import h5py

        known = volume.header if isinstance(volume.header, Hdf5Header) else None
        axes = known.axes if known else "zyx"
        axes = axes.replace("c", "") if volume.channels == 1 else f"c{axes.replace('c', '')}"
        sizes = dict(zip("czyx", volume.shape, strict=True))
        chunks = dict(zip("czyx", _CHUNK, strict=True))
        with Spool(location.path) as spool, h5py.File(spool, "w") as file:
            dataset = file.create_dataset(
                location.dataset or _DEFAULT_NAMES[content],
                shape=tuple(sizes[axis] for axis in axes),
                dtype=volume.dtype,
                chunks=tuple(min(chunks[axis], sizes[axis]) for axis in axes),
                compression="gzip",
                shuffle=True,
            )
            for number, axis in enumerate(axes):
                dataset.dims[number].label = axis
            dataset.attrs.update(_attributes(volume, known))
            _, slices, rows, _ = _CHUNK
            for region, voxels in stored_slabs(
                volume, volume.dtype, format_name=self.name, multiple=slices, rows=rows
            ):
                place = dict(zip("zyx", region.slices, strict=True)) | {"c": slice(None)}
                stored = voxels if "c" in axes else voxels[0]
                names = "czyx" if "c" in axes else "zyx"
                turned = stored.transpose([names.index(axis) for axis in axes])
                dataset[tuple(place[axis] for axis in axes)] = turned
                spool.check()

    def datasets(self, path: Path) -> tuple[DatasetDescription, ...]:
        """The datasets with three axes or more.

        Raises:
            FileFormatError: If the file is no HDF5, or is truncated.
        """
        with _opened(path) as file:
            return _datasets(file)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An HDF5 file.

    Raises:
        FileFormatError: If it is none, or is truncated.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(
            f"{path}: the file must be whole HDF5, and is not ({error}). Check that it is an HDF5 "
            f"file, and copy it again if it is"
        ) from error
    with file:
        yield file


def _datasets(file: Any) -> tuple[DatasetDescription, ...]:  # noqa: ANN401 - h5py loads late
    import h5py

    found: list[DatasetDescription] = []

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and len(item.shape or ()) >= 3:
            found.append(DatasetDescription(name, item.shape, str(item.dtype)))

    file.visititems(note)
    return tuple(found)


def _only_dataset(path: Path, file: Any) -> str:  # noqa: ANN401
    found = _datasets(file)
    if len(found) != 1:
        raise FileFormatError(
            f"{path}: one dataset must be named as {path.name}::NAME, as the file holds "
            f"{listed(found)}"
        )
    return found[0].name


def _dataset(path: Path, file: Any, name: str) -> Any:  # noqa: ANN401
    import h5py

    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise FileFormatError(
            f"{path}: the file must hold the dataset that is named, and has no '{name}', but "
            f"{listed(_datasets(file))}"
        )
    return dataset


def _axes(where: str, dataset: Any) -> str:  # noqa: ANN401
    """The axes of a dataset, in the order of the file.

    Raises:
        VolumeError: If they are no volume's, or its voxels no real numbers.
    """
    if dataset.dtype.kind not in "buif":
        raise VolumeError(
            f"{where}: voxels must be real numbers, and this dataset holds {dataset.dtype}. "
            f"Name another one"
        )
    labels = "".join(dimension.label for dimension in dataset.dims).lower()
    if sorted(labels) in (["x", "y", "z"], ["c", "x", "y", "z"]) and len(labels) == dataset.ndim:
        return labels
    if dataset.ndim != 3:
        raise VolumeError(
            f"{where}: a volume must have 3 axes (z, y, x), and this dataset has {dataset.ndim}: "
            f"{dataset.shape}. Channels need dimension labels c, z, y, x; or name another dataset"
        )
    return "zyx"


def _plain(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def _attributes(volume: Volume, known: Hdf5Header | None) -> dict[str, Any]:
    """Voxel size and affine, in the source's own words where they still hold."""
    sizes = volume.voxel_size_nm
    if known and known.voxel_size_nm == sizes and np.allclose(known.affine, volume.affine):
        return known.attributes
    attributes: dict[str, Any] = {
        _AFFINE: volume.affine,
        _AFFINE_UNIT: "voxel" if sizes is None else "nm",
    }
    if sizes is not None:
        attributes["element_size_um"] = np.array(sizes) / 1e3
    return attributes
