"""The average of simulated spikes, beside its template: ``python -m benchmarks.quality averaging``.

Virions with spikes are imaged and reconstructed with their true alignment, without and with
correction of the contrast transfer (phase flip). The averager is told of each spike what picking
and a membrane give: a place that is about a voxel off, an axis that leans some degrees off, and
nothing of the turn about it. Resolutions are told between the halves, and against the spike's map
that the simulation was made from. Writes ``benchmarks/quality/results/averaging.md`` and a figure.
"""

import argparse
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchmarks.quality.baselines import RESULTS
from gyrovox.devices import share_processors
from gyrovox.particles.averaging import (
    GOLD_STANDARD,
    Average,
    Averager,
    AveragingRecipe,
    AveragingState,
    resolved_frequency,
)
from gyrovox.particles.averaging.map_filters import resampled
from gyrovox.particles.averaging.pose_search import PoseSearch
from gyrovox.particles.averaging.rotation_grids import local_rotations
from gyrovox.particles.averaging.turned_boxes import turned_volumes
from gyrovox.report.pictures.averages import average_page
from gyrovox.tomography.ctf_correction import ctf_corrected
from gyrovox.tomography.fourier_shell import FourierShellCorrelation, fourier_shell_correlation
from gyrovox.tomography.reconstruction import smeared_rows
from gyrovox.tomography.simulation import (
    ImagingRecipe,
    SpecimenRecipe,
    make_specimen,
    make_tilt_series,
)
from gyrovox.tomography.simulation.molecule_library import molecule_library
from gyrovox.volumes import ParticleTable, Region, Volume

TEMPLATES = Path(__file__).resolve().parents[3] / "shared" / "data" / "sim_templates"
"""Maps, beside the repository: a line of the table is of the spike that is among them."""

_SEED = 11
_LEAN_DEGREES, _OFF_NM = 5.0, 0.8  # standard deviations of what is known before


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated and averaged."""

    specimen: SpecimenRecipe
    imaging: ImagingRecipe
    averaging: AveragingRecipe
    asked: tuple[tuple[str, str, int | None], ...]


def full_plan(virions: int) -> Plan:
    """The one that the page is of."""
    return Plan(
        specimen=SpecimenRecipe(
            shape=(168, 360, 360),
            voxel_size_nm=0.8,
            virions=virions,
            virion_diameter_nm=(80.0, 82.0),
            spikes_per_virion=34.0,
            spike_spread=0.05,
            vesicles=1,
            microtubules=0,
            membranes=0,
            ribosomes=3,
            shells=3,
            gold=3,
            crowding=0.1,
        ),
        imaging=ImagingRecipe(),
        averaging=AveragingRecipe(box_nm=30.4, mask_nm=21.0, iterations=4),
        asked=(
            ("phase-flipped", "C3", 25),
            ("phase-flipped", "C3", 50),
            ("phase-flipped", "C3", None),
            ("phase-flipped", "C1", None),
            ("as recorded", "C3", None),
        ),
    )


def small_plan() -> Plan:
    """One that runs in a moment and shows nothing."""
    return Plan(
        specimen=SpecimenRecipe(
            shape=(34, 36, 36),
            voxel_size_nm=4.0,
            virions=1,
            virion_diameter_nm=(80.0, 82.0),
            spikes_per_virion=8.0,
            vesicles=0,
            microtubules=0,
            membranes=0,
            ribosomes=0,
            shells=0,
            gold=0,
            crowding=0.0,
        ),
        imaging=ImagingRecipe(tilt_step_degrees=20.0),
        averaging=AveragingRecipe(
            box_nm=32.0,
            mask_nm=24.0,
            iterations=1,
            first_step_degrees=60.0,
            lean_degrees=0.0,
            initial_resolution_nm=12.0,
        ),
        asked=(("phase-flipped", "C3", None), ("as recorded", "C1", None)),
    )


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    spike: str
    tomogram: str
    symmetry: str
    particles: int
    average: Average
    beside_template: FourierShellCorrelation
    seconds: float
    axis_degrees: float
    off_nm: float

    def text(self) -> str:
        """The line."""
        template = [
            self.average.voxel_size_nm / resolved_frequency(self.beside_template, threshold)
            for threshold in (GOLD_STANDARD, 0.5)
        ]
        return (
            f"| {self.spike} | {self.tomogram} | {self.symmetry} | {self.particles} "
            f"| {self.average.resolution_nm():.2f} | {self.average.resolution_nm(0.5):.2f} "
            f"| {template[0]:.2f} | {template[1]:.2f} | {self.axis_degrees:.1f} "
            f"| {self.off_nm:.2f} | {self.seconds:.0f} |"
        )


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Simulate, average, write the page; ``smoke`` does it small, and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality averaging")
    parser.add_argument("--virions", type=int, default=4, help="with about 34 spikes each")
    asked = parser.parse_args([] if smoke else given)
    share_processors()
    plan = small_plan() if smoke else full_plan(asked.virions)
    rows = rows_of(plan, "analytic")
    if TEMPLATES.is_dir() and not smoke:
        specimen = replace(plan.specimen, templates=TEMPLATES)
        one = replace(plan, specimen=specimen, asked=(("phase-flipped", "C3", None),))
        rows += rows_of(one, "6VXX on a stalk")
    text = page_of(rows, plan)
    if not smoke:
        (RESULTS / "averaging.md").write_text(text, encoding="utf-8")
        best = max(rows, key=lambda row: (row.spike == "analytic", row.symmetry, row.particles))
        figure = average_page(
            best.average,
            name="average of simulated spikes",
            beside={"average against the template": best.beside_template},
        )
        figure.savefig(RESULTS / "averaging.png")
    return text


def rows_of(plan: Plan, spike: str) -> list[Row]:
    """Everything that a plan asks for."""
    tomograms, truth = simulated(plan)
    rows = []
    for name, symmetry, count in plan.asked:
        chosen = np.sort(np.random.default_rng(0).permutation(len(truth))[:count])
        recipe = replace(plan.averaging, symmetry=symmetry)
        rows.append(averaged(tomograms[name], truth.chosen(chosen), plan, recipe, spike))
        print(rows[-1].text(), flush=True)
    return rows


def simulated(plan: Plan) -> tuple[dict[str, Volume], ParticleTable]:
    """Tomograms of one specimen, without and with correction, and its spikes."""
    shape, voxel = plan.specimen.shape, plan.specimen.voxel_size_nm
    specimen = make_specimen(_SEED, plan.specimen)
    series, true = make_tilt_series(_SEED, specimen, plan.imaging)
    aligned = replace(series, geometry=true)

    def flipped(index: int, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return ctf_corrected(image, aligned, index, method="phase-flip")

    tomograms = {}
    for name, steps in (("as recorded", ()), ("phase-flipped", (flipped,))):
        rows = smeared_rows(aligned, shape, thickness=float(shape[0]), steps=steps, quiet=True)
        voxels = rows.read(Region.whole(shape))[0]
        tomograms[name] = Volume.from_array(voxels, voxel_size_nm=(voxel,) * 3, name=name)
    return tomograms, specimen.particles_of("spike")


def spike_map(plan: Plan) -> NDArray[np.float32]:
    """The spike's density in the box of the averages."""
    spike = molecule_library(plan.specimen.templates).spike
    voxel = plan.specimen.voxel_size_nm
    density = spike.density.astype(np.float32)
    return resampled(density, voxel / spike.spacing_nm, plan.averaging.box(voxel))


def priors_of(truth: ParticleTable) -> ParticleTable:
    """What is known before: rough places and axes, and no turn about them."""
    draw, count = np.random.default_rng(3), len(truth)
    lean = np.deg2rad(_LEAN_DEGREES) * draw.normal(size=(count, 2))
    leaning = Rotation.from_rotvec(np.column_stack([lean, np.zeros(count)]))
    spin = Rotation.from_euler("z", draw.uniform(0, 360, (count, 1)), degrees=True)
    turns = (leaning * spin).as_matrix()[:, ::-1, ::-1]
    assert truth.rotations is not None
    return replace(
        truth,
        rotations=truth.rotations @ turns,
        positions=truth.positions + draw.normal(size=(count, 3)) * _OFF_NM / truth.voxel_size_nm,
    )


def averaged(
    tomogram: Volume, truth: ParticleTable, plan: Plan, recipe: AveragingRecipe, spike: str
) -> Row:
    """One average, from nothing, beside the map."""
    start = time.perf_counter()
    averager = Averager(tomogram, priors_of(truth), recipe, quiet=True)
    state = averager.start()
    while state.iteration < recipe.iterations:
        state = averager.improved(state)
    average = averager.finished(state)
    seconds = time.perf_counter() - start
    both = averager.halves_together(state)
    fitted = on_map(spike_map(plan), both, average)
    axis, off = errors(state, truth)
    return Row(
        spike=spike,
        tomogram=tomogram.name,
        symmetry=recipe.symmetry,
        particles=len(average.particles),
        average=average,
        beside_template=fourier_shell_correlation(fitted, both, mask=average.mask),
        seconds=seconds,
        axis_degrees=axis,
        off_nm=off,
    )


def on_map(
    map_: NDArray[np.float32],
    found: NDArray[np.float32],
    average: Average,
) -> NDArray[np.float32]:
    """The map in the frame of an average, whose turn and place along the axis are its own."""
    masked = torch.from_numpy(found * average.mask)[None]
    box = found.shape[0]
    everything = torch.ones(1, box, box, box // 2 + 1)
    turn, shift = np.eye(3), np.zeros(3)
    moved = torch.from_numpy(map_)
    for lean, spin, step in ((9.0, 180.0, 9.0), (4.0, 6.0, 2.0), (1.0, 1.5, 0.5)):
        turns = turn @ local_rotations(step_degrees=step, lean_degrees=lean, spin_degrees=spin)
        search = PoseSearch(torch.from_numpy(map_), None, turns, cutoff=0.4, shift=5.0)
        best = search.found_in(masked, everything)
        turn, shift = turns[best.rotations[0]], best.shifts[0]
    moved = turned_volumes(moved, torch.from_numpy(turn[None]).float())[0]
    waves = sum(
        along * torch.fft.fftfreq(box).reshape([-1 if axis == at else 1 for at in range(3)])
        for axis, along in enumerate(shift)
    )
    return torch.fft.ifftn(torch.fft.fftn(moved) * torch.exp(-2j * torch.pi * waves)).real.numpy()


def errors(state: AveragingState, truth: ParticleTable) -> tuple[float, float]:
    """Median error of axes in degrees and of places in nm, but for what all have in common."""
    assert truth.rotations is not None
    back = state.rotations.swapaxes(1, 2)
    axes = (back @ truth.rotations[state.rows])[:, :, 0]
    mean = axes.mean(axis=0) / np.linalg.norm(axes.mean(axis=0))
    off = np.einsum("nij,nj->ni", back, truth.positions[state.rows] - state.positions)
    return (
        float(np.median(np.degrees(np.arccos(np.clip(axes @ mean, -1, 1))))),
        float(np.median(np.linalg.norm(off - off.mean(axis=0), axis=1))) * truth.voxel_size_nm,
    )


def page_of(rows: Sequence[Row], plan: Plan) -> str:
    """The page."""
    voxel, recipe = plan.specimen.voxel_size_nm, plan.averaging
    said = (
        f"`python -m benchmarks.quality averaging`. Virions with spikes, images from -60 to 60 "
        f"degrees at {plan.imaging.defocus_nm / 1000:g} µm underfocus, {plan.imaging.dose:g} "
        f"electrons per Å² in all, voxels of {voxel:g} nm, so that Nyquist is at {2 * voxel:g} nm. "
        f"Places were known to {_OFF_NM:g} nm along each axis, axes to {_LEAN_DEGREES:g} degrees "
        f"along two, turns about them not at all; no reference was given. Alignments: "
        f"{recipe.iterations}; mask: {recipe.mask_nm:g} nm.",
        "Resolutions are waves in nm at which a Fourier shell correlation first falls below 0.143 "
        "or 0.5: that of the halves, and that of the average of all with the map that the spikes "
        "were made from. Errors of axis and place are medians, without the turn and shift that all "
        "particles share. Seconds are of one core that other programs used too.",
        "Contrast turns round at 2.6 nm. Halves agree beyond that whether it was turned back or "
        "not, so their correlation alone would take the average of images as recorded for the "
        "better one.",
    )
    lines = [
        "# The average of simulated spikes",
        "",
        *(line for words in said for line in (*textwrap.wrap(words, 100), "")),
        "| spike | tomogram | symmetry | spikes | halves 0.143 | halves 0.5 | template 0.143 "
        "| template 0.5 | axis, degrees | place, nm | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(row.text() for row in rows),
        "",
        "![slices and Fourier shell correlation](averaging.png)",
    ]
    return "\n".join(lines) + "\n"
