"""What the fields of a NIfTI header mean.

Conventions that are decided here:

- Lengths of unknown unit are millimetres, as in ITK and nibabel. Only where neither transform is
  set and every voxel length is 1, or where gyrovox said so in DESCRIP, is the size unknown.
- The transform is sform, else qform (nibabel's and ITK's order), else the voxel lengths alone.
- NIfTI has no nanometre: voxels below 10 µm are written in µm.
- Several channels are the fifth axis (vector intent), never the fourth, which is time.

Source:
    https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.length_units import rounded_lengths
from gyrovox.io.volume_format import Content
from gyrovox.volumes import Volume

_UNITS = {1: "meter", 2: "mm", 3: "micron"}
_UNIT_NM = {"unknown": 1e6, "meter": 1e9, "mm": 1e6, "micron": 1e3}
_SIZE_UNKNOWN = b"gyrovox: voxel size unknown"
_MOST_IN_NIFTI1 = 2**15 - 1


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """nibabel's header of a file, with its extensions.

    Args:
        fields: A `nibabel.Nifti1Header` or its subclass for NIfTI-2.
        data_offset: Where the first voxel lies, in bytes.
        slope: What stored numbers are multiplied by.
        intercept: What is added then.
    """

    fields: Any
    data_offset: int = 0
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def voxel_type(self) -> np.dtype[Any]:
        """Type of the voxels in the file."""
        stored: np.dtype[Any] = self.fields.get_data_dtype()
        return stored

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """(x, y, z, time, channels, ...), as many as there are."""
        return tuple(int(size) for size in self.fields.get_data_shape())

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        x, y, z, _, channels = (*self.stored_shape, 1, 1)[:5]
        return channels, z, y, x

    @property
    def size_is_unknown(self) -> bool:
        """Whether nothing in the header says how long a voxel is."""
        if bytes(self.fields["descrip"].item()).startswith(_SIZE_UNKNOWN):
            return True
        placed = int(self.fields["sform_code"]) > 0 or int(self.fields["qform_code"]) > 0
        return self._unit == "unknown" and not placed and bool((self._lengths == 1).all())

    @property
    def voxel_size_nm(self) -> tuple[float, float, float] | None:
        """Length of a voxel along (z, y, x); None where it is unknown."""
        if self.size_is_unknown:
            return None
        return rounded_lengths(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def affine(self) -> Float64[np.ndarray, "4 4"]:
        """Voxel index (z, y, x) to position (z, y, x), in nm; in voxels where unknown."""
        return _turned(self._affine_xyz, 1.0 if self.size_is_unknown else _UNIT_NM[self._unit])

    @property
    def _affine_xyz(self) -> Float64[np.ndarray, "4 4"]:
        """Voxel index (x, y, z) to position (x, y, z), in the header's unit."""
        if int(self.fields["sform_code"]) > 0:
            return np.asarray(self.fields.get_sform(), np.float64)
        if int(self.fields["qform_code"]) > 0:
            return np.asarray(self.fields.get_qform(), np.float64)
        return np.diag((*self._lengths, 1.0))

    @property
    def _lengths(self) -> Float64[np.ndarray, "3"]:
        return np.abs(np.asarray(self.fields["pixdim"][1:4], np.float64))

    @property
    def _unit(self) -> str:
        return _UNITS.get(int(self.fields["xyzt_units"]) % 8, "unknown")

    def says(self, volume: Volume) -> bool:
        """Whether it has the geometry of a volume, to its own precision."""
        most = np.abs(volume.affine[:3, :3]).max()
        close = np.allclose(self.affine, volume.affine, rtol=1e-5, atol=1e-5 * most)
        return bool(close) and self.size_is_unknown == (volume.voxel_size_nm is None)

    def set_geometry(self, volume: Volume) -> None:
        """Set sform and qform, voxel lengths and unit to those of a volume."""
        sizes = volume.voxel_size_nm
        unit = "unknown" if sizes is None else "micron" if max(sizes) < 1e4 else "mm"
        affine = _turned(volume.affine, 1.0 if sizes is None else 1 / _UNIT_NM[unit])
        directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        sheared = not np.allclose(directions.T @ directions, np.eye(3), atol=1e-5)
        self.fields.set_sform(affine, code=1)
        self.fields.set_qform(affine, code=0 if sheared else 1)  # a qform holds no shear
        self.fields.set_xyzt_units(xyz=unit)
        self.fields["descrip"] = _SIZE_UNKNOWN if sizes is None else b"gyrovox"


def read_header(path: Path) -> NiftiHeader:
    """The header of a file, after every check that needs no voxel but that of its size.

    Args:
        path: A NIfTI file.

    Returns:
        The header.

    Raises:
        FileFormatError: If it is none, or says no orientation that can be.
        VolumeError: If it announces anything but one volume of real numbers.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        image: Any = nibabel.load(path)
    except (ImageFileError, HeaderDataError, EOFError, OSError, zlib.error, ValueError) as error:
        raise FileFormatError(
            f"{path}: the file must start with a sound NIfTI header, and does not ({error}). "
            f"Check that it is a NIfTI file, and copy it again if it is"
        ) from error
    if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 is a subclass
        raise FileFormatError(
            f"{path}: the file must be NIfTI-1 or NIfTI-2 in one file, and is "
            f"{type(image).__name__}. Convert it first"
        )
    proxy: Any = image.dataobj
    header = NiftiHeader(image.header, int(proxy.offset), float(proxy.slope), float(proxy.inter))
    _check_content(path, header)
    return header


def header_to_write(volume: Volume, dtype: np.dtype[Any], content: Content) -> NiftiHeader:
    """The header of the file that a volume came from where it has one, with all that differs set.

    Args:
        volume: What is to be written.
        dtype: The type that it is stored as.
        content: Whether the voxels are measured, or are classes.

    Returns:
        A header of its own.
    """
    import nibabel

    known = volume.header
    channels, depth, height, width = volume.shape
    if isinstance(known, NiftiHeader):
        fields: Any = known.fields.copy()
    else:
        fits = max(volume.shape) <= _MOST_IN_NIFTI1
        empty: Any = nibabel.Nifti1Header if fits else nibabel.Nifti2Header
        fields = empty()
    header = NiftiHeader(fields)
    fields["vox_offset"] = 0  # nibabel then finds the least that holds the extensions
    fields.set_data_dtype(dtype)
    shape = (width, height, depth)
    fields.set_data_shape(shape if channels == 1 else (*shape, 1, channels))
    fields.set_slope_inter(1.0, 0.0)
    if content == "labels":
        fields.set_intent("label")
        fields["cal_min"] = fields["cal_max"] = 0
    elif channels > 1:
        fields.set_intent("vector")
    if not isinstance(known, NiftiHeader) or not header.says(volume):
        header.set_geometry(volume)
    return header


def _check_content(path: Path, header: NiftiHeader) -> None:
    stored, dtype = header.stored_shape, header.voxel_type
    if len(stored) < 3:
        raise VolumeError(
            f"{path}: a volume must have 3 axes, and this is a 2-D image: {stored} (x, y). "
            f"Stack the images into one file"
        )
    if max(stored[3:4] + stored[5:], default=1) > 1:
        raise VolumeError(
            f"{path}: a volume must have 3 axes, and this is a 4-D time series, or more: "
            f"{stored} (x, y, z, t, ...). Extract one volume, or give modalities as one file each"
        )
    if dtype.kind not in "iuf":
        holds = "RGB colours" if dtype.names else f"{dtype} numbers"
        raise VolumeError(
            f"{path}: voxels must be real numbers, and this file holds {holds}. Convert it first"
        )


def _turned(affine: Float64[np.ndarray, "4 4"], scale: float) -> Float64[np.ndarray, "4 4"]:
    """Turn both sides between (x, y, z) and (z, y, x), and multiply lengths."""
    turned: Float64[np.ndarray, "4 4"] = affine[[2, 1, 0, 3]][:, [2, 1, 0, 3]].astype(np.float64)
    turned[:3] *= scale
    return turned
