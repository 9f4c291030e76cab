"""Which voxels are looked at, and how far their codes lie."""

import math
import sys

import numpy as np
import pytest

from gyrovox.report.pictures import voxel_codes
from gyrovox.report.pictures.voxel_codes import VoxelCodes, looked_at


def test_every_voxel_within_the_mask_is_there_with_what_is_known_of_it(result, place_codes):
    codes = voxel_codes(result, place_codes(3))
    labels = result.leaves().read()[0]
    assert codes.said == "every voxel"
    assert len(codes) == np.count_nonzero(labels)
    z, y, x = codes.places.T
    np.testing.assert_array_equal(codes.leaves, labels[z, y, x].astype(int) - 1)
    np.testing.assert_array_equal(codes.intensities, result.image().read()[0][z, y, x])
    np.testing.assert_allclose(codes.codes, codes.places / 10, rtol=1e-6)
    assert codes.scales is None


def test_a_model_knows_the_scales(codes):
    assert codes.scales.shape == (len(codes),)
    assert (codes.scales > 0).all()


def test_of_a_large_volume_boxes_are_looked_at(result, place_codes, monkeypatch):
    # The module, whose name its function has in the package.
    module = sys.modules["gyrovox.report.pictures.voxel_codes"]
    monkeypatch.setattr(module, "_MOST_VOXELS", 500)
    codes = voxel_codes(result, place_codes(2))
    assert codes.said.startswith("voxels of 27 boxes of ")
    assert len(codes) <= 750
    np.testing.assert_allclose(codes.codes, codes.places[:, :2] / 10, rtol=1e-6)


@pytest.mark.parametrize("shape", [(512, 512, 512), (10, 900, 900), (1000, 40, 41)])
def test_boxes_lie_apart_within_the_volume_and_spread_all_over_it(shape):
    boxes = looked_at(shape, 100_000)
    assert sum(math.prod(box.shape) for box in boxes) <= 150_000
    seen = np.zeros([-(-side // 4) for side in shape], np.int8)
    assert all(box.lies_in(shape) for box in boxes)
    assert len({box.start for box in boxes}) == 27
    for box in boxes:
        seen[tuple(int(mid) // 4 for mid in np.mean([box.start, box.stop], axis=0))] += 1
    assert seen.max() == 1


def test_some_are_the_same_every_time_and_follow_no_row(codes):
    some = codes.some(50)
    np.testing.assert_array_equal(some, codes.some(50))
    assert len(np.unique(some)) == 50
    assert len(np.unique(np.diff(some))) > 5
    np.testing.assert_array_equal(codes.some(10**9), np.arange(len(codes)))


@pytest.mark.parametrize("curvature", [-1.0, -4.0, 0.0])
def test_distances_are_those_of_the_space(curvature):
    rng = np.random.default_rng(1)
    vectors, centre = rng.normal(0, 0.4, (20, 3)), rng.normal(0, 0.4, 3)
    codes = VoxelCodes(
        codes=vectors.astype(np.float32),
        scales=None,
        places=np.zeros((20, 3), np.int32),
        leaves=np.zeros(20, np.int32),
        intensities=None,
        curvature=curvature,
        said="",
    )
    found = codes.distances(np.arange(20), centre)
    if curvature == 0:
        expected = 2 * np.linalg.norm(vectors - centre, axis=1)
    else:
        root = math.sqrt(-curvature)

        def lifted(u):
            length = np.linalg.norm(u, axis=-1, keepdims=True)
            return np.concatenate(
                [np.cosh(2 * root * length), np.sinh(2 * root * length) * u / length], axis=-1
            )

        a, b = lifted(vectors), lifted(centre)
        expected = np.arccosh(a[:, 0] * b[0] - a[:, 1:] @ b[1:]) / root
    np.testing.assert_allclose(found, expected, rtol=1e-4)
