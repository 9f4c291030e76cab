"""Component analysis: the coordinates of codes of three dimensions as volumes, and as colours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Float32, Shaped

from gyrovox import io
from gyrovox.errors import PictureError
from gyrovox.report.pictures.code_source import CodeSource
from gyrovox.report.pictures.look import FAINT, GAP, MARGIN, TOP, Box, draw_scale_bar, page, show
from gyrovox.report.pictures.look import write as write_text
from gyrovox.report.planes import Plane, middle_planes
from gyrovox.volumes import Region, Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gyrovox.results import ResultFolder

_WIDTH, _NAMES = 8.4, 1.0  # inches
_TALLEST = 2.3
_ENDS = (0.5, 99.5)  # percentiles of a component that are black and white
_FORMAT = ".ome.zarr"  # which holds several channels, and floating-point numbers


def components(result: "ResultFolder", source: CodeSource) -> "Figure":
    """The three coordinates of the codes in middle slices, each alone and together as colours.

    Args:
        result: The result.
        source: Where codes come from; they must have three dimensions.

    Returns:
        A page with a row for each component and one where they are red, green and blue.

    Raises:
        PictureError: If codes have another number of dimensions.
    """
    check_three(source.dim)
    volume = result.image() or result.leaves()
    planes = middle_planes(volume)
    found = [_component_slices(source, plane, result.shape) for plane in planes]
    ends = stretch_of(np.concatenate([one.reshape(-1, 3) for one in found]))
    shown = [_stretched(one, ends) for one in found]
    room = _WIDTH - 2 * MARGIN - _NAMES - 2 * GAP
    scale = min(
        room / sum(plane.extent[1] for plane in planes),
        _TALLEST / max(plane.extent[0] for plane in planes),
    )
    row = max(plane.extent[0] for plane in planes) * scale
    figure = page(
        _WIDTH,
        TOP + 0.2 + 4 * (row + GAP) + MARGIN,
        result.name,
        "coordinates of the codes in middle slices; together as red, green and blue",
    )
    for index in range(4):
        top = TOP + 0.2 + index * (row + GAP)
        name = "together" if index == 3 else f"component {index + 1}"
        write_text(figure, MARGIN, top, name, size=9.5)
        if index < 3:
            low, high = ends[:, index].tolist()
            write_text(
                figure, MARGIN, top + 0.2, f"{low:.2g} to {high:.2g}", size=7.5, colour=FAINT
            )
        left = MARGIN + _NAMES
        for plane, picture in zip(planes, shown, strict=True):
            height, width = (side * scale for side in plane.extent)
            box = Box(left, top, width, max(height, 0.05))
            axes = show(figure, box, picture if index == 3 else picture[..., index])
            if index == 0:
                write_text(figure, left, top - 0.2, plane.name, colour=FAINT)
            if index == 3 and plane is planes[0]:
                known = volume.voxel_size_nm is not None
                draw_scale_bar(axes, box, plane.extent[1], known=known)
            left += width + GAP
    return figure


def write_components(
    result: "ResultFolder", source: CodeSource, folder: Path, *, overwrite: bool = False
) -> tuple[Path, Path]:
    """Write the components as volumes over the image, slab by slab.

    Args:
        result: The result.
        source: Where codes come from; they must have three dimensions.
        folder: Where to; it must exist.
        overwrite: Whether files that are there may be replaced.

    Returns:
        ``components.ome.zarr``, the coordinates as three channels of float32, and
        ``components-rgb.ome.zarr``, the same as uint8, stretched as `components` shows them.

    Raises:
        PictureError: If codes have another number of dimensions.
        OutputExistsError: If one is there and may not be replaced.
    """
    check_three(source.dim)
    over = result.image() or result.leaves()
    values, colours = folder / f"components{_FORMAT}", folder / f"components-rgb{_FORMAT}"
    io.write(_over(over, _Coordinates(source, over), "components"), values, overwrite=overwrite)
    stored = io.read(values)
    ends = stretch_of(_sample(stored))
    io.write(
        _over(over, _Stretched(stored, ends), "components as colours"), colours, overwrite=overwrite
    )
    return values, colours


def check_three(dim: int) -> None:
    """Refuse codes of other than three dimensions.

    Args:
        dim: How many they have.

    Raises:
        PictureError: If it is another number.
    """
    if dim != 3:
        raise PictureError(
            f"component analysis shows codes of 3 dimensions, and these have {dim}. Train "
            f"with --model.latent-dim 3."
        )


def stretch_of(values: Float[np.ndarray, "voxels 3"]) -> Float[np.ndarray, "2 3"]:
    """What is black and what is white in each component.

    Args:
        values: Coordinates of codes, shape ``(voxels, 3)``.

    Returns:
        The least and the greatest value that are told apart, shape ``(2, 3)``.
    """
    ends = np.percentile(values, _ENDS, axis=0)
    ends[1] = np.maximum(ends[1], ends[0] + np.finfo(np.float32).tiny)
    return np.asarray(ends)


def _stretched(
    values: Float[np.ndarray, "*voxels 3"], ends: Float[np.ndarray, "2 3"]
) -> Float[np.ndarray, "*voxels 3"]:
    return np.asarray(np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1))


def _component_slices(
    source: CodeSource, plane: Plane, shape: tuple[int, int, int]
) -> Float32[np.ndarray, "rows columns 3"]:
    """The codes of a slice, as it is shown."""
    codes = source.read(plane.region(shape))[..., :3].squeeze(axis=plane.axis)
    return np.stack([plane.shown(codes[..., axis]) for axis in range(3)], axis=-1)


def _sample(stored: Volume) -> Float[np.ndarray, "voxels 3"]:
    """Voxels of every so many slices, about a million at most."""
    depth, height, width = stored.spatial_shape
    step = max(1, -(-stored.source.shape[1] * height * width // 1_000_000))
    chosen = [
        stored.read(Region((z, 0, 0), (z + 1, height, width))).reshape(3, -1).T
        for z in range(step // 2 % depth, depth, step)
    ]
    return np.concatenate(chosen)


def _over(volume: Volume, source: "_Coordinates | _Stretched", name: str) -> Volume:
    """A volume that lies exactly over another."""
    return Volume(
        source=source,
        voxel_size_nm=volume.voxel_size_nm,
        affine=volume.affine,
        name=f"{name} of {volume.name}",
    )


@final
class _Coordinates:
    """Codes as voxels of three channels, made when they are asked for."""

    def __init__(self, source: CodeSource, over: Volume) -> None:
        self._source = source
        self._over = over

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return 3, *self._over.spatial_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """Coordinates of the codes of a region, each a channel."""
        return np.ascontiguousarray(np.moveaxis(self._source.read(region)[..., :3], -1, 0))


@final
class _Stretched:
    """Stored components from 0 to 255."""

    def __init__(self, stored: Volume, ends: Float[np.ndarray, "2 3"]) -> None:
        self._stored = stored
        self._ends = ends

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """Red, green and blue of a region."""
        values = np.moveaxis(self._stored.read(region), 0, -1)
        levels = np.rint(255 * _stretched(values, self._ends)).astype(np.uint8)
        return np.ascontiguousarray(np.moveaxis(levels, -1, 0))
