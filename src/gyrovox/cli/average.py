"""`gyrovox average`: the structure that particles of a tomogram share."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.inputs import files_of
from gyrovox.cli.outputs import check_folder, check_inputs_stay, check_space, made
from gyrovox.cli.terminal import note, say
from gyrovox.errors import GyrovoxError, OutputSpaceError, ParticleError
from gyrovox.progress import stopwatch
from gyrovox.settings.averaging import AveragingRecipe

if TYPE_CHECKING:
    from gyrovox.execution import Ledger
    from gyrovox.particles.averaging import Average, Averager, AveragingState
    from gyrovox.volumes import ParticleTable, Volume

WRITTEN = (
    "average.mrc",
    "half1.mrc",
    "half2.mrc",
    "mask.mrc",
    "fsc.csv",
    "average.png",
    "particles.star",
    "run.json",
    ".gyrovox-*",
)
"""Names of what the command writes."""


@final
@dataclass(frozen=True, kw_only=True)
class AverageParticles(Command):
    """Align the particles of a tomogram to each other and average them.

    Sub-volumes are compared with a reference where both have seen something, which takes the
    missing wedge into account. Two halves are aligned apart; how far their averages agree is the
    resolution. Writes average.mrc, half1.mrc, half2.mrc and mask.mrc, fsc.csv, average.png and
    particles.star with the new poses. The same command goes on after an interruption.
    """

    tomogram: Annotated[str, Positional, arg(metavar="TOMOGRAM")]
    """Tomogram that the particles are of: one file."""

    particles: Annotated[Path, arg(metavar="PARTICLES")]
    """The particles, with directions: .star, .tbl or .csv."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write; made, or with --overwrite replaced as a whole."""

    reference: Annotated[Path | None, arg(metavar="MAP")] = None
    """What the particles look like, dense matter bright; without it, one grows from them."""

    particle_class: Annotated[str | None, arg(name="class", metavar="NAME")] = None
    """Which of the particles' classes to average, where there are several."""

    tomogram_name: Annotated[str | None, arg(metavar="NAME")] = None
    """Which tomogram's particles to take from a file of several."""

    contrast: Literal["dark", "bright"] = "dark"
    """What dense matter is in the tomogram: dark, as a detector gives it, or bright."""

    voxel_size_nm: Annotated[float | None, arg(metavar="NM")] = None
    """Side of the tomogram's voxels, where its file says none or a wrong one."""

    recipe: Annotated[AveragingRecipe, arg(name="")] = field(default_factory=AveragingRecipe)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        begun = self._run_folder.exists()
        check_folder(self.output, WRITTEN, overwrite=self.work.overwrite or begun)
        inputs = [self.tomogram, *([] if self.reference is None else [str(self.reference)])]
        check_inputs_stay([*files_of(inputs), self.particles], [self.output])
        # Imported here so that `--help` waits for no library.
        from gyrovox import devices, io

        devices.limit_threads(self.work.threads)
        timings_s: dict[str, float] = {}
        with stopwatch(timings_s, "check"):
            tomogram = io.read(self.tomogram)
            if self.voxel_size_nm is not None:
                tomogram = tomogram.with_voxel_size((self.voxel_size_nm,) * 3)
            averager = self._averager(tomogram, self._table(tomogram))
            check_space(self.output.parent, 2**24)
        with made(self.output.parent), self._opened() as ledger:
            with stopwatch(timings_s, "average"):
                average = averager.finished(self._state(averager, ledger))
            self._write(average, tomogram, averager.skipped, timings_s)
        say(
            f"{len(average.particles)} particles averaged, {averager.skipped} skipped at the "
            f"border: {average.resolution_nm():.2f} nm where the halves' correlation falls below "
            f"0.143, {average.resolution_nm(0.5):.2f} nm below 0.5"
        )
        note(f"the average is in {self.output}", quiet=self.work.quiet)

    @property
    def _run_folder(self) -> Path:
        from gyrovox.pipeline.run_folder import run_folder

        return run_folder(self.output)

    def _table(self, tomogram: "Volume") -> "ParticleTable":
        """The particles to average, in voxels of the tomogram.

        Raises:
            ParticleError: If it is not clear which ones, or there is none.
        """
        import numpy as np

        from gyrovox.io.particle_files import read_particles
        from gyrovox.particles.picking.tomogram_grid import cubic_voxel_size_nm

        table = read_particles(
            self.particles,
            voxel_size_nm=cubic_voxel_size_nm(tomogram),
            shape=tomogram.spatial_shape,
            tomogram=self.tomogram_name,
        )
        known = sorted(set(table.classes or ()))
        if self.particle_class is None and len(known) > 1:
            raise ParticleError(
                f"{self.particles}: particles that are averaged must be of one class, and these "
                f"are of {', '.join(known)}. Choose one with --class."
            )
        if self.particle_class is None:
            return table
        if self.particle_class not in known:
            raise ParticleError(
                f"{self.particles}: no particle is of the class {self.particle_class!r}. It has "
                f"those of {', '.join(known) or 'none'}."
            )
        of_class = [name == self.particle_class for name in table.classes or ()]
        return table.chosen(np.flatnonzero(of_class))

    def _averager(self, tomogram: "Volume", table: "ParticleTable") -> "Averager":
        from gyrovox import devices
        from gyrovox.particles.averaging import Averager

        return Averager(
            tomogram,
            table,
            self.recipe,
            contrast=self.contrast,
            device=devices.device(self.work.device),
            quiet=self.work.quiet,
        )

    @contextlib.contextmanager
    def _opened(self) -> "Iterator[Ledger]":
        """The record of the alignments done; it goes once the output is whole.

        Raises:
            GyrovoxError: If the average cannot be made of these inputs.
        """
        from importlib.metadata import version

        from gyrovox.pipeline import opened_run

        asked = {
            "tomogram": self.tomogram,
            "particles": str(self.particles),
            "reference": self.reference,
            "class": self.particle_class,
            "tomogram_name": self.tomogram_name,
            "contrast": self.contrast,
            "voxel_size_nm": self.voxel_size_nm,
            "recipe": asdict(replace(self.recipe, iterations=1)),  # more of them go on, too
            "gyrovox": version("gyrovox"),
        }
        with opened_run(self.output, asked, overwrite=self.work.overwrite) as ledger:
            try:
                yield ledger
            except GyrovoxError as error:
                if not isinstance(error, OutputSpaceError):
                    shutil.rmtree(ledger.folder, ignore_errors=True)
                raise
            shutil.rmtree(ledger.folder, ignore_errors=True)

    def _state(self, averager: "Averager", ledger: "Ledger") -> "AveragingState":
        """The state after the last alignment; those that were done are not done again."""
        from gyrovox import io
        from gyrovox.particles.averaging import AveragingState

        for iteration in range(self.recipe.iterations, -1, -1):
            if ledger.done("alignment", str(iteration)):
                state = AveragingState.load(ledger.path("alignment", str(iteration), ".npz"))
                note(f"going on after alignment {iteration}", quiet=self.work.quiet)
                break
        else:
            map_given = None if self.reference is None else io.read(str(self.reference))
            state = self._kept(averager.start(map_given), ledger)
        while state.iteration < self.recipe.iterations:
            state = self._kept(averager.improved(state), ledger)
        return state

    def _kept(self, state: "AveragingState", ledger: "Ledger") -> "AveragingState":
        with ledger.write("alignment", str(state.iteration), ".npz") as path:
            state.save(path)
        return state

    def _write(
        self,
        average: "Average",
        tomogram: "Volume",
        skipped: int,
        timings_s: dict[str, float],
    ) -> None:
        """Write all files into a folder beside, which takes the output's place."""
        from gyrovox import io
        from gyrovox.io.atomic import written_whole
        from gyrovox.io.particle_files import write_particles
        from gyrovox.report.pictures.averages import average_page
        from gyrovox.report.run_record import write_run_record
        from gyrovox.volumes import Volume

        size = (average.voxel_size_nm,) * 3
        maps = {
            "average": average.volume,
            "half1": average.halves[0],
            "half2": average.halves[1],
            "mask": average.mask,
        }
        with written_whole(self.output, overwrite=self.output.exists(), suffix="") as folder:
            folder.mkdir()
            for name, voxels in maps.items():
                volume = Volume.from_array(voxels, voxel_size_nm=size, name=name)
                io.write(volume, folder / f"{name}.mrc")
            average.write_correlation(folder / "fsc.csv")
            subsets = ["2" if second else "1" for second in average.second.tolist()]
            write_particles(
                average.particles,
                folder / "particles.star",
                more_columns={"rlnRandomSubset": subsets},
            )
            average_page(average, name=self.output.name).savefig(folder / "average.png")
            write_run_record(
                folder / "run.json",
                command="average",
                settings={
                    "particles": str(self.particles),
                    "reference": self.reference,
                    "contrast": self.contrast,
                    "averaging": asdict(self.recipe),
                    "averaged": len(average.particles),
                    "skipped": skipped,
                    "resolution_nm": {
                        "0.143": average.resolution_nm(),
                        "0.5": average.resolution_nm(0.5),
                    },
                },
                volumes=[tomogram],
                timings_s=timings_s,
            )
