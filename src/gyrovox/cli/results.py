"""What a segmentation leaves in a folder: labels, picture, model, record."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gyrovox.errors import SettingsError
from gyrovox.progress import stopwatch

if TYPE_CHECKING:
    from gyrovox.cli.command import LearningOptions, WorkOptions
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Volume

MODEL = "model.safetensors"
RECORD = "run.json"
PICTURE = "overview.png"
WRITTEN = ("level-*", MODEL, RECORD, PICTURE)
"""Patterns of the names that `write_segmentation` leaves in a folder."""

_ROOM = 64 * 2**20  # models and pictures are a few megabytes; the rest is for the file system


def needed_bytes(volumes: Sequence["Volume"], levels: Sequence[int]) -> int:
    """Bytes that the results take at most: uncompressed labels, and room for the rest."""
    total = 0
    for volume in volumes:
        depth, height, width = volume.spatial_shape
        total += sum(depth * height * width * (1 if k <= 256 else 2) for k in levels) + _ROOM
    return total


def new_segmenter(learning: "LearningOptions", work: "WorkOptions") -> "HierarchicalSegmenter":
    """A segmenter with the options of the command line, not fitted yet.

    Raises:
        SettingsError: If there is no such device, or a number is out of its range.
    """
    # Imported here: it loads torch, and only work needs that.
    from gyrovox.segmenter import HierarchicalSegmenter

    if not 0 <= learning.seed < 2**64:
        raise SettingsError(
            f"--seed must not be negative, nor exceed 2^64 - 1, got {learning.seed}."
        )
    _check_machine(work)
    return HierarchicalSegmenter(
        learning.settings,
        seed=learning.seed,
        device=work.device,
        threads=work.threads,
        nan_policy=work.nan_policy,
        quiet=work.quiet,
    )


def loaded_segmenter(model: Path, work: "WorkOptions") -> "HierarchicalSegmenter":
    """The segmenter of a model file, ready to embed and to segment.

    Raises:
        SettingsError: If there is no such device, or no such number of threads.
        ModelFileError: If the file is no model of gyrovox.
    """
    from gyrovox.segmenter import HierarchicalSegmenter

    _check_machine(work)
    return HierarchicalSegmenter.load(
        model,
        device=work.device,
        threads=work.threads,
        nan_policy=work.nan_policy,
        quiet=work.quiet,
    )


def _check_machine(work: "WorkOptions") -> None:
    """Refuse a device or threads that there are not, before they are needed."""
    from gyrovox import devices

    devices.limit_threads(work.threads)
    devices.device(work.device)


def write_segmentation(
    folder: Path,
    volume: "Volume",
    segmenter: "HierarchicalSegmenter",
    levels: Sequence[int],
    timings_s: dict[str, float],
) -> dict[int, "Path"]:
    """Segment a volume and write its labels, its picture and the model into a folder.

    Args:
        folder: Where to; it must exist.
        volume: What to segment.
        segmenter: Fitted or loaded.
        levels: Numbers of classes.
        timings_s: Seconds by stage; added to.

    Returns:
        The label files by number of classes.
    """
    from gyrovox import io
    from gyrovox.report import overview

    with stopwatch(timings_s, "segment"):
        segmentation = segmenter.segment(volume, levels=tuple(levels))
    suffix = io.label_suffix(volume.path) if volume.path else ".mrc"
    files = {k: folder / f"level-{k}{suffix}" for k in levels}
    with stopwatch(timings_s, "write"):
        for k, path in files.items():
            io.write_labels(segmentation.levels[k], path, like=volume)
        segmenter.save(folder / MODEL)
    with stopwatch(timings_s, "overview"):
        overview(
            volume,
            segmentation.levels,
            folder / PICTURE,
            latent=segmentation.codes,
            curvature=space_curvature(segmenter),
        )
    return files


def space_curvature(segmenter: "HierarchicalSegmenter") -> float:
    """Sectional curvature of the space that a segmenter's codes lie in; 0 if it is flat."""
    model = segmenter.configuration_.model
    return model.curvature if model.geometry == "poincare" else 0.0


def recorded_settings(
    segmenter: "HierarchicalSegmenter", work: "WorkOptions", **facts: object
) -> Mapping[str, object]:
    """Everything that was chosen for a run, as plain values for `run.json`."""
    from gyrovox import devices

    return {
        **facts,
        "seed": segmenter.seed,
        "device": str(devices.device(work.device)),
        "threads": work.threads,
        "nan_policy": work.nan_policy,
        "settings": asdict(segmenter.configuration_),
    }
