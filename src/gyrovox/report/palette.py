"""Colours of the classes, kept stable from level to level.

Each class of the coarsest level starts a family of one hue. A finer class joins the family of the
coarser class that holds it, or, where levels are not nested, that it overlaps most. Within a family
a class is told by its lightness, which every reader sees whatever the eyes: the largest part of a
class keeps its shade, the others have shades around it, and no other class has shades among these.
The families are those of `gyrovox.hues`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gyrovox.hues import shade

Colours = NDArray[np.float64]  # (classes, 3), sRGB in 0..1


def class_colours(
    levels: Mapping[int, NDArray[np.integer]], brightness: NDArray[np.floating] | None = None
) -> dict[int, Colours]:
    """A colour for every class of every level.

    Args:
        levels: 0-based labels by number of classes, all of one shape.
        brightness: Intensities of the same shape. Brighter classes of a family get lighter
            colours; without it, larger ones do.

    Returns:
        sRGB colours in 0..1 by number of classes, each (classes, 3).
    """
    if not levels:
        return {}
    order = sorted(levels)
    sizes = {k: max(k, int(levels[k].max(initial=0)) + 1) for k in order}
    parents = {
        fine: _parents(levels[coarse], levels[fine], sizes[coarse], sizes[fine])
        for coarse, fine in pairwise(order)
    }
    counts = {k: np.bincount(levels[k].reshape(-1), minlength=sizes[k]) for k in order}
    ranks = {k: _ranks(levels[k], counts[k], brightness) for k in order}
    tones = _tones(order, counts, parents, ranks)
    families = {order[0]: np.arange(sizes[order[0]])}
    # The largest class, mostly the background, is blue: it recedes.
    by_size = np.argsort(-counts[order[0]], kind="stable")
    families[order[0]] = np.argsort(by_size, kind="stable")
    for coarse, fine in pairwise(order):
        families[fine] = families[coarse][parents[fine]]
    return {
        k: np.stack([shade(int(f), float(t)) for f, t in zip(families[k], tones[k], strict=True)])
        for k in order
    }


def _parents(
    coarse: NDArray[np.integer], fine: NDArray[np.integer], n_coarse: int, n_fine: int
) -> NDArray[np.intp]:
    """The coarse class that each fine class overlaps most, shape (n_fine,)."""
    pairs = fine.reshape(-1).astype(np.int64) * n_coarse + coarse.reshape(-1)
    overlap = np.bincount(pairs, minlength=n_fine * n_coarse).reshape(n_fine, n_coarse)
    parents: NDArray[np.intp] = overlap.argmax(axis=1)
    return parents


def _ranks(
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    brightness: NDArray[np.floating] | None,
) -> NDArray[np.float64]:
    """What orders the classes of a family: their mean brightness, or their share."""
    if brightness is None:
        return counts.astype(np.float64)
    weights = brightness.reshape(-1).astype(np.float64)
    total = np.bincount(labels.reshape(-1), weights=weights, minlength=len(counts))
    means: NDArray[np.float64] = total / np.maximum(counts, 1)
    return means


def _tones(
    order: Sequence[int],
    counts: Mapping[int, NDArray[np.integer]],
    parents: Mapping[int, NDArray[np.intp]],
    ranks: Mapping[int, NDArray[np.float64]],
) -> dict[int, NDArray[np.float64]]:
    """Tones in 0 (dark) to 1 (light): spread evenly; a class takes that of its largest part."""
    tones = {k: np.full(len(counts[k]), np.nan) for k in order}

    def leaves(level: int, label: int) -> list[tuple[int, int]]:
        if level + 1 < len(order):
            children = np.flatnonzero(parents[order[level + 1]] == label)
            if len(children):
                by_rank = sorted(children, key=lambda child: ranks[order[level + 1]][child])
                return [leaf for child in by_rank for leaf in leaves(level + 1, int(child))]
        return [(level, label)]

    for root in range(len(counts[order[0]])):
        family = leaves(0, root)
        spread = (
            np.linspace(0, 1, len(family) + 2)[1:-1]
            if len(family) < 4
            else np.linspace(0.06, 0.94, len(family))
        )
        for (level, label), tone in zip(family, spread, strict=True):
            tones[order[level]][label] = tone
    for level in range(len(order) - 2, -1, -1):
        fine = tones[order[level + 1]]
        for label in np.flatnonzero(np.isnan(tones[order[level]])).tolist():
            children = np.flatnonzero(parents[order[level + 1]] == label)
            largest = children[np.argmax(counts[order[level + 1]][children])]
            tones[order[level]][label] = fine[largest]
    return tones
