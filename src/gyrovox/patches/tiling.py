"""A volume cut into boxes that cover every voxel once."""

import itertools
from collections.abc import Iterator

from gyrovox.volumes import Region


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
    for (z0, z1), (y0, y1), (x0, x1) in itertools.product(*spans):
        yield Region((z0, y0, x0), (z1, y1, x1))
