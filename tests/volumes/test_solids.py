import numpy as np
import pytest
from scipy import ndimage

from gyrovox.volumes.solids import Solid, apart, holds, rasterised

AXES = np.ix_(*[np.arange(-12.0, 13.0)] * 3)


def sphere(centre, radius):
    return Solid(np.array(centre, dtype=float), np.zeros(3), float(radius))


def cuboid(centre, *half_sides):
    return Solid(np.array(centre, dtype=float), np.array(half_sides, dtype=float), 0.0)


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


def random_solid(rng, size):
    centre = rng.uniform(-5, 5, 3)
    if rng.random() < 0.5:
        return sphere(centre, rng.uniform(1, size))
    return cuboid(centre, *rng.uniform(1, size, 3))


def test_sizes_of_rasters():
    assert (rasterised([sphere((0, 0, 0), 8.2)], AXES) == 1).sum() == pytest.approx(
        4 / 3 * np.pi * 8.2**3, rel=0.03
    )
    assert (rasterised([cuboid((0.5, 0.5, 0.5), 2, 3, 4)], AXES) == 1).sum() == 4 * 6 * 8


def test_the_last_solid_is_on_top():
    labels = rasterised([sphere((0, 0, 0), 6), cuboid((0, 0, 0), 1, 1, 1)], AXES)
    assert labels[12, 12, 12] == 2
    assert labels[12, 12, 15] == 1
    assert labels[0, 0, 0] == 0


def test_what_is_held_is_inside_on_the_grid(rng):
    seen = {True: 0, False: 0}
    for _ in range(300):
        parent, child = random_solid(rng, 7), random_solid(rng, 3)
        outside = (rasterised([child], AXES) == 1) & (rasterised([parent], AXES) == 0)
        if holds(parent, child):
            assert not outside.any()
        seen[holds(parent, child)] += 1
    assert min(seen.values()) > 20


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0)], ids=str)
def test_what_is_apart_shares_no_face_on_the_grid(voxel, rng):
    axes = np.ix_(*[np.arange(-12, 12.1, side) for side in voxel])
    seen = {True: 0, False: 0}
    for _ in range(300):
        one, other = random_solid(rng, 4), random_solid(rng, 4)
        first, second = (rasterised([solid], axes) == 1 for solid in (one, other))
        separate = apart(one, other, np.array(voxel))
        if separate:
            assert not (ndimage.binary_dilation(first) & second).any()
        seen[separate] += 1
    assert min(seen.values()) > 20


def test_touching_and_overlapping_solids_are_not_apart():
    voxel = np.ones(3)
    assert not apart(sphere((0, 0, 0), 2), sphere((0, 0, 4.5), 2), voxel)
    assert apart(sphere((0, 0, 0), 2), sphere((0, 0, 5.1), 2), voxel)
    assert not apart(cuboid((0, 0, 0), 2, 2, 2), sphere((0, 1, 1), 1), voxel)
