"""A volume cut into boxes that cover every voxel once."""

import itertools
import math
from collections.abc import Iterator, Sequence

from gyrovox.volumes import Region

WHOLE = 10_000_000
"""Voxels up to which a volume is one tile."""

SIDE = 128
"""Side of the tiles of a larger volume, in voxels."""


def tiles(shape: tuple[int, int, int], side: int) -> Iterator[Region]:
    """Boxes of nearly equal size, about ``side`` voxels along each axis, in order.

    Sides lie between 3/4 and 3/2 of ``side``, within a voxel; an axis shorter than that is one
    box long.

    Args:
        shape: Voxels of the volume along (z, y, x).
        side: Wanted side of a box, in voxels.

    Yields:
        Regions that cover every voxel exactly once.
    """
    # Equal parts rather than full tiles and a rest: the rest would cost its halo for few voxels.
    edges = []
    for length in shape:
        count = max(1, round(length / side))
        edges.append([length * part // count for part in range(count + 1)])
    spans = [list(itertools.pairwise(edge)) for edge in edges]
    yield from _boxes(spans)


def lattice(shape: tuple[int, int, int], side: int = SIDE) -> list[Region]:
    """Tiles whose inner faces lie at multiples of ``side`` voxels, in order.

    What is left at the far end of an axis is a tile of its own, unless it is thinner than a
    quarter of ``side``: then the tile before it takes it in.

    Args:
        shape: Voxels of the volume along (z, y, x).
        side: Side of a tile, in voxels.

    Returns:
        Regions that cover every voxel exactly once.
    """
    spans = []
    for length in shape:
        edges = list(range(0, length, side))
        if len(edges) > 1 and length - edges[-1] < side / 4:
            del edges[-1]
        spans.append(list(itertools.pairwise([*edges, length])))
    return _boxes(spans)


def pieces(shape: tuple[int, int, int]) -> list[Region]:
    """The tiles that a volume is worked on in: one, or a lattice if it is large.

    Args:
        shape: Voxels of the volume along (z, y, x).

    Returns:
        Regions that cover every voxel exactly once.
    """
    return [Region.whole(shape)] if math.prod(shape) <= WHOLE else lattice(shape)


def _boxes(spans: Sequence[Sequence[tuple[int, int]]]) -> list[Region]:
    """All boxes of spans along (z, y, x), in order."""
    return [
        Region((z0, y0, x0), (z1, y1, x1))
        for (z0, z1), (y0, y1), (x0, x1) in itertools.product(*spans)
    ]
