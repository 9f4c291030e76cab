"""OME-Zarr: chunked arrays in a folder (.ome.zarr, .zarr); 0.4 and 0.5 are read, 0.5 is written.

Conventions that are decided here:

- The finest level of the first multiscale image is the volume. `image.zarr::labels/nuclei` names a
  group or an array within. An array outside any image is a volume of unknown voxel size.
- A label volume is an image of its own with `image-label` beside its `multiscales`.
- OME-Zarr 0.5 holds scale and translation. gyrovox adds the whole affine as an attribute of its own
  (`gyrovox`), which it reads back as long as it agrees with the scale.

Source:
    https://ngff.openmicroscopy.org/0.5/ and https://ngff.openmicroscopy.org/0.4/
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float64, Shaped

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.length_units import nm_per, rounded_lengths, telling_unit
from gyrovox.io.location import Location
from gyrovox.io.steps import in_units
from gyrovox.io.storage import stored_slabs
from gyrovox.io.volume_format import Content, DatasetDescription, VolumeFormat, listed
from gyrovox.volumes import Region, Volume, axis_aligned

_VERSION = "0.5"
_UNIT_NAMES = {"nm": "nanometer", "um": "micrometer", "mm": "millimeter"}
CHUNK = (1, 16, 128, 128)
"""Voxels of a chunk along (channels, z, y, x)."""

OWN = "gyrovox"
"""Name of the attribute that holds what OME-Zarr has no place for."""


@dataclass(frozen=True)
class _Axis:
    """One axis of an array: c, z, y, x, or one that is left out because it has one entry."""

    name: str
    size: int
    unit: str | None
    scale: float = 1.0
    translation: float = 0.0


@final
class ZarrSource:
    """An array of a zarr group, read chunk by chunk."""

    def __init__(self, where: str, array: Any, axes: tuple[_Axis, ...]) -> None:  # noqa: ANN401
        self._where = where
        self._array = array
        self._names = [axis.name for axis in axes]
        sizes = {axis.name: axis.size for axis in axes}
        self._shape = sizes.get("c", 1), sizes["z"], sizes["y"], sizes["x"]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in the byte order of this machine."""
        stored: np.dtype[Any] = np.dtype(self._array.dtype)
        return stored.newbyteorder("=")

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels.

        Raises:
            FileFormatError: If a chunk cannot be unpacked.
        """
        slices = dict(zip("zyx", region.slices, strict=True)) | {"c": slice(None)}
        wanted = tuple(slices.get(name, 0) for name in self._names)
        try:
            stored = np.asarray(self._array[wanted])
        except Exception as error:  # each codec has errors of its own
            raise FileFormatError(
                f"{self._where}: every chunk must unpack, and one does not ({error}). "
                f"Copy the folder again from where it came"
            ) from error
        names = [name for name in self._names if name in slices]
        if "c" not in names:
            stored, names = stored[np.newaxis], ["c", *names]
        turned = stored.transpose([names.index(name) for name in "czyx"])
        return np.ascontiguousarray(turned, dtype=self.dtype)


@final
class OmeZarr(VolumeFormat):
    """OME-Zarr images and labels, and bare zarr arrays."""

    name: ClassVar[str] = "OME-Zarr"
    suffixes: ClassVar[tuple[str, ...]] = (".ome.zarr", ".zarr")
    label_suffixes: ClassVar[dict[str, str]] = {".zarr": ".ome.zarr"}
    folders: ClassVar[bool] = True
    holds_datasets: ClassVar[bool] = True

    def read(self, location: Location) -> Volume:
        """The volume of an image, of a label image, or of an array.

        Raises:
            FileFormatError: If the folder is no zarr, or its metadata no OME-Zarr's.
            VolumeError: If it holds no 3-D volume of real numbers.
        """
        import zarr

        where = str(location)
        node = _opened(location)
        if isinstance(node, zarr.Array):
            array, attributes = node, {}
            axes = _bare_axes(where, node)
        else:
            attributes = dict(node.attrs)
            image = _image(where, node, attributes)
            array = _finest_level(where, node, image)
            axes = _image_axes(where, array, image)
        if array.dtype.kind not in "buif":
            raise VolumeError(
                f"{where}: voxels must be real numbers, and this array holds {array.dtype}. "
                f"Convert it first"
            )
        _check_axes(where, axes)
        own = attributes.get(OWN)
        voxel_size_nm, affine = _geometry(axes, own)
        return Volume(
            source=in_units(where, ZarrSource(where, array, axes), own),
            voxel_size_nm=voxel_size_nm,
            affine=affine,
            name=location.path.name,
            path=location.path,
        )

    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write an image, or a label image, of one level, as OME-Zarr 0.5."""
        import zarr

        from gyrovox.io.zarr_store import StoppableStore

        sizes = dict(zip("czyx", volume.shape, strict=True))
        axes = "czyx" if volume.channels > 1 else "zyx"
        chunk = dict(zip("czyx", CHUNK, strict=True))
        with StoppableStore(location.path) as store:
            root = zarr.create_group(store, zarr_format=3)
            group = root if location.dataset is None else root.create_group(location.dataset)
            array = group.create_array(
                "0",
                shape=tuple(sizes[axis] for axis in axes),
                dtype=volume.dtype,
                chunks=tuple(min(chunk[axis], sizes[axis]) for axis in axes),
                dimension_names=tuple(axes),
            )
            group.attrs.update(image_attributes(volume, axes, content))
            _, slices, rows, _ = CHUNK
            for region, voxels in stored_slabs(
                volume, volume.dtype, format_name=self.name, multiple=slices, rows=rows
            ):
                target = region.slices if len(axes) == 3 else (slice(None), *region.slices)
                array[target] = voxels[0] if len(axes) == 3 else voxels

    def datasets(self, path: Path) -> tuple[DatasetDescription, ...]:
        """The arrays with three axes or more, where the root is no image.

        Raises:
            FileFormatError: If the folder is no zarr.
        """
        import zarr

        node = _opened(Location(path))
        if isinstance(node, zarr.Array) or _multiscales(dict(node.attrs)):
            return ()
        return _arrays(node)


def _opened(location: Location) -> Any:  # noqa: ANN401 - zarr loads late
    import zarr

    try:
        return zarr.open(str(location.path), mode="r", path=location.dataset)
    except Exception as error:  # zarr's own, JSON's and the system's
        raise FileFormatError(
            f"{location}: the folder must be a zarr group or array, and is none ({error}). "
            f"Check the path, and copy the folder again if it is right"
        ) from error


def _multiscales(attributes: dict[str, Any]) -> list[Any]:
    """The images that the attributes of a group describe, in 0.5 or, without `ome`, in 0.4."""
    ome = attributes.get("ome", attributes)
    images = ome.get("multiscales", []) if isinstance(ome, dict) else []
    return images if isinstance(images, list) else []


def _arrays(group: Any) -> tuple[DatasetDescription, ...]:  # noqa: ANN401
    import zarr

    return tuple(
        DatasetDescription(name, node.shape, str(node.dtype))
        for name, node in sorted(group.members(max_depth=None))
        if isinstance(node, zarr.Array) and node.ndim >= 3
    )


def _image(where: str, group: Any, attributes: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    images = _multiscales(attributes)
    if images and isinstance(images[0], dict):
        return images[0]
    raise FileFormatError(
        f"{where}: the group must be an OME-Zarr image (0.4 or 0.5), and has no multiscales. "
        f"Name an array in it as {where.partition('::')[0]}::NAME: {listed(_arrays(group))}"
    )


def _finest_level(where: str, group: Any, image: dict[str, Any]) -> Any:  # noqa: ANN401
    import zarr

    try:
        array = group[image["datasets"][0]["path"]]
    except (KeyError, IndexError, TypeError) as error:
        raise FileFormatError(
            f"{where}: the metadata must name an array that is there, and does not ({error!r}). "
            f"Copy the folder again from where it came"
        ) from error
    if not isinstance(array, zarr.Array):
        raise FileFormatError(
            f"{where}: the metadata must name an array, and names a group. "
            f"Copy the folder again from where it came"
        )
    return array


def _image_axes(where: str, array: Any, image: dict[str, Any]) -> tuple[_Axis, ...]:  # noqa: ANN401
    """The axes of an image's array, with scale and translation.

    Raises:
        FileFormatError: If the metadata does not describe them as 0.4 and 0.5 do.
    """
    described = image.get("axes", [])
    if len(described) != array.ndim or not all(isinstance(axis, dict) for axis in described):
        raise FileFormatError(
            f"{where}: the metadata must describe each of the {array.ndim} axes (OME-Zarr 0.4 or "
            f"0.5), and describes {len(described)}. Convert the image to a newer version"
        )
    scale, translation = np.ones(array.ndim), np.zeros(array.ndim)
    steps = [
        *image["datasets"][0].get("coordinateTransformations", []),
        *image.get("coordinateTransformations", []),
    ]
    for step in steps:
        kind = step.get("type")
        values = np.asarray(step.get(kind, ()), np.float64)
        if kind == "identity":
            continue
        if kind not in {"scale", "translation"} or values.shape != scale.shape:
            raise FileFormatError(
                f"{where}: transformations must be a scale or a translation of {array.ndim} "
                f"numbers (OME-Zarr 0.4 or 0.5), and {step} came. Convert the image"
            )
        if kind == "scale":
            scale, translation = scale * values, translation * values
        else:
            translation = translation + values
    return tuple(
        _Axis(str(axis.get("name")).lower(), size, axis.get("unit"), float(a), float(b))
        for axis, size, a, b in zip(described, array.shape, scale, translation, strict=True)
    )


def _bare_axes(where: str, array: Any) -> tuple[_Axis, ...]:  # noqa: ANN401
    """The axes of an array outside any image: as it names them, else (z, y, x).

    Raises:
        VolumeError: If it names none, and has not three.
    """
    names = array.metadata.dimension_names if array.metadata.zarr_format == 3 else None
    if names is None or None in names:
        if array.ndim != 3:
            raise VolumeError(
                f"{where}: a volume must have 3 axes (z, y, x), and this array has {array.ndim}: "
                f"{array.shape}. Channels need dimension names c, z, y, x"
            )
        names = tuple("zyx")
    return tuple(
        _Axis(name.lower(), size, None) for name, size in zip(names, array.shape, strict=True)
    )


def _check_axes(where: str, axes: tuple[_Axis, ...]) -> None:
    names = [axis.name for axis in axes]
    others = [axis for axis in axes if axis.name not in set("czyx")]
    if not set("zyx") <= set(names) or any(axis.size > 1 for axis in others):
        kind = "a 2-D image" if not set("zyx") <= set(names) else "a time series, or more than 3-D"
        raise VolumeError(
            f"{where}: a volume must have the axes z, y and x, and this is {kind}: axes {names} of "
            f"{tuple(axis.size for axis in axes)}. Extract one volume"
        )


def _geometry(
    axes: tuple[_Axis, ...], own: object
) -> tuple[tuple[float, float, float] | None, Float64[np.ndarray, "4 4"]]:
    """Voxel size (z, y, x) in nm, None where a unit is missing, and the affine."""
    by_name = {axis.name: axis for axis in axes}
    space = [by_name[name] for name in "zyx"]
    units = [nm_per(axis.unit) for axis in space]
    known = [nm for nm in units if nm is not None]
    places = [axis.translation * nm for axis, nm in zip(space, [*known, 1, 1, 1], strict=False)]
    if len(known) == 3:
        sizes = rounded_lengths(axis.scale * nm for axis, nm in zip(space, known, strict=True))
        z, y, x = places
        affine = axis_aligned(sizes, (z, y, x))
    else:
        sizes = None
        z, y, x = (axis.translation / axis.scale for axis in space)
        affine = axis_aligned(None, (z, y, x))
    return sizes, _own_affine(own, affine, "nm" if sizes else "voxel")


def _own_affine(
    own: object, affine: Float64[np.ndarray, "4 4"], unit: str
) -> Float64[np.ndarray, "4 4"]:
    """Our own attribute, as long as no other program changed scale or translation."""
    if not isinstance(own, dict) or own.get("unit") != unit:
        return affine
    whole = np.asarray(own.get("affine_zyx", ()), np.float64)
    if whole.shape != (4, 4):
        return affine
    same_size = np.allclose(np.linalg.norm(whole[:3, :3], axis=0), np.diag(affine)[:3], rtol=1e-3)
    return whole if same_size and np.allclose(whole[:3, 3], affine[:3, 3]) else affine


def image_attributes(volume: Volume, axes: str, content: Content) -> dict[str, Any]:
    """The attributes of an image's group.

    Args:
        volume: Whose name and geometry they describe.
        axes: Names of the axes of the array, of c, z, y, x.
        content: Whether the voxels are measured, or are classes.

    Returns:
        Attributes that JSON can hold.
    """
    sizes = volume.voxel_size_nm
    unit = None if sizes is None else telling_unit(sizes)
    nm = 1.0 if unit is None else nm_per(unit) or 1.0
    scale = dict(zip("zyx", sizes or (1.0, 1.0, 1.0), strict=True))
    origin = dict(zip("zyx", volume.origin_nm, strict=True))
    described = []
    for axis in axes:
        entry = {"name": axis, "type": "channel" if axis == "c" else "space"}
        if axis != "c" and unit is not None:
            entry["unit"] = _UNIT_NAMES[unit]
        described.append(entry)
    steps = [{"type": "scale", "scale": [scale.get(axis, nm) / nm for axis in axes]}]
    steps.append({"type": "translation", "translation": [origin.get(a, 0.0) / nm for a in axes]})
    image = {
        "name": volume.name,
        "axes": described,
        "datasets": [{"path": "0", "coordinateTransformations": steps}],
    }
    ome: dict[str, Any] = {"version": _VERSION, "multiscales": [image]}
    if content == "labels":
        ome["image-label"] = {"version": _VERSION}
    own = {"affine_zyx": volume.affine.tolist(), "unit": "voxel" if sizes is None else "nm"}
    return {"ome": ome, OWN: own}
