"""`gyrovox reconstruct`: a tomogram from an aligned tilt series."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.outputs import check_absent, check_inputs_stay, check_space, publish, staging
from gyrovox.cli.terminal import note, say
from gyrovox.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np

    from gyrovox.tomography import TiltSeries
    from gyrovox.tomography.reconstruction import ImageStep

_SAMPLES = 2  # of a filtered row, per pixel


@final
@dataclass(frozen=True, kw_only=True)
class Reconstruct(Command):
    """Reconstruct a tomogram from a tilt series: back-projection or SIRT.

    Dense matter is dark in the tomogram, as in the images.
    """

    series: Annotated[Path, Positional, arg(metavar="SERIES")]
    """Stack of images (.mrc, .st), with .rawtlt, .tlt or .mdoc beside it."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="TOMOGRAM")]
    """Tomogram to write; its suffix is its format."""

    alignment: Annotated[Path | None, arg(metavar="FILE.xf")] = None
    """Alignment, with its .tlt beside it, as `gyrovox align` writes both; that beside the series by
    default."""

    thickness: Annotated[float, arg(metavar="NM")] = 200.0
    """Height of the tomogram."""

    binning: int = 1
    """Pixels along each side that become one."""

    method: Literal["wbp", "sirt"] = "wbp"
    """Weighted back-projection, or simultaneous iterations."""

    filter: Literal["hamming", "ramp", "exact"] = "hamming"
    """`wbp`: a ramp under a Hamming window, a ramp, or weights of the tilts that were taken."""

    iterations: Annotated[int | None, arg(metavar="N")] = None
    """`sirt`: how many; by default as many as foretell images best that are left out."""

    relaxation: float = 1.0
    """`sirt`: length of a step, above 0 and below 2."""

    ctf: Literal["none", "phase-flip", "wiener"] = "none"
    """Correct the contrast transfer, for which the defocus must be in the .mdoc."""

    voltage_kv: float = 300.0
    """`ctf`: acceleration voltage."""

    spherical_aberration_mm: float = 2.7
    """`ctf`: Cs of the objective lens."""

    amplitude_contrast: float = 0.07
    """`ctf`: share of the contrast that is of amplitude."""

    defocus_handedness: Literal[1, 0, -1] = 1
    """`ctf`: 1 where underfocus grows along +z, -1 where it falls, 0 for no slope."""

    halves: bool = False
    """Write tomograms of every second image too, as TOMOGRAM-even and TOMOGRAM-odd."""

    erase_gold: bool = False
    """Put what lies around gold beads in their place, in every image."""

    gold_diameter: Annotated[float, arg(metavar="NM")] = 10.0
    """`erase-gold`: diameter of the beads."""

    seed: int = 0
    """`erase-gold`: seed of the noise that takes their place."""

    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        self._check()
        outputs = self._outputs()
        check_absent(outputs.values(), overwrite=self.work.overwrite)
        check_inputs_stay([self.series], outputs.values())
        # Imported here so that `--help` waits for no library.
        import numpy as np

        from gyrovox import devices
        from gyrovox.tomography.binning import binned

        devices.limit_threads(self.work.threads)
        devices.device(self.work.device)
        series = binned(self._series(), self.binning)
        shape = self._shape(series)
        voxels, pixels = shape[0] * shape[1] * shape[2], series.images.size
        check_space(self.output.parent, 4 * (len(outputs) + 1) * voxels + 4 * _SAMPLES * 2 * pixels)
        steps = self._steps(series)
        order = np.argsort(series.geometry.tilt_degrees, kind="stable")
        parts = {"": np.arange(len(series)), "even": order[::2], "odd": order[1::2]}
        with staging(self.output.parent) as hidden:
            for name, target in outputs.items():
                made = hidden / target.name
                self._write(series, parts[name], shape, steps=steps, path=made, folder=hidden)
                publish(made, target)
        self._say(series, shape)
        note(f"the tomogram is in {self.output}", quiet=self.work.quiet)

    def _check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            SettingsError: If a number is out of its range, or belongs to another method.
            FileFormatError: If the output's suffix is unknown.
        """
        from gyrovox.io.formats import format_and_suffix

        format_and_suffix(self.output)
        for name, value in (
            ("--thickness", self.thickness),
            ("--gold-diameter", self.gold_diameter),
        ):
            if not value > 0:
                raise SettingsError(f"{name} must be above 0 nm, got {value:g}.")
        if self.seed < 0:
            raise SettingsError(f"--seed must not be negative, got {self.seed}.")
        if self.method != "sirt" and self.iterations is not None:
            raise SettingsError(
                f"--iterations belongs to --method sirt, and --method is {self.method}. Leave it "
                f"away."
            )
        if self.method != "wbp" and self.filter != "hamming":
            raise SettingsError(
                f"--filter belongs to --method wbp, and --method is {self.method}. Leave it away."
            )

    def _outputs(self) -> dict[str, Path]:
        from gyrovox.io import stem

        outputs = {"": self.output}
        if self.halves:
            name = stem(self.output)
            suffix = self.output.name[len(name) :]
            for half in ("even", "odd"):
                outputs[half] = self.output.with_name(f"{name}-{half}{suffix}")
        return outputs

    def _series(self) -> "TiltSeries":
        from dataclasses import replace

        from gyrovox.io.imod_alignment import read_tilts
        from gyrovox.tomography.tilt_series_files import read_alignment, read_tilt_series

        series = read_tilt_series(self.series)
        if self.alignment is None:
            return series
        tilts = self.alignment.with_suffix(".tlt")
        degrees = read_tilts(tilts) if tilts.is_file() else series.geometry.tilt_degrees
        shape = (series.images.shape[1], series.images.shape[2])
        return replace(series, geometry=read_alignment(self.alignment, degrees, shape))

    def _shape(self, series: "TiltSeries") -> tuple[int, int, int]:
        """As wide and high as the images, turned where the axis lies along their rows."""
        import numpy as np

        depth = max(1, round(self.thickness / series.pixel_size_nm))
        height, width = series.images.shape[1:]
        turn = np.deg2rad(float(np.median(series.geometry.axis_degrees)))
        return (
            (depth, width, height)
            if abs(np.sin(turn)) > abs(np.cos(turn))
            else (
                depth,
                height,
                width,
            )
        )

    def _steps(self, series: "TiltSeries") -> "list[ImageStep]":
        """What is done to images before: gold first, which would ring when the CTF is undone."""
        steps: list[ImageStep] = []
        if self.erase_gold:
            from gyrovox.tomography.gold_erasing import gold_erased

            step, beads = gold_erased(
                series, self.gold_diameter, seed=self.seed, quiet=self.work.quiet
            )
            note(f"{beads} gold beads are erased", quiet=self.work.quiet)
            steps.append(step)
        if self.ctf != "none":
            from gyrovox.settings.simulation import Optics
            from gyrovox.tomography.ctf_correction import ctf_correcting

            optics = Optics(
                voltage_kv=self.voltage_kv,
                spherical_aberration_mm=self.spherical_aberration_mm,
                amplitude_contrast=self.amplitude_contrast,
            )
            steps.append(
                ctf_correcting(
                    series,
                    method=self.ctf,
                    optics=optics,
                    defocus_handedness=self.defocus_handedness,
                )
            )
        return steps

    def _write(
        self,
        series: "TiltSeries",
        images: "np.ndarray",
        shape: tuple[int, int, int],
        *,
        steps: "list[ImageStep]",
        path: Path,
        folder: Path,
    ) -> None:
        from gyrovox import devices, io
        from gyrovox.io.scratch import Scratch
        from gyrovox.tomography.reconstruction import smeared_rows, write_sirt
        from gyrovox.volumes import ArraySource, Volume, axis_aligned

        where = devices.device(self.work.device)
        chosen = series.chosen(images)
        # Steps know images by their number in the whole series.
        renamed = [_renumbered(step, images) for step in steps]
        source: ArraySource
        with _rows_on_disk(folder) as store:
            if self.method == "wbp":
                source = smeared_rows(
                    chosen,
                    shape,
                    row_filter=self.filter,
                    steps=renamed,
                    where=where,
                    store=store,
                    quiet=self.work.quiet,
                )
            else:
                scratch = Scratch(folder / "voxels", shape)
                count = write_sirt(
                    chosen,
                    scratch,
                    iterations="auto" if self.iterations is None else self.iterations,
                    relaxation=self.relaxation,
                    steps=renamed,
                    where=where,
                    store=store,
                    quiet=self.work.quiet,
                )
                note(f"SIRT: {count} iterations", quiet=self.work.quiet)
                source = scratch.source()
            size = (series.pixel_size_nm,) * 3
            volume = Volume(
                source=source, voxel_size_nm=size, affine=axis_aligned(size), name=path.name
            )
            io.write(volume, path)
        (folder / "voxels").unlink(missing_ok=True)

    def _say(self, series: "TiltSeries", shape: tuple[int, int, int]) -> None:
        first, last = series.geometry.tilt_degrees.min(), series.geometry.tilt_degrees.max()
        say(
            f"{len(series)} images from {first:.0f} to {last:.0f} degrees, "
            f"{' x '.join(map(str, shape))} voxels of {series.pixel_size_nm:g} nm"
        )


def _renumbered(step: "ImageStep", images: "np.ndarray") -> "ImageStep":
    def renumbered(index: int, image: "np.ndarray") -> "np.ndarray":
        return step(int(images[index]), image)

    return renumbered


@contextlib.contextmanager
def _rows_on_disk(folder: Path) -> "Iterator[Callable[[tuple[int, int, int]], np.ndarray]]":
    """Rows as a memory map in the hidden folder, gone afterwards."""
    import numpy as np

    path = folder / f"rows-{uuid.uuid4().hex[:8]}"

    def store(shape: tuple[int, int, int]) -> np.ndarray:
        return np.memmap(path, np.float32, "w+", shape=shape)

    try:
        yield store
    finally:
        # Where it is still open, Windows keeps it until the folder goes.
        with contextlib.suppress(OSError):
            path.unlink()
