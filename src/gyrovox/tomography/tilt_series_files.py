"""Tilt series as files: an MRC stack, and beside it texts of IMOD and SerialEM.

Of ``name.mrc`` these are ``name.rawtlt`` (tilts as the stage was told), ``name.mrc.mdoc`` (doses,
defocus, tilt axis) and, once it is aligned, ``name.xf`` and ``name.tlt``. Conventions:

- IMOD's tilt axis angle counts counter-clockwise from the images' columns, rows upwards: it is
  ``-axis_degrees``.
- An .xf turns the axis back onto the columns and shifts back: A is ``R(-axis_degrees)``. It counts
  from (n - 1) / 2, `TiltGeometry` from n // 2, which is half a pixel farther where n is even.
- SerialEM's Defocus is in µm and negative below focus.
"""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import TiltSeriesError
from gyrovox.io.image_stack import read_image_stack, write_image_stack
from gyrovox.io.imod_alignment import read_tilts, read_transforms, write_tilts, write_transforms
from gyrovox.io.mdoc import Mdoc, read_mdoc, write_mdoc

from .tilt_geometry import TiltGeometry
from .tilt_series import TiltSeries

_STACKS = (".mrc", ".st", ".ali", ".rec")
_NM_PER_UM = 1e3
_LARGEST_STRETCH = 0.01  # of a transform that is taken for a rotation
_AXIS = re.compile(r"Tilt axis angle\s*=\s*(-?[\d.]+)")


def write_tilt_series(series: TiltSeries, path: Path, *, overwrite: bool = False) -> Path:
    """Write a stack and the texts beside it.

    A geometry with shifts, or whose axis differs from image to image, is that of an aligned series:
    then .xf and .tlt are written too.

    Args:
        series: The tilt series.
        path: The stack to be (.mrc or .st), or a folder to write one of the series' name into.
        overwrite: Whether files may be there already.

    Returns:
        Path of the stack.

    Raises:
        OutputExistsError: If a file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that they are to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    stack = path if path.suffix in _STACKS else path / f"{series.name}.mrc"
    geometry = series.geometry
    shape = (series.images.shape[1], series.images.shape[2])
    is_aligned = bool(geometry.shifts.any() or np.ptp(geometry.axis_degrees) > 0)
    if overwrite:
        for name in (".xf", ".tlt"):  # of another alignment, which would be read with this one
            stack.with_suffix(name).unlink(missing_ok=True)
    write_image_stack(series.images, stack, pixel_size_nm=series.pixel_size_nm, overwrite=overwrite)
    write_tilts(geometry.tilt_degrees, stack.with_suffix(".rawtlt"), overwrite=overwrite)
    write_mdoc(_mdoc_of(series, stack), _mdoc_paths(stack)[0], overwrite=overwrite)
    if is_aligned:
        write_alignment(geometry, stack.with_suffix(".xf"), shape, overwrite=overwrite)
    return stack


def read_tilt_series(path: Path) -> TiltSeries:
    """Read a stack with the texts beside it.

    Args:
        path: The stack. With an .xf of its name it is aligned, and its tilts are those of the .tlt;
            else they are those of the .rawtlt, the .tlt or the .mdoc, whichever is there first.

    Returns:
        The tilt series.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If a file is not what its name says.
        TiltSeriesError: If tilts are missing or are not as many as the images, or no pixel size is
            known.
        VolumeError: If the stack holds no real numbers.
    """
    images, pixel_size_nm = read_image_stack(path)
    mdoc = next((read_mdoc(text) for text in _mdoc_paths(path) if text.is_file()), None)
    if not pixel_size_nm and mdoc is not None:
        pixel_size_nm = 0.1 * float(mdoc.header.get("PixelSpacing", 0))
    if not pixel_size_nm:
        raise TiltSeriesError(
            f"{path}: the header, or PixelSpacing of an .mdoc, must say how large a pixel is, and "
            f"neither does. Set it with IMOD's alterheader."
        )
    geometry = _geometry_beside(path, mdoc, (images.shape[1], images.shape[2]))
    if len(geometry) != len(images):
        raise TiltSeriesError(
            f"{path}: every image must have its tilt, and there are {len(images)} images and "
            f"{len(geometry)} tilts."
        )
    defocus = _column(mdoc, "Defocus")
    return TiltSeries(
        images=images,
        geometry=geometry,
        pixel_size_nm=pixel_size_nm,
        dose=_column(mdoc, "ExposureDose"),
        prior_dose=_column(mdoc, "PriorRecordDose"),
        defocus_nm=None if defocus is None else -_NM_PER_UM * defocus,
        name=path.stem,
    )


def write_alignment(
    geometry: TiltGeometry, path: Path, image_shape: tuple[int, int], *, overwrite: bool = False
) -> None:
    """Write a geometry as IMOD's .xf and, beside it, .tlt.

    Args:
        geometry: How each image was taken.
        path: The .xf file to be.
        image_shape: Pixels (v, u) of an image.
        overwrite: Whether files may be there already.

    Raises:
        OutputExistsError: If a file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that they are to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    write_transforms(_transforms(geometry, image_shape), path, overwrite=overwrite)
    write_tilts(geometry.tilt_degrees, path.with_suffix(".tlt"), overwrite=overwrite)


def read_alignment(
    path: Path, tilt_degrees: Float64[np.ndarray, " tilts"], image_shape: tuple[int, int]
) -> TiltGeometry:
    """The geometry that an .xf file says.

    Args:
        path: The .xf file.
        tilt_degrees: Tilts of the images, shape (tilts,).
        image_shape: Pixels (v, u) of an image.

    Returns:
        The geometry.

    Raises:
        FileFormatError: If it is no .xf file.
        TiltSeriesError: If there is no transform for each tilt, or one stretches the image.
    """
    rows = read_transforms(path)
    if len(rows) != len(tilt_degrees):
        raise TiltSeriesError(
            f"{path}: every image must have its transform, and there are {len(rows)} transforms "
            f"and {len(tilt_degrees)} tilts."
        )
    turn = rows[:, :4].reshape(-1, 2, 2)
    axis = np.arctan2(turn[:, 1, 0] - turn[:, 0, 1], turn[:, 0, 0] + turn[:, 1, 1])
    stretch = np.abs(turn - _turns(axis)).max()
    if stretch > _LARGEST_STRETCH:
        raise TiltSeriesError(
            f"{path}: transforms must turn and shift images and no more, and one stretches by "
            f"{100 * stretch:.1f} %. Align without magnification and distortion."
        )
    half = _half_pixels(image_shape)
    moved = rows[:, 4:] - half + _turns(axis) @ half
    shifts = -np.einsum("tji,tj->ti", _turns(axis), moved)
    return TiltGeometry(
        tilt_degrees=tilt_degrees, axis_degrees=np.rad2deg(axis), shifts=shifts[:, ::-1].copy()
    )


def _transforms(
    geometry: TiltGeometry, image_shape: tuple[int, int]
) -> Float64[np.ndarray, "tilts 6"]:
    turns, half = _turns(np.deg2rad(geometry.axis_degrees)), _half_pixels(image_shape)
    shifts = geometry.shifts[:, ::-1]  # (x, y)
    moved = half - turns @ half - np.einsum("tij,tj->ti", turns, shifts)
    return np.concatenate([turns.reshape(-1, 4), moved], axis=1)


def _turns(axis: Float64[np.ndarray, " tilts"]) -> Float64[np.ndarray, "tilts 2 2"]:
    """What turns an axis, in radians, back onto the columns; on (x, y) columns."""
    cosine, sine = np.cos(axis), np.sin(axis)
    rows = [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)]
    return np.stack(rows, axis=1)


def _half_pixels(image_shape: tuple[int, int]) -> Float64[np.ndarray, " 2"]:
    """How far our centre lies beyond IMOD's, (x, y)."""
    return np.array([n // 2 - (n - 1) / 2 for n in reversed(image_shape)])


def _geometry_beside(path: Path, mdoc: Mdoc | None, shape: tuple[int, int]) -> TiltGeometry:
    transforms = path.with_suffix(".xf")
    order = (".tlt", ".rawtlt") if transforms.is_file() else (".rawtlt", ".tlt")
    found = [path.with_suffix(suffix) for suffix in order if path.with_suffix(suffix).is_file()]
    tilts = read_tilts(found[0]) if found else _column(mdoc, "TiltAngle")
    if tilts is None:
        raise TiltSeriesError(
            f"{path}: the tilts of its images must lie beside it, as {path.stem}.rawtlt, "
            f"{path.stem}.tlt or {path.name}.mdoc, and none does. Put one there."
        )
    if transforms.is_file():
        return read_alignment(transforms, tilts, shape)
    titles = "" if mdoc is None else "\n".join(mdoc.titles)
    axis = _AXIS.search(titles)
    degrees = 0.0 if axis is None else -float(axis[1])
    return TiltGeometry(
        tilt_degrees=tilts,
        axis_degrees=np.full(len(tilts), degrees),
        shifts=np.zeros((len(tilts), 2)),
    )


def _mdoc_paths(stack: Path) -> tuple[Path, Path]:
    """As SerialEM names it, and as others do."""
    return stack.with_name(f"{stack.name}.mdoc"), stack.with_suffix(".mdoc")


def _column(mdoc: Mdoc | None, name: str) -> Float64[np.ndarray, " tilts"] | None:
    numbers = None if mdoc is None else mdoc.numbers(name)
    return None if numbers is None else np.array(numbers, np.float64)


def _mdoc_of(series: TiltSeries, stack: Path) -> Mdoc:
    _, height, width = series.images.shape
    spacing = f"{10 * series.pixel_size_nm:.6g}"
    axis = -float(series.geometry.axis_degrees.mean())
    columns = {
        "TiltAngle": series.geometry.tilt_degrees,
        "ExposureDose": series.dose,
        "PriorRecordDose": series.prior_dose,
        "Defocus": None if series.defocus_nm is None else -series.defocus_nm / _NM_PER_UM,
    }
    return Mdoc(
        header={"PixelSpacing": spacing, "ImageFile": stack.name, "ImageSize": f"{width} {height}"},
        titles=(
            "Written by gyrovox",
            f"    Tilt axis angle = {axis:.4f}, binning = 1  spot = 1  camera = 0",
        ),
        sections=[
            {
                **{name: f"{c[index]:.6g}" for name, c in columns.items() if c is not None},
                "PixelSpacing": spacing,
            }
            for index in range(len(series))
        ],
    )
