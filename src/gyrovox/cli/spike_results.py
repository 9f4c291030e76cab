"""What `gyrovox spikes` leaves in its folder: tables, evidence, a picture, a result to look at."""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrovox.cli.results import RECORD, write_segmented
from gyrovox.progress import stopwatch
from gyrovox.settings.spikes import SpikeSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gyrovox.particles.spikes import FoundSpikes, SpikeDiscovery
    from gyrovox.particles.spikes.spike_nodes import NodeEvidence
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import ParticleTable

STAR, CSV, COUNTS = "spikes.star", "spikes.csv", "counts.csv"
EVIDENCE, PICTURE = "spikes.json", "spikes.png"
VIRIONS, PANELS, PIECES = "virions", "virions.mrc", "spikes.mrc"
WRITTEN = (STAR, CSV, COUNTS, EVIDENCE, PICTURE, VIRIONS, PANELS, PIECES)
"""Names that the command leaves in its folder."""

_COLUMNS = (
    "virion",
    "count",
    "low",
    "high",
    "estimate",
    "listed",
    "count_by_density",
    "radius_nm",
    "area_nm2",
    "per_1000_nm2",
    "seen",
    "clipped",
    "nearest_nm",
    "nearest_over_random",
)


def write_discovery(
    folder: Path,
    discovery: "SpikeDiscovery",
    particles: "ParticleTable",
    segmenter: "HierarchicalSegmenter",
    *,
    settings: SpikeSettings,
    facts: Mapping[str, object],
    timings_s: dict[str, float],
) -> None:
    """Write everything that was found into an empty folder.

    Args:
        folder: Where to.
        discovery: What was found.
        particles: The virions.
        segmenter: What learned.
        settings: What spikes are like.
        facts: What was chosen for the run, as plain values.
        timings_s: Seconds by stage; added to.
    """
    from gyrovox import io
    from gyrovox.io.particle_files import write_particles
    from gyrovox.particles.spikes.discovery import segmented_voxels
    from gyrovox.report import write_run_record
    from gyrovox.report.spike_picture import spike_picture

    table = discovery.learned.table(particles, settings)
    with stopwatch(timings_s, "write"):
        write_particles(table, folder / STAR)
        write_particles(table, folder / CSV)
        _write_counts(folder / COUNTS, discovery, settings)
        panels = discovery.panels
        io.write(panels.volume(particles.tomogram), folder / PANELS)
        # Without the hidden folder, which is gone when somebody reads the record.
        volume = replace(io.read(folder / PANELS), path=Path(PANELS))
        io.write_labels(_small(discovery.learned), folder / PIECES, like=volume)
    result = folder / VIRIONS
    result.mkdir()
    inside = segmented_voxels(panels, settings)
    write_segmented(result, volume, segmenter, discovery.segmentation, timings_s, inside=inside)
    with stopwatch(timings_s, "picture"):
        spike_picture(discovery, folder / PICTURE, title=f"Spikes of {particles.tomogram}")
    write_run_record(
        result / RECORD, command="spikes", settings=facts, volumes=[volume], timings_s=timings_s
    )
    evidence = _evidence(discovery)
    (folder / EVIDENCE).write_text(json.dumps(evidence, indent=2) + "\n", encoding="utf-8")


def _small(found: "FoundSpikes") -> "NDArray[np.unsignedinteger[Any]]":
    """Pieces in the smallest type that holds them."""
    import numpy as np

    return found.pieces.astype(np.min_scalar_type(int(found.pieces.max(initial=0))))


def _write_counts(path: Path, discovery: "SpikeDiscovery", settings: SpikeSettings) -> None:
    """A line for each virion: its spikes, with an interval, and how densely they stand."""
    found, counts = discovery.learned, discovery.learned.counts
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        seen = discovery.survey.room(settings).seen
        for number, virion in enumerate(discovery.survey.virions):
            area = virion.membrane.area_nm2()
            spacing = found.spacing(number)
            nearest = spacing.nearest_nm
            writer.writerow([
                virion.row + 1,
                round(float(counts.estimates[number])),
                counts.lows[number],
                counts.highs[number],
                f"{counts.estimates[number]:.1f}",
                int((found.peaks.owners == number).sum()),
                round(float(discovery.plain.counts.estimates[number])),
                f"{virion.membrane.mean_radius_nm:.2f}",
                f"{area:.0f}",
                f"{1000 * counts.estimates[number] / area:.3f}",
                f"{seen[number]:.3f}",
                int(virion.is_clipped),
                f"{nearest.mean():.2f}" if len(nearest) else "",
                "" if math.isnan(spacing.ratio) else f"{spacing.ratio:.3f}",
            ])


def _evidence(discovery: "SpikeDiscovery") -> dict[str, object]:
    """Why these are the spikes."""
    mixture = discovery.learned.scores.mixture
    return {
        "node": None if discovery.chosen is None else _shown(discovery.chosen),
        "nodes": [_shown(node) for node in discovery.nodes],
        "peaks": {
            "candidates": len(discovery.survey.candidates),
            "decoys": len(discovery.survey.decoys),
            "listed": len(discovery.learned.peaks),
            "dropped_for_size": discovery.learned.dropped,
            "noise": {"mean": mixture.noise_mean, "spread": mixture.spread},
            "spikes": {
                "mean_at_equator": mixture.spike_mean[0],
                "more_at_poles": mixture.spike_mean[1],
            },
            "share_detected": {
                f"latitude {degrees}": round(
                    mixture.detectability(math.sin(math.radians(degrees)) ** 2), 3
                )
                for degrees in (0, 30, 60, 90)
            },
        },
    }


def _shown(node: "NodeEvidence") -> dict[str, object]:
    return {
        # As tree.json, the label files and the explorer count them.
        "nodes": [one + 1 for one in node.nodes],
        "score": round(node.score, 3),
        "reason": node.reason,
    }
