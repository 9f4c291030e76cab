"""`gyrovox align`: how the images of a tilt series were taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, publish, staging
from gyrovox.cli.terminal import note, say
from gyrovox.errors import SettingsError

if TYPE_CHECKING:
    from gyrovox.tomography import TiltSeries
    from gyrovox.tomography.alignment import Alignment

_DEGREES = 4  # digits behind the point


@final
@dataclass(frozen=True, kw_only=True)
class Align(Command):
    """Align a tilt series: by gold beads, by patches, or coarsely.

    Writes NAME.xf and NAME.tlt as IMOD does, alignment.json with the residual of every image, and
    alignment.png.
    """

    series: Annotated[Path, Positional, arg(metavar="SERIES")]
    """Stack of images (.mrc, .st), with .rawtlt, .tlt or .mdoc beside it."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write into; made if absent."""

    method: Literal["auto", "fiducial", "patches", "coarse"] = "auto"
    """By gold beads, by patches of the specimen, or each image by its neighbour only; `auto` takes
    beads where there are at least four, and patches else."""

    gold_diameter: Annotated[float, arg(metavar="NM")] = 10.0
    """Diameter of the beads."""

    axis: Annotated[float | None, arg(metavar="DEGREES")] = None
    """Angle of the tilt axis from the images' columns, clockwise, where the .mdoc does not say it;
    some degrees may be wrong."""

    binning: int = 1
    """Pixels along each side that become one. The .xf is for the stack as it is."""

    quiet: bool = False
    """Show no progress."""

    overwrite: bool = False
    """Replace files that exist."""

    def run(self) -> None:
        if not self.gold_diameter > 0:
            raise SettingsError(f"--gold-diameter must be above 0 nm, got {self.gold_diameter:g}.")
        names = [f"{self.series.stem}.xf", f"{self.series.stem}.tlt"]
        names += ["alignment.json", "alignment.png"]
        check_absent((self.output / name for name in names), overwrite=self.overwrite)
        # Imported here so that `--help` waits for no library.
        from gyrovox.tomography.alignment import align
        from gyrovox.tomography.binning import binned

        series = self._series()
        small = binned(series, self.binning)
        found = align(
            small, method=self.method, gold_diameter_nm=self.gold_diameter, quiet=self.quiet
        )
        with staging(self.output) as hidden:
            self._write(hidden, series, small, found)
            for name in names:
                publish(hidden / name, self.output / name)
        say(_summary(found))
        note(f"the alignment is in {self.output}", quiet=self.quiet)

    def _series(self) -> "TiltSeries":
        from dataclasses import replace

        import numpy as np

        from gyrovox.tomography import TiltGeometry
        from gyrovox.tomography.tilt_series_files import read_tilt_series

        series = read_tilt_series(self.series)
        axis = series.geometry.axis_degrees
        # What an earlier alignment found is no start: its errors would be kept.
        geometry = TiltGeometry(
            tilt_degrees=series.geometry.tilt_degrees,
            axis_degrees=np.full(len(series), axis.mean() if self.axis is None else self.axis),
            shifts=np.zeros((len(series), 2)),
        )
        return replace(series, geometry=geometry)

    def _write(
        self, folder: Path, series: "TiltSeries", small: "TiltSeries", found: "Alignment"
    ) -> None:
        import json

        from gyrovox.report.pictures.alignment import alignment_picture
        from gyrovox.report.pictures.look import save
        from gyrovox.tomography.binning import unbinned
        from gyrovox.tomography.tilt_series_files import write_alignment

        shape = (series.images.shape[1], series.images.shape[2])
        geometry = unbinned(found.series.geometry, self.binning, shape)
        write_alignment(geometry, folder / f"{self.series.stem}.xf", shape)
        record = _record(found, self.series.name, self.binning)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (folder / "alignment.json").write_text(f"{text}\n", encoding="utf-8")
        save(alignment_picture(small, found), folder / "alignment.png")


def _record(found: "Alignment", name: str, binning: int) -> dict[str, Any]:
    """What alignment.json holds; lengths in pixels of the series that was aligned, and in nm."""
    import numpy as np

    geometry, size = found.series.geometry, found.series.pixel_size_nm
    images = []
    for index in range(len(geometry)):
        row = found.residuals[index]
        seen = row[~np.isnan(row)]
        images.append({
            "tilt_degrees": round(float(geometry.tilt_degrees[index]), _DEGREES),
            "axis_degrees": round(float(geometry.axis_degrees[index]), _DEGREES),
            "shift_v_u_nm": [round(float(part) * size, 4) for part in geometry.shifts[index]],
            "landmarks": len(seen),
            "mean_residual_nm": round(float(seen.mean()) * size, 4) if len(seen) else None,
            "max_residual_nm": round(float(seen.max()) * size, 4) if len(seen) else None,
        })
    mean, largest = found.mean_residual, found.max_residual
    return {
        "series": name,
        "method": found.method,
        "binning": binning,
        "pixel_size_nm": size,
        "landmarks": len(found.landmarks),
        "mean_residual_pixels": None if mean is None else round(mean, 4),
        "max_residual_pixels": None if largest is None else round(largest, 4),
        "mean_residual_nm": None if mean is None else round(mean * size, 4),
        "images": images,
    }


def _summary(found: "Alignment") -> str:
    if found.mean_residual is None or found.max_residual is None:
        return f"{found.method}: {len(found.series)} images, residuals unknown"
    kind = "beads" if found.method == "fiducial" else "patches"
    size = found.series.pixel_size_nm
    return (
        f"{found.method}: {len(found.landmarks)} {kind}, residual {found.mean_residual:.2f} pixels "
        f"({found.mean_residual * size:.2f} nm) in the mean, {found.max_residual:.2f} at most"
    )
