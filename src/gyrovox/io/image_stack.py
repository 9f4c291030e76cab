"""Stacks of images as MRC files: sections are images, not slices of a volume."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from gyrovox.errors import FileFormatError
from gyrovox.io.atomic import written_whole
from gyrovox.io.reading import read

_IMAGES = 0  # the space group of a stack of images
_ANGSTROM = 10.0
_LARGEST = 32_767


def write_image_stack(
    images: Float32[np.ndarray, "sections rows columns"],
    path: Path,
    *,
    pixel_size_nm: float,
    overwrite: bool = False,
) -> None:
    """Write images as one MRC file: whole numbers as mode 1 if they fit, all others as mode 2.

    Args:
        images: Shape (sections, rows, columns).
        path: The file to be, .mrc or .st.
        pixel_size_nm: Side of a pixel.
        overwrite: Whether it may be there already.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    import mrcfile

    fits = np.abs(images).max() <= _LARGEST and bool((images == np.rint(images)).all())
    with (
        written_whole(path, overwrite=overwrite, suffix=path.suffix) as beside,
        mrcfile.new(beside) as file,
    ):
        file.set_data(images.astype(np.int16) if fits else images)
        file.set_image_stack()
        file.voxel_size = _ANGSTROM * pixel_size_nm
        # mrcfile writes when it was made, and the same stack is to be the same file.
        file.header.label[0] = b"Written by gyrovox"


def read_image_stack(path: Path) -> tuple[Float32[np.ndarray, "sections rows columns"], float]:
    """Images of an MRC file, and the size of their pixels.

    Args:
        path: The file.

    Returns:
        Images, shape (sections, rows, columns), and the side of a pixel in nm, 0 where the file
        does not say.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no MRC file, or its pixels are no squares.
        VolumeError: If it holds no real numbers.
    """
    stack = read(path)
    images = stack.read()[0].astype(np.float32)
    size = stack.voxel_size_nm
    if size is None:
        return images, 0.0
    if not np.isclose(size[1], size[2], rtol=1e-3):
        raise FileFormatError(
            f"{path}: pixels of a tilt series must be squares, and the header says "
            f"{size[1]} x {size[2]} nm (y, x)."
        )
    return images, float(size[2])
