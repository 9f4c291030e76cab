"""The story of `gyrovox tutorial spikes`: what each step made, beside what is true."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float32, Float64

from gyrovox import io
from gyrovox.io.imod_alignment import read_tilts
from gyrovox.io.particle_files import read_particles
from gyrovox.particles.picking import counted_picks
from gyrovox.progress import duration
from gyrovox.report.pictures.look import save
from gyrovox.report.pictures.sections import Section, sections
from gyrovox.report.story import Chapter, write_story
from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.alignment.beside_truth import AlignmentError, alignment_error
from gyrovox.tomography.tilt_series_files import read_alignment, read_tilt_series
from gyrovox.volumes import ParticleTable, Region, Volume

SERIES = "1-simulation/tilt-series-000.mrc"
TRUTH = "1-simulation/particles-000.csv"
ALIGNMENT = "2-alignment/tilt-series-000.xf"
TOMOGRAM, EVEN, ODD = (f"3-tomogram/tomogram{half}.mrc" for half in ("", "-even", "-odd"))
DENOISED = "4-denoised/denoised.mrc"
VIRIONS = "5-virions/virions.star"
SPIKES = "6-spikes/spikes.star"
AVERAGE = "7-average/particles.star"
"""Files of the steps, in the tutorial's folder."""

_TRUE_ALIGNMENT = "1-simulation/true-alignment-000.xf"
_DENSITY = "1-simulation/density-000.mrc"
_STORY = "story.html"


def write_spike_story(
    folder: Path, commands: Mapping[str, str], times_s: Mapping[str, float]
) -> Path:
    """Write story.html, and the pictures that it holds, into the tutorial's folder.

    Args:
        folder: What the seven steps left.
        commands: The command of each step, by the name of its folder.
        times_s: Seconds that each step took, likewise.

    Returns:
        The path of the page.

    Raises:
        GyrovoxError: If a file of a step is missing or damaged, or the page cannot be written.
    """
    tutorial = Tutorial(folder, dict(commands), dict(times_s))
    (folder / "pictures").mkdir(exist_ok=True)
    chapters = [
        tutorial.simulation(),
        tutorial.aligned(),
        tutorial.reconstructed(),
        tutorial.denoised(),
        tutorial.picked(),
        tutorial.counted(),
        tutorial.averaged(),
    ]
    said = (
        f"Seven commands, {duration(sum(times_s.values()))}. Nothing was labelled; the truth of "
        f"the simulation is only compared with."
    )
    title = "From a tilt series to counted spikes"
    return write_story(folder / _STORY, title, said, chapters, overwrite=True)


@final
@dataclass(frozen=True)
class Tutorial:
    """What the steps left, and what is true of it.

    Args:
        folder: The tutorial's folder.
        commands: The command of each step, by the name of its folder.
        times_s: Seconds that each step took, likewise.
    """

    folder: Path
    commands: dict[str, str]
    times_s: dict[str, float]

    @cached_property
    def tomogram(self) -> Volume:
        """The tomogram, read where it is looked at."""
        return io.read(self.folder / TOMOGRAM)

    @cached_property
    def truth(self) -> ParticleTable:
        """Everything in the specimen, where it lies in the specimen."""
        return read_particles(self.folder / TRUTH)

    @cached_property
    def error(self) -> AlignmentError:
        """How the frame of the tomogram lies in that of the specimen, and what is left."""
        shape = read_tilt_series(self.folder / SERIES).images.shape[1:]
        found, true = (
            _geometry(self.folder / file, (shape[0], shape[1]))
            for file in (ALIGNMENT, _TRUE_ALIGNMENT)
        )
        return alignment_error(found, true, self.truth.shape)

    def true_places(self, kind: str) -> tuple[Float64[np.ndarray, "n 3"], list[int]]:
        """Where particles of a class lie in the tomogram, in its voxels, and their rows."""
        classes = self.truth.classes or ()
        rows = [row for row, name in enumerate(classes) if name == kind]
        centre = np.array(self.truth.shape) // 2
        moved = self.error.moved(self.truth.positions[rows] - centre)
        return moved + np.array(self.tomogram.spatial_shape) // 2, rows

    def simulation(self) -> Chapter:
        """The specimen and its images."""
        density = io.read(self.folder / _DENSITY)
        series = read_tilt_series(self.folder / SERIES)
        image = int(np.abs(series.geometry.tilt_degrees).argmin())
        middle = density.spatial_shape[0] // 2
        size = self.truth.voxel_size_nm
        parts = [
            Section(pixels=-_slice(density, middle), title="specimen", pixel_size_nm=size),
            Section(pixels=series.images[image], title="its image at tilt 0", pixel_size_nm=size),
        ]
        names = sorted(set(self.truth.classes or ()))
        counts = [(name, str((self.truth.classes or ()).count(name))) for name in names]
        return self._chapter(
            SERIES,
            "A specimen, and a microscope",
            "Virions with spikes, vesicles, a microtubule and what floats between them, in ice; "
            f"{len(series)} images of them, each from another angle, with the noise of few "
            "electrons, out of focus, on a stage that drifts.",
            facts=counts,
            picture=self._drawn("simulation", parts, "The specimen", "middle slice"),
        )

    def aligned(self) -> Chapter:
        """How the images were taken."""
        record = json.loads((self.folder / "2-alignment/alignment.json").read_text("utf-8"))
        residual = record["mean_residual_pixels"]
        facts = [
            ("method", str(record["method"])),
            ("landmarks", str(record["landmarks"])),
            ("residual", "unknown" if residual is None else f"{residual:.2f} pixels"),
            ("distance from the true alignment", f"{self.error.mean:.2f} pixels"),
        ]
        return self._chapter(
            ALIGNMENT,
            "Where the stage was",
            "Gold beads are followed from image to image; shifts and the tilt axis are those that "
            "make them agree. The specimen may lie anywhere, so its frame is found by least "
            "squares before the result is compared with the true one.",
            facts=facts,
            picture=(self.folder / "2-alignment/alignment.png", "beads, residuals, shifts"),
        )

    def reconstructed(self) -> Chapter:
        """The tomogram."""
        z, y = self._looked_at()
        shape, size = self.tomogram.spatial_shape, self.truth.voxel_size_nm
        side = self.tomogram.read(Region((0, y, 0), (shape[0], y + 1, shape[2])))[0, :, 0]
        parts = [
            Section(pixels=_slice(self.tomogram, z), title=f"z = {z}", pixel_size_nm=size),
            Section(pixels=side, title=f"y = {y}, z down", pixel_size_nm=size),
        ]
        return self._chapter(
            TOMOGRAM,
            "The tomogram",
            "Gold is taken out of the images, the contrast transfer is corrected, and the images "
            "are projected back. What no image has seen, the missing wedge, smears along z. "
            "Every second image makes a tomogram of its own, for the next step.",
            facts=[("voxels (z, y, x)", " x ".join(map(str, shape))), ("voxel", f"{size:g} nm")],
            picture=self._drawn("tomogram", parts, "The tomogram", "two slices through a virion"),
        )

    def denoised(self) -> Chapter:
        """The tomogram without its noise."""
        z, _ = self._looked_at()
        size = self.truth.voxel_size_nm
        parts = [
            Section(pixels=_slice(volume, z), title=title, pixel_size_nm=size)
            for volume, title in (
                (self.tomogram, "before"),
                (io.read(self.folder / DENOISED), "after"),
            )
        ]
        return self._chapter(
            DENOISED,
            "Less noise, to look at",
            "A network learns to foretell one half of the images from the other. It cannot "
            "foretell noise, so what it says is free of it. Later steps work on the tomogram as it "
            "was.",
            facts=[],
            picture=self._drawn("denoised", parts, "Denoised", f"z = {z}"),
        )

    def picked(self) -> Chapter:
        """The virions, beside the true ones."""
        found = self._found_virions()
        places, rows = self.true_places("virion")
        true = ParticleTable(
            positions=places,
            shape=self.tomogram.spatial_shape,
            voxel_size_nm=found.voxel_size_nm,
            diameters_nm=None
            if self.truth.diameters_nm is None
            else self.truth.diameters_nm[np.array(rows, np.int64)],
        )
        counts = counted_picks(found, true)
        z, _ = self._looked_at()
        part = Section(
            pixels=_slice(io.read(self.folder / DENOISED), z),
            title="whole: found, dashed: true",
            pixel_size_nm=found.voxel_size_nm,
            found=_circles(found, z),
            true=_circles(true, z),
        )
        return self._chapter(
            VIRIONS,
            "The virions",
            "A detector that was trained on other simulated tomograms finds them.",
            facts=[
                ("found", str(counts.picks)),
                ("true", str(counts.particles)),
                ("found within half a radius of a true one", str(counts.hits)),
            ],
            picture=self._drawn("virions", [part], "Virions", f"z = {z}"),
        )

    def counted(self) -> Chapter:
        """Spikes of each virion, beside how many there are."""
        found = self._found_virions()
        places, rows = self.true_places("virion")
        parents = [] if self.truth.parents is None else self.truth.parents.tolist()
        classes = self.truth.classes or ()
        facts = []
        for line in _lines(self.folder / "6-spikes/counts.csv"):
            place = found.positions[int(line["virion"]) - 1]
            gaps = np.linalg.norm(places - place, axis=1) * found.voxel_size_nm
            nearest = int(gaps.argmin()) if len(gaps) else -1
            known = "no virion is there"
            if nearest >= 0 and gaps[nearest] < _near_nm(found):
                row = rows[nearest]
                spikes = [one for one, name in enumerate(classes) if name == "spike"]
                known = f"truth {sum(parents[one] == row for one in spikes)}"
            said = f"{line['count']} spikes ({line['low']} to {line['high']}); {known}"
            facts.append((f"virion {line['virion']}", said))
        return self._chapter(
            SPIKES,
            "The spikes",
            "Each virion is cut out and its membrane found. Codes of its voxels are learned, "
            "without a label, and grouped into a tree; the node that lies outside the membrane, in "
            "many pieces of one size, is that of the spikes. The interval says how sure the count "
            "is.",
            facts=facts,
            picture=(self.folder / "6-spikes/spikes.png", "virions, and their shells unrolled"),
        )

    def averaged(self) -> Chapter:
        """What spikes look like."""
        table = read_particles(self.folder / AVERAGE, shape=self.tomogram.spatial_shape)
        return self._chapter(
            AVERAGE,
            "What a spike looks like",
            "Spikes are turned until they agree and averaged, in two halves that know nothing of "
            "each other beyond a coarse first reference. How far the halves agree is the "
            "resolution.",
            facts=[("averaged", str(len(table)))],
            picture=(self.folder / "7-average/average.png", "slices, and how far halves agree"),
        )

    def _found_virions(self) -> ParticleTable:
        return read_particles(self.folder / VIRIONS, shape=self.tomogram.spatial_shape)

    def _looked_at(self) -> tuple[int, int]:
        """Slice (z, y) through the first virion, or through the middle."""
        places, _ = self.true_places("virion")
        shape = self.tomogram.spatial_shape
        place = places[0] if len(places) else np.array(shape) / 2
        z, y = (int(np.clip(round(place[axis]), 0, shape[axis] - 1)) for axis in (0, 1))
        return z, y

    def _chapter(
        self,
        file: str,
        title: str,
        text: str,
        *,
        facts: list[tuple[str, str]],
        picture: tuple[Path, str],
    ) -> Chapter:
        step = file.split("/", maxsplit=1)[0]
        took = [("took", duration(self.times_s[step]))] if step in self.times_s else []
        return Chapter(
            title=title,
            text=text,
            command=self.commands.get(step, ""),
            facts=(*facts, *took),
            pictures=(picture,),
        )

    def _drawn(self, name: str, parts: list[Section], title: str, said: str) -> tuple[Path, str]:
        path = self.folder / "pictures" / f"{name}.png"
        save(sections(parts, name=title, said=said), path)
        return path, title


def _geometry(path: Path, shape: tuple[int, int]) -> TiltGeometry:
    return read_alignment(path, read_tilts(path.with_suffix(".tlt")), shape)


def _slice(volume: Volume, z: int) -> Float32[np.ndarray, "y x"]:
    _, height, width = volume.spatial_shape
    voxels = volume.read(Region((z, 0, 0), (z + 1, height, width)))
    return np.asarray(voxels[0, 0], np.float32)


def _circles(table: ParticleTable, z: int) -> Float64[np.ndarray, "n 3"]:
    """Where balls of the particles' diameters cross a slice: (row, column, radius) in pixels."""
    if table.diameters_nm is None:
        return np.empty((0, 3))
    radii = table.diameters_nm / 2 / table.voxel_size_nm
    squared = radii**2 - (table.positions[:, 0] - z) ** 2
    crossing = squared > 0
    return np.column_stack([table.positions[crossing, 1:], np.sqrt(squared[crossing])])


def _near_nm(table: ParticleTable) -> float:
    """How far a virion may be from its true place."""
    return 50.0 if table.diameters_nm is None else float(np.median(table.diameters_nm)) / 2


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
