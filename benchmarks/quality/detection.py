"""Virions found in simulated tomograms: ``python -m benchmarks.quality detection``.

A RetinaNet for each of several training seeds, beside a difference of Gaussians and template
matching, on tomograms of seeds that none of them has seen, at the default dose and crowding and at
others. Classic pickers get their thresholds, and the difference of Gaussians its diameter, from
tomograms of other seeds; a detector has its own from those that its training held out. Writes
``benchmarks/quality/results/detection.md`` and ``detection.png``.
"""

import argparse
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.quality.baselines import RESULTS
from gyrovox.devices import cores, share_processors
from gyrovox.execution import executor
from gyrovox.particles.detector import (
    DetectorSettings,
    DetectorTraining,
    ParticleDetector,
    calibrated,
    train_detector,
)
from gyrovox.particles.detector.simulated_examples import SHAPE, simulated_examples
from gyrovox.particles.picking import (
    PickCounts,
    TemplateSearch,
    above,
    best_threshold,
    counted_picks,
    pick_by_difference_of_gaussians,
    pick_by_template,
)
from gyrovox.particles.picking.peaks import kept_points
from gyrovox.progress import track
from gyrovox.tomography.simulation import (
    ImagingRecipe,
    SpecimenRecipe,
    make_specimen,
    simulated_tomogram,
)
from gyrovox.volumes import ParticleTable, Volume

TEST_SEED, CHOICE_SEED, TEMPLATE_SEED = 1_000_000, 2_000_000, 3_000_000
"""First seeds of the tomograms that are tested on, of those that thresholds are chosen on, and of
the virions that templates are averaged from."""

VOXEL_NM = 4.0
ANYTHING = -100.0  # a threshold that all peaks pass

Found = list[tuple[ParticleTable, ParticleTable]]
Picker = Callable[[Volume], ParticleTable]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is trained, tested and compared."""

    seeds: tuple[int, ...] = (0, 1)
    tomograms: int = 64
    training: DetectorTraining = field(default_factory=DetectorTraining)
    count: int = 20
    fine: int = 4
    doses: tuple[float, ...] = (15.0, 30.0, 60.0, 120.0, 240.0)
    crowding: tuple[float, ...] = (0.0, 0.2, 0.5, 1.0)
    diameters_nm: tuple[float, ...] = (80.0, 100.0, 120.0, 140.0)
    templates_nm: tuple[float, ...] = (85.0, 100.0, 115.0)
    workers: int = field(default_factory=cores)

    @property
    def some(self) -> int:
        """Tomograms at other doses and crowding, and to choose thresholds on."""
        return max(1, self.count // 2)

    @property
    def held_out(self) -> int:
        """Tomograms that a training keeps to choose its threshold on."""
        return max(1, self.tomograms // 8)


SMOKE = Plan(
    seeds=(0,),
    tomograms=2,
    training=DetectorTraining(steps=2, batch=1, crop=(16, 32, 32)),
    count=1,
    fine=0,
    doses=(120.0,),
    crowding=(0.2,),
    diameters_nm=(120.0,),
    templates_nm=(100.0,),
    workers=1,  # others would take longer to start than they work
)


@dataclass(frozen=True)
class Condition:
    """Tomograms of one kind."""

    name: str
    specimen: SpecimenRecipe
    imaging: ImagingRecipe
    first: int
    count: int


@dataclass(frozen=True)
class Simulation:
    """Simulates the tomogram of a condition and a number, and keeps it in a folder."""

    folder: Path

    def __call__(self, item: tuple[Condition, int]) -> None:
        condition, number = item
        path = self.path(condition, number)
        if path.exists():
            return
        made = simulated_tomogram(condition.first + number, condition.specimen, condition.imaging)
        virions = made.specimen.particles_of("virion")
        beside = path.with_suffix(".partial.npz")
        np.savez(
            beside,
            voxels=made.tomogram,
            positions=virions.positions,
            diameters=np.asarray(virions.diameters_nm),
            size=condition.specimen.voxel_size_nm,
        )
        beside.replace(path)

    def path(self, condition: Condition, number: int) -> Path:
        """Where a tomogram is."""
        # Not by its name: the default dose is a dose, too.
        facts = zlib.crc32(repr((condition.specimen, condition.imaging)).encode())
        return self.folder / f"tomogram-{facts:08x}-{condition.first + number}.npz"

    def load(self, condition: Condition, number: int) -> tuple[Volume, ParticleTable]:
        """A tomogram and its virions."""
        with np.load(self.path(condition, number)) as stored:
            size = float(stored["size"])
            tomogram = Volume.from_array(stored["voxels"], voxel_size_nm=(size, size, size))
            truth = ParticleTable(
                positions=stored["positions"],
                shape=tomogram.spatial_shape,
                voxel_size_nm=size,
                diameters_nm=stored["diameters"],
            )
        return tomogram, truth


def conditions(plan: Plan) -> dict[str, Condition]:
    """What is tested on: the default, each dose, each crowding, and the default's finer voxels."""
    default, imaging = SpecimenRecipe(shape=SHAPE, voxel_size_nm=VOXEL_NM), ImagingRecipe()
    kinds = {f"dose-{dose:g}": (default, replace(imaging, dose=dose)) for dose in plan.doses}
    kinds |= {
        f"crowding-{share:g}": (replace(default, crowding=share), imaging)
        for share in plan.crowding
    }
    every = [
        Condition("choice", default, imaging, CHOICE_SEED, plan.some),
        Condition("default", default, imaging, TEST_SEED, plan.count),
        *(Condition(name, *recipes, TEST_SEED, plan.some) for name, recipes in kinds.items()),
        Condition("fine", SpecimenRecipe(), imaging, TEST_SEED, plan.fine),
    ]
    return {condition.name: condition for condition in every if condition.count}


def round_template(diameter_nm: float) -> Volume:
    """The density of virions of one diameter, averaged over them and over all directions."""
    recipe = SpecimenRecipe(
        shape=(48, 48, 48),
        voxel_size_nm=VOXEL_NM,
        virions=1,
        virion_diameter_nm=(diameter_nm, diameter_nm),
        vesicles=0,
        microtubules=0,
        membranes=0,
        ribosomes=0,
        shells=0,
        gold=0,
        crowding=0.0,
    )
    sums, counts = np.zeros(64), np.zeros(64)
    for number in range(4):
        specimen = make_specimen(TEMPLATE_SEED + number, recipe)
        centre = specimen.particles_of("virion").positions[0]
        gaps = np.indices(specimen.density.shape) - centre[:, None, None, None]
        shells = np.rint(np.linalg.norm(gaps, axis=0)).astype(int).ravel()
        sums += np.bincount(shells, specimen.density.ravel(), minlength=64)[:64]
        counts += np.bincount(shells, minlength=64)[:64]
    profile = sums / np.maximum(counts, 1)
    side = 2 * (round((diameter_nm + 60) / VOXEL_NM / 2)) + 1
    radius = np.linalg.norm(np.indices((side,) * 3) - side // 2, axis=0)
    density = np.interp(radius, np.arange(64), profile).astype(np.float32)
    return Volume.from_array(density, voxel_size_nm=(VOXEL_NM,) * 3)


def template_picker(sizes_nm: Sequence[float]) -> Picker:
    """Templates of several sizes, each seen through the wedge; of overlapping picks, the best."""
    templates = {size: round_template(size) for size in sizes_nm}

    def pick(tomogram: Volume) -> ParticleTable:
        tables = [
            pick_by_template(
                tomogram,
                template,
                TemplateSearch(
                    diameter_nm=size + 40,
                    angular_step_degrees=360.0,
                    threshold=ANYTHING,
                    voxel_size_nm=VOXEL_NM,
                ),
                device="cpu",
                quiet=True,
            )
            for size, template in templates.items()
        ]
        positions = np.concatenate([table.positions for table in tables])
        scores = np.concatenate([np.asarray(table.scores) for table in tables])
        order = np.argsort(-scores)
        apart = 0.75 * min(sizes_nm) / tables[0].voxel_size_nm
        kept = order[kept_points(positions[order], apart=apart)]
        return ParticleTable(
            positions=positions[kept],
            scores=scores[kept],
            shape=tables[0].shape,
            voxel_size_nm=tables[0].voxel_size_nm,
        )

    return pick


def gaussian_picker(diameter_nm: float) -> Picker:
    """A difference of Gaussians for one diameter."""
    return lambda tomogram: pick_by_difference_of_gaussians(
        tomogram, diameter_nm=diameter_nm, threshold=ANYTHING, quiet=True
    )


def detector_picker(detector: ParticleDetector) -> Picker:
    """A trained detector; scores below 0.05 are never picks."""
    return lambda tomogram: detector.detect(tomogram, threshold=0.05, device="cpu", quiet=True)


def picked(picker: Picker, simulation: Simulation, condition: Condition) -> Found:
    """What a picker finds in the tomograms of a condition, and what there is."""
    found = []
    for number in range(condition.count):
        tomogram, truth = simulation.load(condition, number)
        found.append((picker(tomogram), truth))
    return found


def counts_at(found: Found, threshold: float) -> PickCounts:
    """Counts of all tomograms together."""
    return sum(
        (counted_picks(above(picks, threshold), truth) for picks, truth in found), PickCounts()
    )


@dataclass(frozen=True)
class Contender:
    """A picker with what was chosen for it."""

    name: str
    picker: Picker
    threshold: float


def classic_contenders(plan: Plan, simulation: Simulation, choice: Condition) -> list[Contender]:
    """Classic pickers with the threshold, and the diameter, that are best on other seeds."""
    best = None
    for diameter in plan.diameters_nm:
        picker = gaussian_picker(diameter)
        threshold, counts = best_threshold(picked(picker, simulation, choice))
        if best is None or counts.f1 > best[0]:
            best = counts.f1, Contender(f"DoG, {diameter:g} nm", picker, threshold)
    assert best is not None
    picker = template_picker(plan.templates_nm)
    threshold, _ = best_threshold(picked(picker, simulation, choice))
    return [best[1], Contender("template matching", picker, threshold)]


def trained_contenders(plan: Plan, folder: Path) -> tuple[list[Contender], list[str]]:
    """A detector for each seed, trained or taken from the folder; and what training took."""
    contenders, notes = [], []
    for seed in plan.seeds:
        path = folder / f"detector-{seed}-{plan.training.steps}-{plan.tomograms}.safetensors"
        if not path.exists():
            _train(plan, folder, seed).save(path)
        detector = ParticleDetector.load(path)
        contenders.append(
            Contender(f"RetinaNet, seed {seed}", detector_picker(detector), detector.threshold)
        )
        notes.append(
            f"seed {seed}: threshold {detector.threshold:.3f}, F1 {detector.about['F1 held out']} "
            f"on the held-out tomograms"
        )
    return contenders, notes


def _train(plan: Plan, folder: Path, seed: int) -> ParticleDetector:
    """A detector, trained as ``gyrovox train-detector`` does it."""
    settings = DetectorSettings()
    # The same tomograms for every seed of a training: simulating takes as long as training.
    examples = simulated_examples(
        folder, plan.tomograms, settings, seed=plan.seeds[0], workers=plan.workers
    )
    network, _ = train_detector(
        settings,
        examples[: -plan.held_out],
        plan.training,
        seed=seed,
        device="cpu",
        checkpoint=folder / f"checkpoint-{seed}-{plan.training.steps}.safetensors",
    )
    held_out = examples[-plan.held_out :]
    threshold, counts = calibrated(ParticleDetector(network), held_out, device="cpu")
    about = {
        "data": "simulated tomograms",
        "tomograms": plan.tomograms,
        "seed": seed,
        "steps": plan.training.steps,
        "held out": plan.held_out,
        "F1 held out": round(counts.f1, 4),
    }
    return ParticleDetector(network, threshold=threshold, about=about)


Counts = dict[str, dict[str, PickCounts]]
"""By contender and condition."""


def report(plan: Plan, folder: Path) -> tuple[str, Counts]:
    """The page, and all counts."""
    simulation, every = Simulation(folder), conditions(plan)
    items = [(one, number) for one in every.values() for number in range(one.count)]
    with executor(plan.workers) as running:
        for _ in track(running.map(simulation, items), "simulate", len(items), unit="tomograms"):
            pass
    trained, notes = trained_contenders(plan, folder)
    contenders = [*trained, *classic_contenders(plan, simulation, every.pop("choice"))]
    counts: Counts = {}
    seconds: dict[str, float] = {}
    for contender in track(contenders, "test", len(contenders), unit="pickers"):
        start = time.process_time()
        counts[contender.name] = {
            name: counts_at(picked(contender.picker, simulation, one), contender.threshold)
            for name, one in every.items()
        }
        tested = sum(one.count for one in every.values())
        seconds[contender.name] = (time.process_time() - start) / tested
    tables = [default_table(contenders, counts, seconds)]
    for title, prefix in (
        ("Dose in e/Å²", "dose"),
        ("Crowding", "crowding"),
        ("Default voxels of 1.5 nm, which are resampled", "fine"),
    ):
        tables += condition_table(title, prefix, counts)
    trainings = ["", "## Training", "", *(f"- {note}" for note in notes), ""]
    return "\n".join([*introduction(plan), *tables, *trainings]), counts


def introduction(plan: Plan) -> list[str]:
    """What was measured, in words."""
    return [
        "# Virions in simulated tomograms",
        "",
        f"Made by `python -m benchmarks.quality detection`. Unseen seeds: {plan.count} tomograms "
        f"of {SHAPE} voxels of {VOXEL_NM:g} nm at the default dose (120 e/Å²) and crowding (0.2), "
        f"{plan.some} at every other one. In them are vesicles, half of them as large as virions, "
        f"membranes, microtubules, ribosomes and gold. A pick is a hit if it lies within half a "
        f"radius of a virion's centre, each virion once.",
        "",
        f"Detectors learned from the same {plan.tomograms - plan.held_out} simulated tomograms of "
        f"varied dose, defocus and crowding, each in {plan.training.steps} steps of "
        f"{plan.training.batch} crops of {plan.training.crop} voxels; their thresholds are from "
        f"{plan.held_out} more. Thresholds of the classic pickers, and the diameter of the "
        f"difference of Gaussians (DoG), are from "
        f"{plan.some} tomograms of other seeds at the default dose. Templates are virions of "
        f"{', '.join(f'{size:g}' for size in plan.templates_nm)} nm, averaged over all directions.",
        "",
        "## Default dose and crowding",
        "",
    ]


def default_table(
    contenders: Sequence[Contender], counts: Counts, seconds: dict[str, float]
) -> str:
    """Precision, recall and F1 at the default."""
    lines = [
        "| picker | precision | recall | F1 | virions | threshold | CPU s a tomogram |",
        "|---|---|---|---|---|---|---|",
    ]
    for contender in contenders:
        one = counts[contender.name]["default"]
        lines.append(
            f"| {contender.name} | {one.precision:.3f} | {one.recall:.3f} | {one.f1:.3f} | "
            f"{one.particles} | {contender.threshold:.3f} | {seconds[contender.name]:.2f} |"
        )
    return "\n".join(lines)


def condition_table(title: str, prefix: str, counts: Counts) -> list[str]:
    """F1 at the conditions whose names begin with a prefix; nothing if there are none."""
    names = [name for name in next(iter(counts.values())) if name.startswith(prefix)]
    if not names:
        return []
    heads = " | ".join(name.partition("-")[2] or f"{name} voxels" for name in names)
    rows = [
        f"| {name} | {' | '.join(f'{row[key].f1:.3f}' for key in names)} |"
        for name, row in counts.items()
    ]
    return ["", f"## {title}", "", f"| F1 | {heads} |", "|---|" + "---|" * len(names), *rows]


def draw(path: Path, counts: Counts, doses: Sequence[float]) -> None:
    """Curves over dose and over crowding."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, prefix, label in zip(
        panels, ("dose", "crowding"), ("dose (e/Å²)", "crowding"), strict=True
    ):
        for name, row in counts.items():
            keys = [key for key in row if key.startswith(prefix)]
            places = [float(key.partition("-")[2]) for key in keys]
            axes.plot(places, [row[key].f1 for key in keys], marker="o", markersize=4, label=name)
        axes.set(xlabel=label, ylim=(0, 1.03))
        axes.grid(visible=True, alpha=0.3)
    panels[0].set(xscale="log", ylabel="F1 of virions")
    panels[0].set_xticks(doses, [f"{dose:g}" for dose in doses])
    panels[0].minorticks_off()
    panels[1].legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Train, test and write the page; ``smoke`` runs everything small and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality detection")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="of trainings")
    parser.add_argument("--count", type=int, default=20, help="tomograms at the default dose")
    parser.add_argument("--fine", type=int, default=4, help="tomograms of 1.5 nm voxels")
    parser.add_argument("--tomograms", type=int, default=64, help="for each training")
    parser.add_argument("--steps", type=int, default=800, help="of each training")
    parser.add_argument("--cache", type=Path, help="folder to keep tomograms and detectors in")
    asked = parser.parse_args([] if smoke else given)
    share_processors()
    plan = Plan(
        seeds=tuple(asked.seeds),
        tomograms=asked.tomograms,
        training=DetectorTraining(steps=asked.steps),
        count=asked.count,
        fine=asked.fine,
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.cache or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        page, counts = report(SMOKE if smoke else plan, folder)
    print(page)
    if not smoke:
        (RESULTS / "detection.md").write_text(page, encoding="utf-8")
        draw(RESULTS / "detection.png", counts, plan.doses)
    return page
