"""Tiles: their cores cover every voxel once, and they read as far around as there is something."""

import numpy as np
import pytest

from gyrovox.particles.picking.tomogram_tiles import tiles_of


@pytest.mark.parametrize("shape", [(10, 20, 30), (5, 5, 5), (17, 8, 33)])
def test_cores_cover_every_voxel_once_with_what_is_around(shape):
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    seen = np.zeros(shape, int)
    tiles = tiles_of(voxels, side=8, halo=3)
    for tile in tiles:
        seen[tile.core.slices] += 1
        np.testing.assert_array_equal(tile.voxels[tile.inner], voxels[tile.core.slices])
        np.testing.assert_array_equal(tile.voxels, voxels[tile.read.slices])
        for axis in range(3):
            assert tile.core.start[axis] - tile.read.start[axis] == min(3, tile.core.start[axis])
            left = shape[axis] - tile.core.stop[axis]
            assert tile.read.stop[axis] - tile.core.stop[axis] == min(3, left)
            assert tile.core.start[axis] % 8 == 0
    assert (seen == 1).all()
    assert len(list(tiles)) == len(tiles)
