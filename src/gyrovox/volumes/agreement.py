"""Whether volumes are of one kind, so that one network can learn from all of them."""

from collections.abc import Sequence
from itertools import combinations

from gyrovox.errors import VolumeMismatchError, VoxelSizeError
from gyrovox.volumes.volume import Volume

SAME_SIZE_WITHIN = 0.01
"""Relative difference up to which voxels count as equally large: headers are rounded."""


def check_alike(volumes: Sequence[Volume]) -> None:
    """Refuse volumes that one network cannot learn from together.

    Args:
        volumes: Any number of volumes.

    Raises:
        VolumeMismatchError: If their channels differ.
        VoxelSizeError: If their finest voxel sizes differ, as far as they are known.
    """
    for one, other in combinations(volumes, 2):
        if one.channels != other.channels:
            raise VolumeMismatchError(
                f"all volumes must have the same channels, and {one.name} has {one.channels} "
                f"and {other.name} has {other.channels}. Train them apart."
            )
        if one.voxel_size_nm is None or other.voxel_size_nm is None:
            continue
        ours, theirs = min(one.voxel_size_nm), min(other.voxel_size_nm)
        if abs(ours - theirs) > SAME_SIZE_WITHIN * ours:
            raise VoxelSizeError(
                f"all volumes must have the same finest voxel size, and {one.name} has "
                f"{ours:g} nm and {other.name} has {theirs:g} nm. Resample one, or train them "
                f"apart."
            )
