"""Centres of components as tables: CSV for any program, STAR for RELION."""

import csv
import os
import re
from pathlib import Path

from gyrovox.errors import FileFormatError
from gyrovox.io.atomic import written_whole
from gyrovox.io.star import write_star

from .node_components import Components

SUFFIXES = (".csv", ".star")
"""Endings of the names of tables that are written."""


def export_points(
    components: Components, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write the centres of components, a row each.

    CSV: ``index`` from 1; ``z, y, x`` in voxels, 0 the centre of the first voxel; ``z_nm, y_nm,
    x_nm`` where the file of the volume says that is; ``voxels`` and ``volume_nm3``. What is in nm
    is left out where the voxel size is unknown.

    STAR: a block ``particles`` with ``rlnTomoName``, the name of the result, and
    ``rlnCoordinateX, Y, Z`` in voxels of this volume, 0 the centre of the first voxel, as RELION
    takes them. RELION counts in pixels of the tilt series: for a binned tomogram, let its import
    multiply the coordinates by the binning. RELION 5 keeps centred ångströms itself and makes them
    of these on import.

    Args:
        components: What `gyrovox.results.components` found; there may be none.
        path: The file to write, .csv or .star.
        overwrite: Whether it may be there already.

    Returns:
        The path.

    Raises:
        FileFormatError: If there is no such format.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.

    Source:
        RELION's tomogram coordinates and their centre: https://github.com/3dem/relion/issues/1137
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".star":
        return _write_star(components, target, overwrite=overwrite)
    if suffix == ".csv":
        return _write_csv(components, target, overwrite=overwrite)
    raise FileFormatError(
        f"{target}: the name of a table of points must end in {' or '.join(SUFFIXES)}, and "
        f"{suffix or 'no suffix'} came. Rename it"
    )


def _write_star(components: Components, path: Path, *, overwrite: bool) -> Path:
    z, y, x = ([f"{value:.6f}" for value in axis] for axis in components.centroids.T.tolist())
    # A name in a table is one word.
    name = re.sub(r"\s+", "_", components.name).lstrip("_#\"'$;") or "tomogram"
    columns = {
        "rlnTomoName": [name] * components.count,
        "rlnCoordinateX": x,
        "rlnCoordinateY": y,
        "rlnCoordinateZ": z,
    }
    return write_star(path, "particles", columns, overwrite=overwrite)


def _write_csv(components: Components, path: Path, *, overwrite: bool) -> Path:
    names, columns = ["z", "y", "x"], list(components.centroids.T)
    places, volumes = components.centroids_nm, components.volumes_nm3
    if places is not None:
        names += ["z_nm", "y_nm", "x_nm"]
        columns += list(places.T)
    rows = [[f"{value:.6f}" for value in row] for row in zip(*columns, strict=True)]
    with (
        written_whole(path, overwrite=overwrite, suffix=".csv") as beside,
        beside.open("w", encoding="ascii", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["index", *names, "voxels", *([] if volumes is None else ["volume_nm3"])])
        for index, (row, voxels) in enumerate(zip(rows, components.sizes.tolist(), strict=True)):
            volume = [] if volumes is None else [f"{volumes[index]:.10g}"]
            table.writerow([index + 1, *row, voxels, *volume])
    return path
