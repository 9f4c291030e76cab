"""What a segmentation leaves in a folder: labels, tree, picture, model, record."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gyrovox.errors import SettingsError
from gyrovox.progress import stopwatch
from gyrovox.settings import SegmentationSettings, from_plain_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gyrovox.cli.command import LatentType, LearningOptions, WorkOptions
    from gyrovox.segmentation import Cleaning, Segmentation
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Volume

Levels = tuple[int, ...] | Literal["auto"]

MODEL = "model.safetensors"
RECORD = "run.json"
PICTURE = "overview.png"
TREE = "tree.json"
LATENTS = "latents.ome.zarr"
REPORT = "report.html"
SCORES = "evaluation.json"
PLOTS = "plots"
WRITTEN = ("level-*", TREE, "leaves.*", MODEL, RECORD, PICTURE, LATENTS, REPORT, SCORES, PLOTS)
"""Patterns of the names that a segmentation leaves in a folder."""

_ROOM = 64 * 2**20  # models and pictures are a few megabytes; the rest is for the file system
_NODE = 500  # bytes of a node in a table, with a code of a dozen coordinates
_MOST_SUGGESTED = 5
_COORDINATE = {"float32": 4, "float16": 2, "int8": 1}  # bytes


def needed_bytes(
    volumes: Sequence["Volume"], levels: Levels, settings: SegmentationSettings
) -> int:
    """Bytes that the results take at most: uncompressed labels, and room for the rest.

    Args:
        volumes: What is to be segmented.
        levels: Numbers of classes, or ``auto``.
        settings: How.

    Returns:
        Bytes.
    """
    counts = [settings.regions] * _MOST_SUGGESTED if levels == "auto" else list(levels)
    rest = _ROOM
    if settings.clustering == "tree":
        counts.append(settings.regions)
        rest += 2 * settings.regions * _NODE
    total = 0
    for volume in volumes:
        depth, height, width = volume.spatial_shape
        # With a mask, 0 is outside: 256 classes take two bytes then.
        total += sum(depth * height * width * (1 if k < 256 else 2) for k in counts) + rest
    return total


def latent_bytes(volumes: Sequence["Volume"], dtype: "LatentType", *, latent_dim: int) -> int:
    """Bytes that the codes of all voxels take, uncompressed.

    Args:
        volumes: What is embedded.
        dtype: Type that codes are stored as.
        latent_dim: Coordinates of a code.

    Returns:
        Bytes.
    """
    voxels = sum(math.prod(volume.spatial_shape) for volume in volumes)
    return voxels * latent_dim * _COORDINATE[dtype]


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


def loaded_segmenter(
    model: Path, work: "WorkOptions", segmentation: SegmentationSettings | None = None
) -> "HierarchicalSegmenter":
    """The segmenter of a model file, ready to embed and to segment.

    Args:
        model: A model file.
        work: How the work is done.
        segmentation: How codes become classes, if not as the model's configuration says.

    Returns:
        The segmenter.

    Raises:
        SettingsError: If there is no such device, or no such number of threads.
        ModelFileError: If the file is no model of gyrovox.
    """
    from gyrovox.segmenter import HierarchicalSegmenter

    _check_machine(work)
    return HierarchicalSegmenter.load(
        model,
        segmentation=segmentation,
        device=work.device,
        threads=work.threads,
        nan_policy=work.nan_policy,
        quiet=work.quiet,
    )


def stored_segmentation(model: Path) -> SegmentationSettings:
    """How a model file says that codes become classes.

    Args:
        model: A model file.

    Returns:
        The settings; the defaults where the file holds no valid ones, which `loaded_segmenter`
        will say.

    Raises:
        MissingFileError: If there is no such file.
        FileAccessError: If it may not be read.
        ModelFileError: If the file is no model of gyrovox.
    """
    from gyrovox.io.model_file import read_model

    _, facts = read_model(model)
    try:
        return from_plain_values(facts.get("configuration")).segmentation
    except SettingsError:
        return SegmentationSettings()


def _check_machine(work: "WorkOptions") -> None:
    """Refuse a device or threads that there are not, before they are needed."""
    from gyrovox import devices

    devices.limit_threads(work.threads)
    devices.device(work.device)


def write_segmentation(
    folder: Path,
    volume: "Volume",
    segmenter: "HierarchicalSegmenter",
    levels: Levels,
    timings_s: dict[str, float],
    *,
    inside: "NDArray[np.bool_] | None" = None,
    cleaning: "Cleaning | None" = None,
) -> dict[int, "Path"]:
    """Segment a volume and write its labels, tree, picture and the model into a folder.

    Args:
        folder: Where to; it must exist.
        volume: What to segment.
        segmenter: Fitted or loaded.
        levels: Numbers of classes, or ``auto`` for those that the tree suggests.
        timings_s: Seconds by stage; added to.
        inside: Voxels to work in, shape (z, y, x); all by default.
        cleaning: What becomes of specks and holes; by default, nothing.

    Returns:
        The label files by number of classes.
    """
    with stopwatch(timings_s, "segment"):
        segmentation = segmenter.segment(volume, levels, inside=inside, cleaning=cleaning)
    return write_segmented(folder, volume, segmenter, segmentation, timings_s, inside=inside)


def write_segmented(
    folder: Path,
    volume: "Volume",
    segmenter: "HierarchicalSegmenter",
    segmentation: "Segmentation",
    timings_s: dict[str, float],
    *,
    inside: "NDArray[np.bool_] | None" = None,
) -> dict[int, "Path"]:
    """Write a segmentation's labels, tree, picture and model into a folder.

    Args:
        folder: Where to; it must exist.
        volume: What was segmented.
        segmenter: What it was segmented by.
        segmentation: What that made of it.
        timings_s: Seconds by stage; added to.
        inside: Voxels that were worked in, shape (z, y, x); all by default.

    Returns:
        The label files by number of classes.
    """
    from gyrovox import io
    from gyrovox.report import overview

    suffix = io.label_suffix(volume.path) if volume.path else ".mrc"
    files = {k: folder / f"level-{k}{suffix}" for k in segmentation.levels}
    with stopwatch(timings_s, "write"):
        for k, path in files.items():
            io.write_labels(segmentation.levels[k], path, like=volume)
        if segmentation.tree is not None:
            io.write_tree(segmentation.tree, folder, like=volume)
        segmenter.save(folder / MODEL)
    with stopwatch(timings_s, "overview"):
        overview(
            volume,
            segmentation.levels,
            folder / PICTURE,
            latent=segmentation.codes,
            curvature=space_curvature(segmenter),
            inside=None if inside is None or inside.all() else inside,
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
