"""Volumes that are hard to write, and the laws that every format keeps."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.volumes import ParticleTable, Volume, axis_aligned

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "laws"))

SHAPE = (5, 7, 9)
GEOMETRIES = {
    "nm": ((4.0, 1.5, 1.25), (10.0, -20.5, 33.25)),
    "mm": ((5e6, 0.9375e6, 1.2e6), (-1.2e8, 7.5e7, 3.3e6)),
    "unknown": (None, (2.0, -3.0, 5.0)),
}


@pytest.fixture(params=GEOMETRIES)
def geometry(request):
    """Voxel size (z, y, x) in nm, and the position of voxel (0, 0, 0)."""
    return GEOMETRIES[request.param]


@pytest.fixture
def voxels():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def volume(voxels):
    """An odd shape, anisotropic voxels, an origin."""
    sizes, origin = GEOMETRIES["nm"]
    return Volume.from_array(voxels, voxel_size_nm=sizes, affine=axis_aligned(sizes, origin))


@pytest.fixture
def turned_volume(voxels):
    """The same with its axes rotated by 30 degrees, and one of them flipped."""
    sizes = np.array(GEOMETRIES["nm"][0])
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, -1]]) * sizes
    affine[:3, 3] = 10, -20.5, 33.25
    return Volume.from_array(voxels, voxel_size_nm=tuple(sizes.tolist()), affine=affine)


@pytest.fixture
def particles():
    """Seven particles with all that a table may say, none of it a round number."""
    draw = np.random.default_rng(5)
    return ParticleTable(
        positions=draw.uniform(2, 18, (7, 3)),
        shape=(21, 24, 30),
        voxel_size_nm=1.3,
        tomogram="TS_01",
        rotations=Rotation.from_rotvec(2 * draw.normal(size=(7, 3))).as_matrix(),
        scores=draw.normal(size=7),
        classes=("spike", "virion", "spike", "spike", "virion", "spike", "spike"),
        diameters_nm=draw.uniform(3, 90, 7),
        parents=np.array([1, -1, 1, 4, -1, 4, 4]),
    )
