"""NIfTI for the browser: an image or leaves on a grid that fits, packed in memory."""

import zlib
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from numpy.typing import NDArray

_GZIP = 31  # zlib's way to say: with the frame of gzip
_STORED, _FASTEST = 0, 1  # the way is short, and more effort gains little
_WORTH_IT = 0.6  # of the bytes must be left at most for packing to take less time than sending
_TRIAL = 2**20  # bytes that show whether it is worth it
_SAMPLE = 2**20  # voxels that percentiles are taken of
_DARKEST, _BRIGHTEST = 0.5, 99.5  # percentiles between which the contrast lies at first


def image_nifti(
    means: Float32[np.ndarray, "z y x"],
    step: int,
    voxel_size_nm: tuple[float, float, float] | None,
) -> bytes:
    """An image in 256 steps of brightness.

    Whole numbers that span less than 256 are kept as they are. Otherwise the steps cover the
    percentiles 0.5 to 99.5, and as much again of what lies beyond them; the rest, such as gold
    beads, is as bright as the brightest.

    Args:
        means: Voxels, shape (z, y, x); NaN, which becomes as dark as the darkest.
        step: Side of the block that each stands for, in voxels of the volume.
        voxel_size_nm: Size of a voxel of the volume (z, y, x), in nm; None where unknown.

    Returns:
        A `.nii.gz`, whose `cal_min` and `cal_max` are those percentiles.
    """
    # fmin and fmax pass over NaN, and make no copy.
    least, greatest = float(np.fmin.reduce(means, None)), float(np.fmax.reduce(means, None))
    if np.isnan(least):
        least = greatest = 0.0
    dark, bright = _contrast(means, least, greatest)
    low, high = least, greatest
    exact = greatest - least < 256 and bool(((means == np.rint(means)) | np.isnan(means)).all())
    if not exact:
        around = (bright - dark) / 2 or greatest - least
        low, high = max(least, dark - around), min(greatest, bright + around)
    slope = 1.0 if exact or high == low else (high - low) / 255
    steps = (means - np.float32(low)) / np.float32(slope)
    np.nan_to_num(steps, copy=False, nan=0.0, posinf=255.0)
    voxels = np.rint(steps.clip(0, 255, out=steps), out=steps).astype(np.uint8)
    if dark == bright:
        dark, bright = low, max(high, low + slope)
    return _packed(voxels, step, voxel_size_nm, scale=(slope, low), shown=(dark, bright))


def _contrast(
    means: Float32[np.ndarray, "z y x"], least: float, greatest: float
) -> tuple[float, float]:
    """The percentiles that are dark and bright; the extremes where too few voxels are known."""
    sample = means.reshape(-1)[:: -(-means.size // _SAMPLE)].astype(np.float64)
    sample = sample[~np.isnan(sample)]
    if not sample.size:
        return least, greatest
    dark, bright = np.percentile(sample, [_DARKEST, _BRIGHTEST])
    return float(dark), float(bright)


def label_nifti(
    labels: UInt16[np.ndarray, "z y x"],
    step: int,
    voxel_size_nm: tuple[float, float, float] | None,
) -> bytes:
    """Labels as they are.

    Args:
        labels: Voxels, shape (z, y, x).
        step: Side of the block that each stands for, in voxels of the volume.
        voxel_size_nm: Size of a voxel of the volume (z, y, x), in nm; None where unknown.

    Returns:
        A `.nii.gz` of the label intent.
    """
    return _packed(labels, step, voxel_size_nm)


def _packed(
    voxels: NDArray[Any],
    step: int,
    voxel_size_nm: tuple[float, float, float] | None,
    *,
    scale: tuple[float, float] | None = None,
    shown: tuple[float, float] = (0.0, 0.0),
) -> bytes:
    """The file: axes x, y, z along those of the world, in units of the shortest side of a voxel.

    Not in mm, of which a voxel of a tomogram has a millionth. A voxel's position, divided by its
    size in this unit, is its index in the volume, whatever the step.
    """
    # Imported here: half a second that starting the server need not wait for.
    from nibabel.nifti1 import Nifti1Header

    sizes = np.array(voxel_size_nm or (1.0, 1.0, 1.0))[::-1]
    sizes /= sizes.min()
    affine = np.diag([*(sizes * step), 1.0])
    affine[:3, 3] = sizes * (step - 1) / 2
    header: Any = Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape[::-1])
    header.set_qform(affine, 1)
    header.set_sform(affine, 1)
    header.set_xyzt_units("mm")
    if scale is None:
        header.set_intent("label")
    else:
        header.set_slope_inter(*scale)
        header["cal_min"], header["cal_max"] = shown
    header["descrip"] = f"gyrovox: blocks of {step} x {step} x {step} voxels".encode()
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    content = np.ascontiguousarray(voxels).reshape(-1).view(np.uint8)
    packer = zlib.compressobj(_effort(content), zlib.DEFLATED, _GZIP)
    no_extensions = bytes(4)
    parts = (header.binaryblock, no_extensions, content.data)
    return b"".join([*map(packer.compress, parts), packer.flush()])


def _effort(content: UInt8[np.ndarray, "bytes"]) -> int:
    """How hard to pack: not at all what does not become much smaller, which noise does not."""
    start = max(0, (content.size - _TRIAL) // 2)
    trial = content[start : start + _TRIAL].tobytes()
    return _FASTEST if len(zlib.compress(trial, _FASTEST)) < _WORTH_IT * len(trial) else _STORED
