"""What the segmentation of a volume larger than memory leaves in a folder."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrovox.cli.results import MODEL, PICTURE, Levels, space_curvature
from gyrovox.errors import SettingsError
from gyrovox.progress import stopwatch
from gyrovox.settings import SegmentationSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gyrovox.pipeline import LookedUp, TileJob, Workplace
    from gyrovox.segmentation import Cleaning
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import ArraySource, Region, Volume

_MULTIPLE = 32  # of which the side of a tile is one
_LABEL = 4  # bytes of a voxel in a file of a tile
_SEEN = 256  # voxels of the picture's volume along its longest axis, about


def is_cut(volume: "Volume", side: int | None) -> bool:
    """Whether a volume is worked on in tiles.

    Args:
        volume: The volume.
        side: Side of a tile, in voxels; None if it is not asked for.

    Returns:
        Whether it is.
    """
    from gyrovox.patches import WHOLE

    return side is not None or math.prod(volume.spatial_shape) > WHOLE


def check_tile(side: int | None) -> None:
    """Refuse tiles that there cannot be.

    Args:
        side: Side of a tile, in voxels; None if it is not asked for.

    Raises:
        SettingsError: If it is out of its range.
    """
    if side is not None and (side < _MULTIPLE or side % _MULTIPLE):
        raise SettingsError(
            f"--tile must be a multiple of {_MULTIPLE}, and at least that, got {side}."
        )


def kept_bytes(
    volumes: "Iterable[Volume]",
    levels: Levels,
    settings: SegmentationSettings,
    cleaning: "Cleaning",
) -> int:
    """Bytes that tiles take until the results are written.

    Args:
        volumes: What is worked on in tiles.
        levels: Numbers of classes, or ``auto``.
        settings: How it is segmented.
        cleaning: What becomes of specks and holes.

    Returns:
        Bytes, at most; those of one volume go before the next one is begun.
    """
    if settings.clustering == "tree":
        stages = 2 + cleaning.is_wanted
    else:
        stages = len(levels) * (1 + cleaning.is_wanted)
    return max((stages * _LABEL * math.prod(one.spatial_shape) for one in volumes), default=0)


def write_tiled_segmentation(
    folder: Path,
    job: "TileJob",
    place: "Workplace",
    segmenter: "HierarchicalSegmenter",
    levels: Levels,
    *,
    cleaning: "Cleaning",
    timings_s: dict[str, float],
) -> dict[int, Path]:
    """Segment a volume tile by tile, and write what `write_segmentation` writes, slab by slab.

    Args:
        folder: Where to; it must exist.
        job: What is segmented, and how.
        place: Who works.
        segmenter: The segmenter of the job's model.
        levels: Numbers of classes, or ``auto`` for those that the tree suggests.
        cleaning: What becomes of specks and holes.
        timings_s: Seconds by stage; added to.

    Returns:
        The label files by number of classes.
    """
    from gyrovox import io

    volume = job.source
    with stopwatch(timings_s, "segment"):
        if job.settings.clustering == "tree":
            labels = _tree_labels(folder, job, place, levels, cleaning)
        else:
            counts = [int(k) for k in levels]  # not "auto", which was refused
            labels = _kmeans_labels(job, place, counts, cleaning, seed=segmenter.seed)
    suffix = io.label_suffix(volume.path) if volume.path else ".mrc"
    files = {k: folder / f"level-{k}{suffix}" for k in labels}
    with stopwatch(timings_s, "write"), place.times.measure("write levels", job.voxels):
        for k, path in files.items():
            io.write_label_source(labels[k], path, like=volume)
        segmenter.save(folder / MODEL)
    with stopwatch(timings_s, "overview"), place.times.measure("overview"):
        _overview(folder / PICTURE, job, labels, space_curvature(segmenter))
    return files


def _tree_labels(
    folder: Path, job: "TileJob", place: "Workplace", levels: Levels, cleaning: "Cleaning"
) -> "Mapping[int, LookedUp]":
    """Cuts of the tree, which is written too."""
    import numpy as np

    from gyrovox import io
    from gyrovox.pipeline import build_trunk, cleaned_labels, tile_labels

    trunk = build_trunk(job, place)
    number = np.append(trunk.number, -1) + 1
    leaves = tile_labels(job, number.astype(np.min_scalar_type(trunk.n_leaves)))
    io.write_trunk(trunk, leaves, folder, like=job.source)
    chosen = trunk.suggested_levels() if levels == "auto" else levels
    # First the finest: the one that there may be too few leaves for.
    tables = {k: trunk.labels(k) for k in sorted(chosen, reverse=True)}
    if not cleaning.is_wanted:
        return {k: tile_labels(job, tables[k]) for k in chosen}
    finest = tables[max(chosen)]
    cleaned = cleaned_labels(job, tile_labels(job, finest), cleaning, place, stage="specks")
    # Entries of what is no leaf are 0, which is a class too where nothing is outside.
    real = np.flatnonzero(trunk.number >= 0)
    found = {}
    for k in chosen:
        parents = np.zeros(int(finest.max()) + 1, tables[k].dtype)
        parents[finest[real]] = tables[k][real]
        found[k] = cleaned(parents)
    return found


def _kmeans_labels(
    job: "TileJob", place: "Workplace", levels: Sequence[int], cleaning: "Cleaning", *, seed: int
) -> "Mapping[int, LookedUp]":
    """A clustering for every level."""
    import numpy as np

    from gyrovox.pipeline import cleaned_labels, kmeans_classes

    found = kmeans_classes(job, levels, place, seed=seed)
    if not cleaning.is_wanted:
        return found
    cleaned = {}
    for k, labels in found.items():
        looked_up = cleaned_labels(job, labels, cleaning, place, stage=f"specks-{k}")
        cleaned[k] = looked_up(np.arange(k + 1).astype(labels.dtype))
    return cleaned


def _overview(
    path: Path, job: "TileJob", labels: "Mapping[int, ArraySource]", curvature: float
) -> None:
    """The picture, of every so many voxels."""
    import numpy as np

    from gyrovox.report import overview
    from gyrovox.volumes import Volume

    step = -(-max(job.shape) // _SEEN)
    tiles = job.tiles
    volume = job.source
    size = volume.voxel_size_nm
    thin = Volume.from_array(
        _thinned(volume.source, tiles, step),
        voxel_size_nm=None if size is None else (size[0] * step, size[1] * step, size[2] * step),
        name=volume.name,
    )
    inside = None
    if job.mask.is_named:
        inside = np.asarray(_thinned(job.mask.volume().source, tiles, step)[0] != 0)
    overview(
        thin,
        {k: _thinned(source, tiles, step)[0] for k, source in labels.items()},
        path,
        curvature=curvature,
        inside=inside,
        caption=f"every {step} voxels" if step > 1 else "",
        whole=volume,
    )


def _thinned(source: "ArraySource", tiles: "Sequence[Region]", step: int) -> "NDArray[Any]":
    """Every so many voxels of a source along each axis, shape (channels, z, y, x)."""
    import numpy as np

    channels, depth, height, width = source.shape
    thin = np.empty(
        (channels, -(-depth // step), -(-height // step), -(-width // step)), source.dtype
    )
    # Tile by tile, so that what is packed is unpacked once.
    for tile in tiles:
        first = [-start % step for start in tile.start]
        found = source.read(tile)[:, first[0] :: step, first[1] :: step, first[2] :: step]
        into = [-(-start // step) for start in tile.start]
        z, y, x = (
            slice(start, start + length)
            for start, length in zip(into, found.shape[1:], strict=True)
        )
        thin[:, z, y, x] = found
    return thin
