"""Which format a path means. A new format is its own file, and a line here."""

from pathlib import Path

from gyrovox.errors import FileFormatError
from gyrovox.io.hdf5 import Hdf5
from gyrovox.io.mrc import Mrc
from gyrovox.io.nifti import Nifti
from gyrovox.io.ome_zarr import OmeZarr
from gyrovox.io.tiff import Tiff
from gyrovox.io.volume_format import VolumeFormat

FORMATS: tuple[VolumeFormat, ...] = (
    Mrc(),
    Nifti(),
    Tiff(),
    Hdf5(),
    OmeZarr(),
)


def format_and_suffix(path: Path) -> tuple[VolumeFormat, str]:
    """The format that a file name means, and the suffix that says so.

    Args:
        path: A path, which need not exist.

    Returns:
        The format, and the suffix in lower case.

    Raises:
        FileFormatError: If no format has the suffix.
    """
    name = path.name.lower()
    by_length = sorted(
        ((suffix, kind) for kind in FORMATS for suffix in kind.suffixes), key=lambda x: -len(x[0])
    )
    for suffix, kind in by_length:
        if name.endswith(suffix) and len(name) > len(suffix):
            return kind, suffix
    known = ", ".join(suffix for kind in FORMATS for suffix in kind.suffixes)
    raise FileFormatError(
        f"{path}: the name of a volume must end in one of {known}, and "
        f"{path.suffix or 'no suffix'} came. Rename the file, or convert it"
    )
