"""Spikes counted on simulated virions: ``python -m benchmarks.quality spikes``.

Tomograms of unseen seeds are simulated, at the default dose and at others. Picks are the virions'
true centres, a few nanometres off, with diameters that are a few per cent wrong. One model of each
geometry learns from the virions of a tomogram of another seed, without labels, and serves for all.
The ways that are compared:

- threshold: peaks of smoothed density outside the membrane above Otsu's threshold;
- density: the same peaks as a mixture of spikes and of what a decoy shell shows;
- look of density: profiles of density, told apart as spikes look alike;
- Euclidean, hyperbolic: the same for profiles of codes in either geometry;
- Euclidean and density, hyperbolic and density: for profiles of both; the last is what
  `gyrovox spikes` does, from the node that it proposes.

Everything was chosen on seeds from 9001 on; test seeds begin at 20001 and were scored once. What is
finished is kept in ``--cache``, from where the same command goes on. Writes
``benchmarks/quality/results/spikes.md`` and ``spikes.png``.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from skimage.filters import threshold_otsu

from benchmarks.quality.baselines import RESULTS
from gyrovox.devices import share_processors
from gyrovox.particles.spikes import cut_virions, suited
from gyrovox.particles.spikes.appearance import PeakScores, scored_by_density, scored_by_profile
from gyrovox.particles.spikes.discovery import (
    discovered,
    found_spikes,
    segmented_voxels,
    tangent_codes,
)
from gyrovox.particles.spikes.panels import Panels
from gyrovox.particles.spikes.survey import Survey
from gyrovox.particles.spikes.virions import Virion
from gyrovox.progress import track
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import configuration
from gyrovox.settings.spikes import SpikeSettings
from gyrovox.tomography.simulation import ImagingRecipe, SpecimenRecipe, simulated_tomogram
from gyrovox.volumes import ParticleTable, Volume

TRAINING_SEED, DEVELOPMENT_SEED, TEST_SEED = 9001, 9002, 20001
DEFAULT_DOSE = 120.0
WITHIN_NM = 8.0
OFF_NM, WRONG = 3.0, 0.05  # standard deviations of picked centres and diameters
TEMPLATES = Path(__file__).resolve().parents[3] / "shared" / "data" / "sim_templates"
GEOMETRIES = {"hyperbolic": "default", "Euclidean": "euclidean"}
WAYS = (
    "threshold",
    "density",
    "look of density",
    "Euclidean",
    "hyperbolic",
    "Euclidean and density",
    "hyperbolic and density",
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated, and how much is learned."""

    count: int = 8
    some: int = 3
    doses: tuple[float, ...] = (30.0, 60.0, DEFAULT_DOSE, 240.0)
    steps: int = 200
    specimen: SpecimenRecipe = field(
        default_factory=lambda: SpecimenRecipe(templates=TEMPLATES if TEMPLATES.is_dir() else None)
    )
    imaging: ImagingRecipe = field(default_factory=ImagingRecipe)
    settings: SpikeSettings = field(default_factory=SpikeSettings)
    first: int = TEST_SEED

    def tomograms(self) -> list[tuple[int, float]]:
        """Seeds and doses; all doses see the same specimens."""
        return [
            (self.first + number, dose)
            for dose in sorted(self.doses, key=lambda dose: (dose != DEFAULT_DOSE, dose))
            for number in range(self.count if dose == DEFAULT_DOSE else self.some)
        ]


SMOKE = Plan(
    count=1,
    some=1,
    doses=(DEFAULT_DOSE,),
    steps=2,
    specimen=SpecimenRecipe(
        shape=(48, 48, 48),
        voxel_size_nm=3.0,
        virions=1,
        virion_diameter_nm=(60.0, 64.0),
        spikes_per_virion=8.0,
        vesicles=0,
        microtubules=0,
        membranes=0,
        ribosomes=0,
        gold=0,
    ),
    settings=SpikeSettings(working_voxel_nm=4.5),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """How right a way was about one virion."""

    seed: int
    dose: float
    virion: int
    way: str
    true: int
    count: float
    low: int | None
    high: int | None
    listed: int
    hits: int


def picked(truth: ParticleTable, seed: int) -> ParticleTable:
    """Virions as somebody might pick them."""
    generator = np.random.default_rng((seed, 7))
    off = generator.normal(scale=OFF_NM / truth.voxel_size_nm, size=truth.positions.shape)
    wrong = 1 + generator.normal(scale=WRONG, size=len(truth))
    diameters = np.full(len(truth), 100.0) if truth.diameters_nm is None else truth.diameters_nm
    return replace(truth, positions=truth.positions + off, diameters_nm=diameters * wrong)


def simulated(plan: Plan, seed: int, dose: float) -> tuple[Volume, ParticleTable, ParticleTable]:
    """A tomogram, the virions in it as picked, and its spikes."""
    made = simulated_tomogram(seed, plan.specimen, replace(plan.imaging, dose=dose))
    size = plan.specimen.voxel_size_nm
    tomogram = Volume.from_array(made.tomogram, voxel_size_nm=(size,) * 3, name=f"seed-{seed}")
    truth = made.specimen.particles_of("virion")
    return tomogram, picked(truth, seed), made.specimen.particles_of("spike")


def models(plan: Plan, folder: Path) -> dict[str, HierarchicalSegmenter]:
    """A model of each geometry, from the virions of a tomogram that is not tested on."""
    found = {}
    for geometry, name in GEOMETRIES.items():
        path = folder / f"{name}.safetensors"
        if not path.exists():
            tomogram, virions, _ = simulated(plan, TRAINING_SEED, DEFAULT_DOSE)
            panels = Panels.of(cut_virions(tomogram, virions, plan.settings))
            settings = configuration(name)
            training = replace(
                settings.training,
                steps=plan.steps,
                crop_size=min(settings.training.crop_size, min(panels.shape) // 4),
            )
            learned = HierarchicalSegmenter(
                suited(replace(settings, training=training), len(virions)), seed=0, quiet=True
            )
            learned.fit(panels.volume("training"))
            learned.save(path)
        found[geometry] = HierarchicalSegmenter.load(path, quiet=True)
    return found


def ways(
    survey: Survey,
    panels: Panels,
    segmenters: Mapping[str, HierarchicalSegmenter],
    settings: SpikeSettings,
) -> dict[str, PeakScores]:
    """Scores of the peaks by all ways but the first and the last."""
    peaks, decoys = survey.candidates, survey.decoys
    density = scored_by_density(peaks.scored(), decoys.scored(), virions=len(survey.virions))
    maps = {"look of density": panels.density()[..., None]}
    for geometry in ("Euclidean", "hyperbolic"):
        segmenter = segmenters[geometry]
        codes = segmenter.embed(panels.volume("virions"))
        maps[geometry] = tangent_codes(codes, segmenter.vae_.manifold)
    together = (maps["Euclidean"], maps["look of density"])
    maps["Euclidean and density"] = np.concatenate(together, axis=-1)
    found = {"density": density}
    for name, whole in maps.items():
        parts = tuple(panels.parts(whole))
        found[name] = scored_by_profile(
            peaks.profiles(parts), decoys.profiles(parts), first=density, seed=0
        )
    return found


def hits_of(found_nm: np.ndarray, true_nm: np.ndarray) -> int:
    """How many spikes are found, each once, by the best assignment."""
    if not len(found_nm) or not len(true_nm):
        return 0
    gaps = np.linalg.norm(found_nm[:, None] - true_nm[None], axis=-1)
    rows, columns = linear_sum_assignment(np.minimum(gaps, 10 * WITHIN_NM))
    return int((gaps[rows, columns] < WITHIN_NM).sum())


def scored(
    plan: Plan, seed: int, dose: float, segmenters: Mapping[str, HierarchicalSegmenter]
) -> list[Row]:
    """All ways on one tomogram, a row for each of its virions."""
    tomogram, particles, spikes = simulated(plan, seed, dose)
    virions = cut_virions(tomogram, particles, plan.settings)
    panels = Panels.of(virions)
    survey = Survey.of(virions, plan.settings)
    rows: list[Row] = []

    def add(way: str, found_nm: np.ndarray, owners: np.ndarray, counts: Sequence | None) -> None:
        for number in range(len(virions)):
            mine = found_nm[owners == number]
            true = spikes.positions_nm[spikes.parents == number]
            count, low, high = (len(mine), None, None) if counts is None else counts[number]
            rows.append(
                Row(
                    seed=seed,
                    dose=dose,
                    virion=number,
                    way=way,
                    true=len(true),
                    count=count,
                    low=low,
                    high=high,
                    listed=len(mine),
                    hits=hits_of(mine, true),
                )
            )

    peaks = survey.candidates
    above = peaks.densities > threshold_otsu(peaks.densities)
    add("threshold", heads(virions, peaks.chosen(above), plan.settings), peaks.owners[above], None)
    found = {
        name: found_spikes(survey, panels, scores, plan.settings, node=None, seed=0)
        for name, scores in ways(survey, panels, segmenters, plan.settings).items()
    }
    segmenter = segmenters["hyperbolic"]
    segmentation = segmenter.segment(
        panels.volume("virions"), (2,), inside=segmented_voxels(panels, plan.settings)
    )
    whole = discovered(
        virions, panels, segmentation, segmenter.vae_.manifold, settings=plan.settings
    )
    found["hyperbolic and density"] = whole.learned
    for name, one in found.items():
        counts = [
            (float(count), int(low), int(high))
            for count, low, high in zip(
                one.counts.estimates, one.counts.lows, one.counts.highs, strict=True
            )
        ]
        add(name, heads(virions, one.peaks, plan.settings), one.peaks.owners, counts)
    return rows


def heads(virions: Sequence[Virion], peaks: object, settings: SpikeSettings) -> np.ndarray:
    """Where the spikes of peaks have their centres, in nm."""
    places = np.zeros((len(peaks), 3))
    directions = peaks.directions
    for number, virion in enumerate(virions):
        mine = peaks.owners == number
        places[mine] = virion.membrane.points_nm(directions[mine], settings.centre_nm)
    return places


def kept_rows(plan: Plan, folder: Path, *, quiet: bool) -> list[Row]:
    """The rows of all tomograms; those that are in the folder are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    segmenters = models(plan, folder)
    rows = []
    todo = plan.tomograms()
    for seed, dose in track(todo, "tomograms", len(todo), unit="tomograms", quiet=quiet):
        path = folder / f"{seed}-{dose:g}.json"
        if not path.exists():
            made = [asdict(row) for row in scored(plan, seed, dose, segmenters)]
            beside = path.with_suffix(".partial")
            beside.write_text(json.dumps(made), encoding="utf-8")
            beside.replace(path)
        rows.extend(Row(**row) for row in json.loads(path.read_text(encoding="utf-8")))
    return rows


def interval(values: np.ndarray, groups: np.ndarray, statistic: Callable) -> tuple[float, float]:
    """95 % of a statistic when whole tomograms are drawn anew."""
    generator = np.random.default_rng(0)
    kinds = np.unique(groups)
    drawn = [
        statistic(
            np.concatenate([values[groups == kind] for kind in generator.choice(kinds, len(kinds))])
        )
        for _ in range(2000)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def summary(rows: Sequence[Row]) -> dict[str, float | tuple[float, float]]:
    """What a way's rows come to."""
    true = np.array([row.true for row in rows], float)
    count = np.array([row.count for row in rows])
    seeds = np.array([row.seed for row in rows])
    held = [row.low <= row.true <= row.high for row in rows if row.low is not None]
    hits, listed = sum(row.hits for row in rows), sum(row.listed for row in rows)
    return {
        "error": float(np.median(np.abs(count - true) / true)),
        "worst": float(np.max(np.abs(count - true) / true)),
        "bias": float((count - true).mean()),
        "bias_interval": interval(count - true, seeds, np.mean),
        "coverage": float(np.mean(held)) if held else float("nan"),
        "width": float(
            np.mean([row.high - row.low for row in rows if row.low is not None] or [np.nan])
        ),
        "precision": hits / max(listed, 1),
        "recall": hits / float(true.sum()),
    }


def table(rows: Sequence[Row]) -> list[str]:
    """A line for each way."""
    lines = [
        "| way | median error | worst | bias, spikes (95 %) | intervals hold | their width "
        "| precision | recall |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way in WAYS:
        one = summary([row for row in rows if row.way == way])
        low, high = one["bias_interval"]
        held = "" if np.isnan(one["coverage"]) else f"{one['coverage']:.0%}"
        width = "" if np.isnan(one["width"]) else f"{one['width']:.1f}"
        lines.append(
            f"| {way} | {one['error']:.1%} | {one['worst']:.0%} | {one['bias']:+.1f} "
            f"({low:+.1f} to {high:+.1f}) | {held} | {width} | {one['precision']:.3f} "
            f"| {one['recall']:.3f} |"
        )
    return lines


def page(plan: Plan, rows: Sequence[Row]) -> str:
    """The page."""
    lines = ["# Spikes, counted", "", f"{_HEAD.strip()}", ""]
    for dose in plan.doses:
        mine = [row for row in rows if row.dose == dose]
        virions = len(mine) // len(WAYS)
        tomograms = len({row.seed for row in mine})
        default = ", the default" if dose == DEFAULT_DOSE else ""
        lines += [
            f"## {dose:g} electrons per Å²{default}: {virions} virions of {tomograms} tomograms",
            "",
            *table(mine),
            "",
        ]
    return "\n".join(lines)


_HEAD = """
Written by `python -m benchmarks.quality spikes`. Simulated tomograms of seeds that nothing was
chosen on; picks are a few nm off. Error: |count − truth| / truth of a virion. Bias: mean of count −
truth over virions, with an interval from drawing tomograms anew. Intervals: nominally 90 %.
Precision and recall: a spike is found if it lies within 8 nm of a true one, each once.

*threshold* takes peaks of smoothed density outside the membrane above Otsu's threshold; *density*
takes the same peaks as a mixture, with a decoy shell for noise; *look of density* tells spikes by
their profiles; *Euclidean* and *hyperbolic* do so by profiles of learned codes, of two dimensions
as in the configurations `euclidean` and `default`; *... and density* by both. *hyperbolic and
density*, from the node that the tree proposes, is what `gyrovox spikes` does. One model of each
geometry learned from the virions of one other tomogram at the default dose, without labels, and
serves at all doses.
"""


def picture(plan: Plan, rows: Sequence[Row], path: Path) -> None:
    """Error, bias and coverage over the dose."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    names = {
        "error": "median error of a virion's count",
        "bias": "bias, spikes",
        "coverage": "intervals that hold the truth (90 % meant)",
    }
    for axes, (key, name) in zip(panels, names.items(), strict=True):
        for way in WAYS:
            values = [
                summary([row for row in rows if row.way == way and row.dose == dose])[key]
                for dose in plan.doses
            ]
            axes.plot(plan.doses, values, marker="o", markersize=3.5, label=way)
        axes.set_xscale("log")
        axes.set_xticks(plan.doses, [f"{dose:g}" for dose in plan.doses])
        axes.set_xlabel("electrons per Å²", fontsize=8)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.minorticks_off()
    panels[0].axhline(0.15, color="0.6", linewidth=0.8, linestyle="--")
    panels[1].axhline(0.0, color="0.6", linewidth=0.8, linestyle="--")
    panels[2].axhline(0.9, color="0.6", linewidth=0.8, linestyle="--")
    panels[0].legend(fontsize=7)
    figure.savefig(path, metadata={"Software": "gyrovox"})


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Simulate, count and write the page; ``smoke`` runs everything small and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality spikes")
    parser.add_argument("--count", type=int, default=8, help="tomograms at the default dose")
    parser.add_argument("--some", type=int, default=3, help="tomograms at each other dose")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--cache", type=Path, help="folder of what is finished, to go on from")
    parser.add_argument("--development", action="store_true", help="seeds to choose on; no page")
    asked = parser.parse_args([] if smoke else given)
    share_processors()
    first = DEVELOPMENT_SEED if asked.development else TEST_SEED
    plan = Plan(count=asked.count, some=asked.some, steps=asked.steps, first=first)
    plan = SMOKE if smoke else plan
    with tempfile.TemporaryDirectory() as temporary:
        rows = kept_rows(plan, asked.cache or Path(temporary), quiet=smoke)
    text = page(plan, rows)
    if not (smoke or asked.development):
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "spikes.md").write_text(text, encoding="utf-8")
        picture(plan, rows, RESULTS / "spikes.png")
    print(text)
    return text
