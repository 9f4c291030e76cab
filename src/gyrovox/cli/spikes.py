"""`gyrovox spikes`: the spikes of a tomogram's virions, found without labels and counted."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, LearningOptions, WorkOptions
from gyrovox.cli.outputs import check_folder, check_inputs_stay, check_space, made, publish
from gyrovox.cli.results import loaded_segmenter, new_segmenter, recorded_settings
from gyrovox.cli.spike_results import PICTURE, WRITTEN, write_discovery
from gyrovox.cli.terminal import note, say
from gyrovox.errors import ParticleError, SettingsError
from gyrovox.progress import stopwatch
from gyrovox.settings.spikes import MEMBRANE_NM, SpikeSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gyrovox.execution import Ledger
    from gyrovox.particles.spikes import SpikeDiscovery
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import ParticleTable, Volume

_STOPPING = "gyrovox: stopping as soon as may be; interrupt again to stop at once."
_ROOM = 512 * 2**20
_VIRION = "virion"
_DOUBTFUL = 0.2  # difference of a diameter that was found from the one that was picked


@final
@dataclass(frozen=True, kw_only=True)
class Spikes(Command):
    """Find the spikes of virions without labels, and count them with an interval.

    Virions are cut out, their membranes found, their voxels segmented; the node of the tree that
    may be the spikes is proposed by where it lies. DIR gets spikes.star and spikes.csv (places and
    directions), counts.csv (a line for each virion), spikes.json (the evidence), spikes.png, and
    virions/, a result that `gyrovox view DIR` opens. The same command goes on after an
    interruption.
    """

    tomogram: Annotated[str, Positional, arg(metavar="TOMOGRAM")]
    """Tomogram with cubic voxels."""

    particles: Annotated[Path, arg(metavar="FILE")]
    """Its virions: .star (RELION 4 or 5), .csv, .tbl (Dynamo) or .mod (IMOD)."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write; made if absent."""

    model_file: Annotated[Path | None, arg(aliases=["-m"], metavar="MODEL.safetensors")] = None
    """Trained model, of an earlier run. Without one, a model learns from these virions."""

    classes: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (_VIRION,)
    """Which particles are virions, where the file says what they are."""

    node: Annotated[tuple[int, ...], arg(metavar="N...")] = ()
    """Node or nodes of the tree that hold the spikes, as the explorer numbers them from 1; by
    default the likeliest by where they lie."""

    spikes: Annotated[SpikeSettings, arg(name="")] = field(default_factory=SpikeSettings)
    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        if any(node < 1 for node in self.node):
            raise SettingsError(f"--node must be numbers of nodes, from 1 on, got {self.node}.")
        timings_s: dict[str, float] = {}
        with stopwatch(timings_s, "check"):
            tomogram, particles, rows = self._inputs()
            if not self._is_begun:
                check_folder(self.output, WRITTEN, overwrite=self.work.overwrite)
                check_space(self.output, _ROOM)
            segmenter = self._segmenter(len(particles))
        with self._run_folder() as ledger:
            discovery = self._discovery(
                tomogram, particles, segmenter, ledger, timings_s, rows=rows
            )
            staged = ledger.folder / "results"
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir()
            facts = recorded_settings(
                segmenter,
                self.work,
                tomogram=self.tomogram,
                particles=str(self.particles),
                model_file=None if self.model_file is None else str(self.model_file),
                spikes=asdict(self.spikes),
            )
            write_discovery(
                staged,
                discovery,
                particles,
                segmenter,
                settings=self.spikes,
                facts=facts,
                timings_s=timings_s,
            )
            publish(staged, self.output)
        self._say(discovery, particles)

    def _inputs(self) -> "tuple[Volume, ParticleTable, NDArray[np.int64]]":
        """The tomogram, its virions, and the rows that these have in their file.

        Raises:
            ParticleError: If there is no virion among the particles.
        """
        # Imported here so that `--help` waits for no library.
        import numpy as np

        from gyrovox import io
        from gyrovox.cli.inputs import files_of
        from gyrovox.io.particle_files import read_particles

        tomogram = io.read(self.tomogram)
        check_inputs_stay([*files_of([self.tomogram]), self.particles], [self.output])
        size = None if tomogram.voxel_size_nm is None else min(tomogram.voxel_size_nm)
        every = read_particles(
            self.particles, voxel_size_nm=size, shape=tomogram.spatial_shape, tomogram=None
        )
        rows = np.arange(len(every))
        if every.classes is not None:
            rows = np.flatnonzero(np.isin(np.array(every.classes), self.classes))
        if not len(rows):
            known = ", ".join(sorted(set(every.classes or ()))) or "nothing"
            raise ParticleError(
                f"{self.particles} must hold particles of {', '.join(self.classes)}, and holds "
                f"{known}. Name the virions with --classes."
            )
        return tomogram, every.chosen(rows), rows.astype(np.int64)

    def _segmenter(self, virions: int) -> "HierarchicalSegmenter":
        """The segmenter, fitted if a model was given.

        Raises:
            SettingsError: If a model was given, and settings of another one.
        """
        from gyrovox.particles.spikes import suited

        if self.model_file is None:
            wanted = suited(self.learning.settings, virions)
            learning = replace(
                self.learning,
                model=wanted.model,
                training=wanted.training,
                segmentation=wanted.segmentation,
            )
            return new_segmenter(learning, self.work)
        plain = LearningOptions()
        if replace(self.learning, seed=plain.seed) != plain:
            raise SettingsError(
                f"a trained model has its own settings: leave away either -m {self.model_file} or "
                f"--configuration, --config, --model.*, --training.* and the like."
            )
        segmentation = suited(self.learning.settings, virions).segmentation
        return loaded_segmenter(self.model_file, self.work, segmentation)

    def _discovery(
        self,
        tomogram: "Volume",
        particles: "ParticleTable",
        segmenter: "HierarchicalSegmenter",
        ledger: "Ledger",
        timings_s: dict[str, float],
        *,
        rows: "NDArray[np.int64]",
    ) -> "SpikeDiscovery":
        """Cut out, learn, segment, find; what was learned is kept in the run's folder."""
        from gyrovox.particles.spikes.discovery import discovered, segmented_voxels
        from gyrovox.particles.spikes.panels import Panels
        from gyrovox.particles.spikes.virions import cut_virions

        with stopwatch(timings_s, "membranes"):
            virions = cut_virions(tomogram, particles, self.spikes, quiet=self.work.quiet)
            # As the file of particles counts them, of which they may be a part.
            virions = tuple(replace(virion, row=int(rows[virion.row])) for virion in virions)
            panels = Panels.of(virions)
            volume = panels.volume(tomogram.name)
        if self.model_file is None:
            self._learn(segmenter, volume, ledger, timings_s)
        with stopwatch(timings_s, "segment"):
            inside = segmented_voxels(panels, self.spikes)
            segmentation = segmenter.segment(volume, (2, 4, 8), inside=inside)
        with stopwatch(timings_s, "spikes"):
            return discovered(
                virions,
                panels,
                segmentation,
                segmenter.vae_.manifold,
                settings=self.spikes,
                nodes=tuple(node - 1 for node in self.node),
                seed=self.learning.seed,
            )

    def _learn(
        self,
        segmenter: "HierarchicalSegmenter",
        volume: "Volume",
        ledger: "Ledger",
        timings_s: dict[str, float],
    ) -> None:
        """Fit the segmenter, from where an interrupted run was.

        Raises:
            KeyboardInterrupt: If it was asked to stop; what was learned so far is kept.
        """
        from gyrovox.execution import stoppable

        checkpoint = ledger.folder / "checkpoint.safetensors"
        with (
            stopwatch(timings_s, "train"),
            stoppable("" if self.work.quiet else _STOPPING) as stopping,
        ):
            segmenter.fit(volume, checkpoint=checkpoint, should_stop=stopping)
        record = segmenter.record_
        if record is not None and record.steps < self.learning.training.steps:
            raise KeyboardInterrupt("interrupted; the same command goes on from there.")

    @property
    def _run(self) -> Path:
        return self.output

    @property
    def _is_begun(self) -> bool:
        from gyrovox.pipeline import run_folder

        return run_folder(self._run).exists()

    @property
    def _fingerprint(self) -> dict[str, object]:
        """Everything that the results depend on."""
        from gyrovox.execution import Contents
        from gyrovox.pipeline import stamps

        model = None if self.model_file is None else asdict(Contents.of(self.model_file))
        return {
            "command": "spikes",
            "tomogram": [self.tomogram, stamps(self.tomogram)],
            "particles": asdict(Contents.of(self.particles)),
            "classes": self.classes,
            "node": self.node,
            "spikes": asdict(self.spikes),
            "model_file": model,
            "settings": asdict(self.learning.settings),
            "seed": self.learning.seed,
            "nan_policy": self.work.nan_policy,
            "gyrovox": version("gyrovox"),
        }

    @contextlib.contextmanager
    def _run_folder(self) -> "Iterator[Ledger]":
        """The record of what is finished; it goes once all is."""
        from gyrovox.pipeline import opened_run

        with (
            made(self.output.absolute().parent),
            opened_run(self._run, self._fingerprint, overwrite=self.work.overwrite) as ledger,
        ):
            yield ledger
            # Some systems hold back a file, such as the lock, while it is open.
            shutil.rmtree(ledger.folder, ignore_errors=True)

    def _say(self, discovery: "SpikeDiscovery", particles: "ParticleTable") -> None:
        counts = discovery.learned.counts
        for number, virion in enumerate(discovery.survey.virions):
            say(
                f"virion {virion.row + 1}: {counts.estimates[number]:.0f} spikes "
                f"({counts.lows[number]} to {counts.highs[number]})"
            )
            found = 2 * virion.membrane.mean_radius_nm + MEMBRANE_NM
            picked = self.spikes.diameter_nm
            if particles.diameters_nm is not None and particles.diameters_nm[number] > 0:
                picked = float(particles.diameters_nm[number])
            if abs(found / picked - 1) > _DOUBTFUL:
                note(
                    f"virion {virion.row + 1} was picked {picked:.0f} nm wide, and its membrane "
                    f"found {found:.0f} nm wide: look at {PICTURE} before you believe its count.",
                    quiet=self.work.quiet,
                )
        if discovery.chosen is None:
            note(
                "no node of the tree looks like spikes; peaks of density were taken instead.",
                quiet=self.work.quiet,
            )
        note(f"the results are in {self.output}", quiet=self.work.quiet)
