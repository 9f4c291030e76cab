"""Examples for a detector from simulated tomograms, no two of which are taken alike."""

import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from gyrovox.errors import SettingsError
from gyrovox.execution import executor
from gyrovox.particles.detector.examples import Example, example_of
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.progress import progress
from gyrovox.tomography.simulation import (
    ImagingRecipe,
    SpecimenRecipe,
    make_specimen,
    simulated_tomogram,
)
from gyrovox.volumes import Volume

SHAPE = (48, 96, 96)
"""Voxels (z, y, x) of a simulated tomogram, of the detector's size."""

_ROOM_FOR_VIRIONS_NM = 165.0  # spikes included
_FEW = (32, 32, 32)  # voxels of the specimen that sizes of molecules are taken from
_DOSES = 20.0, 240.0  # electrons per Å²
_DEFOCUS_NM = 2000.0, 5000.0


@final
@dataclass(frozen=True)
class SimulatedExamples:
    """A task for an executor: simulates one tomogram, and keeps the example in a file.

    Args:
        folder: Where the files are.
        settings: The detector.
        seed: Seed of all of them.
    """

    folder: Path
    settings: DetectorSettings
    seed: int

    def __call__(self, number: int) -> None:
        path = self.path(number)
        if not path.exists():
            simulated_example(self.settings, seed=self.seed, number=number).save(path)

    def path(self, number: int) -> Path:
        """The file of an example."""
        # What is left of a run with other settings is none of this one's.
        facts = json.dumps([self.settings.classes, self.settings.voxel_size_nm, self.seed])
        return self.folder / f"example-{zlib.crc32(facts.encode()):08x}-{number:04d}.npz"


def simulated_examples(
    folder: Path,
    count: int,
    settings: DetectorSettings,
    *,
    seed: int,
    workers: int = 1,
    quiet: bool = False,
) -> list[Example]:
    """Examples from simulated tomograms; those that are in the folder already are taken from there.

    Args:
        folder: Where they are kept, one file each; it exists.
        count: How many.
        settings: The detector.
        seed: Seed of all of them.
        workers: How many are simulated at a time, each by a process of its own.
        quiet: Show no progress.

    Returns:
        The examples, the same for the same seed and settings, however many workers there are.

    Raises:
        SettingsError: If a class of the detector is none that is simulated.
        OutputSpaceError: If there is no room for the files.
    """
    task = SimulatedExamples(folder, settings, seed)
    missing = [number for number in range(count) if not task.path(number).exists()]
    shown = progress("simulate", count, quiet=quiet, unit="tomograms")
    with executor(workers) as running, shown:
        shown.advance(count - len(missing))
        for _ in running.map(task, missing):
            shown.advance()
    return [Example.load(task.path(number)) for number in range(count)]


def simulated_example(settings: DetectorSettings, *, seed: int, number: int) -> Example:
    """An example from a simulated tomogram.

    Dose, defocus, crowding and what there is differ from one to the next, so that the detector
    learns to do without any of them.

    Args:
        settings: The detector.
        seed: Seed of a training.
        number: Which of its examples.

    Returns:
        The example.

    Raises:
        SettingsError: If not even one virion fits into the detector's voxels.
    """
    chance = np.random.default_rng((seed, number))
    size = settings.voxel_size_nm
    recipe, imaging = _recipe(chance, size), _imaging(chance)
    while True:
        try:
            made = simulated_tomogram(int(chance.integers(2**32)), recipe, imaging)
            break
        except SettingsError:
            # Large virions that find no room beside each other.
            if recipe.virions <= 1:
                raise
            recipe = replace(recipe, virions=recipe.virions - 1)
    tomogram = Volume.from_array(made.tomogram, voxel_size_nm=(size, size, size))
    return example_of(tomogram, made.specimen.particles, settings)


def _recipe(chance: np.random.Generator, voxel_size_nm: float) -> SpecimenRecipe:
    """What is in a specimen; virions, where there is room for one."""
    room = SHAPE[0] * voxel_size_nm >= _ROOM_FOR_VIRIONS_NM
    return SpecimenRecipe(
        shape=SHAPE,
        voxel_size_nm=voxel_size_nm,
        virions=int(chance.integers(1, 5)) if room else 0,
        spikes_per_virion=float(chance.uniform(15, 40)),
        lumps_per_virion=int(chance.integers(15, 40)),
        vesicles=int(chance.integers(2, 7)),
        cargo_per_vesicle=int(chance.integers(0, 9)),
        microtubules=int(chance.integers(0, 3)),
        membranes=int(chance.integers(0, 3)),
        ribosomes=int(chance.integers(0, 17)),
        shells=int(chance.integers(0, 17)),
        gold=int(chance.integers(0, 13)),
        crowding=float(chance.uniform(0, 0.8)),
    )


def _imaging(chance: np.random.Generator) -> ImagingRecipe:
    """How it is imaged: some faintly, some well."""
    return ImagingRecipe(
        dose=float(np.exp(chance.uniform(*np.log(_DOSES)))),
        defocus_nm=float(chance.uniform(*_DEFOCUS_NM)),
    )


def simulated_settings(
    classes: tuple[str, ...], *, voxel_size_nm: float | None = None
) -> DetectorSettings:
    """A detector for particles that are simulated, as large as they are there.

    Args:
        classes: What it tells apart, such as ``virion`` or ``ribosome``.
        voxel_size_nm: Side of the voxels that it reads; a twentieth of the smallest diameter if
            None.

    Returns:
        Its settings.

    Raises:
        SettingsError: If a class is none that is simulated, or sizes differ too much.
    """
    if classes == ("virion",) and voxel_size_nm is None:
        return DetectorSettings()
    found = _simulated_diameters()
    for name in classes:
        if name not in found:
            raise SettingsError(
                f"the classes of a detector that learns from simulated tomograms must be some of "
                f"{', '.join(sorted(found))}, and {name!r} came. Pass tomograms of your own with "
                f"--data."
            )
    sizes = [size for name in classes for size in found[name]]
    return DetectorSettings.for_diameters(sizes, classes=classes, voxel_size_nm=voxel_size_nm)


def _simulated_diameters() -> dict[str, list[float]]:
    """Diameters of what is simulated, by class, in nm."""
    empty = SpecimenRecipe(
        shape=_FEW, voxel_size_nm=4.0, virions=0, vesicles=0, microtubules=0, membranes=0
    )
    particles = make_specimen(0, empty).particles
    found: dict[str, list[float]] = {
        "virion": list(empty.virion_diameter_nm),
        "vesicle": list(empty.vesicle_diameter_nm),
    }
    diameters = np.asarray(particles.diameters_nm).tolist()
    for name, diameter in zip(particles.classes or (), diameters, strict=True):
        found.setdefault(name, []).append(diameter)
    return found
