"""Voxel size and origin in the two kinds of TIFF that say them: ImageJ's and OME's.

Conventions that are decided here:

- ImageJ: pixels per unit in X/YRESOLUTION, SPACING along z (1 where absent, as in ImageJ), UNIT;
  X/Y/ZORIGIN is the voxel, in voxels, that lies at the world's origin.
- OME: PHYSICALSIZEX/Y/Z with their units (µm where absent); the origin is the position of the
  first plane, where its unit is a length. OME's default unit for it, the reference frame, is none.
- Any other TIFF says no voxel size: resolution tags without a spacing are those of a printer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from gyrovox.io.length_units import nm_per, rounded_lengths, telling_unit
from gyrovox.volumes import Volume, axis_aligned

_ASCII_UNIT = {"nm": "nm", "um": "micron", "mm": "mm"}  # ImageJ's own names


@dataclass(frozen=True)
class TiffHeader:
    """What a TIFF says about where its voxels lie.

    Args:
        voxel_size_nm: Length of a voxel along (z, y, x); None where it is unknown.
        origin_nm: Position (z, y, x) of voxel (0, 0, 0); in voxels where their size is unknown.
        unit: What the file calls its unit of length, if it is ImageJ's.
    """

    voxel_size_nm: tuple[float, float, float] | None = None
    origin_nm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unit: str | None = None

    @property
    def affine(self) -> np.ndarray:
        """Voxel index (z, y, x) to position (z, y, x)."""
        return axis_aligned(self.voxel_size_nm, self.origin_nm)


def imagej_header(
    metadata: Mapping[str, object], pixels_per_unit: tuple[float, float] | None
) -> TiffHeader:
    """What ImageJ's description and the resolution tags of the first page say.

    Args:
        metadata: The description, parsed.
        pixels_per_unit: The resolution tags, (y, x); None where they are absent or zero.

    Returns:
        Voxel size and origin.
    """
    unit = str(metadata.get("unit", "")).strip()
    nm = nm_per(unit)
    zero = [_number(metadata, f"{axis}origin", 0.0) for axis in "zyx"]
    if nm is None or pixels_per_unit is None:
        z, y, x = (-voxel for voxel in zero)
        return TiffHeader(origin_nm=(z, y, x))
    spacing = abs(_number(metadata, "spacing", 1.0)) or 1.0
    sizes = rounded_lengths((spacing * nm, nm / pixels_per_unit[0], nm / pixels_per_unit[1]))
    z, y, x = (-voxel * size for voxel, size in zip(zero, sizes, strict=True))
    return TiffHeader(sizes, (z, y, x), unit)


def ome_header(xml: str) -> TiffHeader:
    """What the first image of an OME-XML says.

    Args:
        xml: The OME-XML.

    Returns:
        Voxel size and origin; nothing where the XML says nothing.
    """
    root = ElementTree.fromstring(xml)
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return TiffHeader()
    sizes = [_length(pixels, f"PhysicalSize{axis}", "µm") for axis in "ZYX"]
    known = [size for size in sizes if size is not None and size > 0]
    plane = pixels.find("{*}Plane[@TheZ='0']")
    names = [f"Position{axis}" for axis in "ZYX"]
    if len(known) < 3:
        unit = "pixel"
        positions = (
            []
            if plane is None
            else [float(plane.get(name, 0)) for name in names if plane.get(f"{name}Unit") == unit]
        )
        return TiffHeader(origin_nm=_three(positions))
    places = [] if plane is None else [_length(plane, name, "reference frame") for name in names]
    return TiffHeader(rounded_lengths(known), _three(places))


def imagej_metadata(volume: Volume) -> tuple[dict[str, Any], tuple[float, float] | None]:
    """What to write for ImageJ: its description, and pixels per unit along (x, y)."""
    metadata: dict[str, Any] = {}
    sizes = volume.voxel_size_nm
    for axis, position in zip("zyx", volume.origin_nm, strict=True):
        size = 1.0 if sizes is None else sizes["zyx".index(axis)]
        if position:
            metadata[f"{axis}origin"] = -position / size
    if sizes is None:
        return metadata, None
    known = volume.header.unit if isinstance(volume.header, TiffHeader) else None
    unit = known if known and known.isascii() else _ASCII_UNIT[telling_unit(sizes)]
    nm = nm_per(unit) or 1.0
    metadata |= {"unit": unit, "spacing": sizes[0] / nm}
    return metadata, (nm / sizes[2], nm / sizes[1])


def ome_metadata(volume: Volume) -> dict[str, Any]:
    """What to write for OME, in tifffile's words."""
    metadata: dict[str, Any] = {}
    planes = volume.channels * volume.spatial_shape[0]
    unit = "pixel" if volume.voxel_size_nm is None else "nm"
    for axis, size in zip("ZYX", volume.voxel_size_nm or (), strict=False):
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
    if any(volume.origin_nm):
        positions: dict[str, Any] = {}
        for axis, position in zip("ZYX", volume.origin_nm, strict=True):
            positions |= {
                f"Position{axis}": [position] * planes,
                f"Position{axis}Unit": [unit] * planes,
            }
        metadata["Plane"] = positions
    return metadata


def _number(metadata: Mapping[str, object], name: str, default: float) -> float:
    value = metadata.get(name, default)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number and isinstance(value, int | float) else default


def _length(element: ElementTree.Element, name: str, default_unit: str) -> float | None:
    """A length in nm, None where it is absent or no length."""
    nm = nm_per(element.get(f"{name}Unit", default_unit))
    text = element.get(name)
    return None if text is None or nm is None else float(text) * nm


def _three(values: list[float | None] | list[float]) -> tuple[float, float, float]:
    """Three numbers, or zeros where one is missing."""
    known = [value for value in values if value is not None]
    z, y, x = known if len(known) == 3 else (0.0, 0.0, 0.0)
    return z, y, x
