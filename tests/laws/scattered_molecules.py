"""A tomogram with copies of a molecule of Gaussian balls, each turned in its own way."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from gyrovox.tomography.missing_wedge import apply_wedge, wedge_mask
from gyrovox.volumes import ParticleTable, Volume

VOXEL_NM = 1.0
SPACING = 16
MARGIN = 2
BALL = 1.3  # standard deviation in voxels
# (z, y, x) from the centre, and weight: no turn leaves them as they are.
BALLS = np.array([(4.0, 0.0, 0.0), (-3.5, 0.5, 0.5), (0.5, 3.5, 0.0), (1.0, -1.0, 3.0)])
WEIGHTS = np.array([1.0, 1.2, 0.9, 0.7])


@dataclass(frozen=True)
class Scattered:
    """A tomogram, dense matter dark, and the true poses of what is in it."""

    tomogram: Volume
    truth: ParticleTable


def molecule(box, rotation=None, shift=(0.0, 0.0, 0.0), fold=1):
    """The molecule in a box: turned about its voxel at ``box // 2``, then moved."""
    turned = np.eye(3) if rotation is None else rotation
    centres = _balls(fold) @ turned.T + np.asarray(shift) + box // 2
    return _drawn((box,) * 3, centres, np.tile(WEIGHTS, fold))


def scattered(*, counts=(2, 4, 4), noise=0.0, fold=1, wedge=None, seed=0):
    """Copies on a lattice, off it by less than a voxel."""
    draw = np.random.default_rng(seed)
    shape = tuple(SPACING * count + 2 * MARGIN for count in counts)
    lattice = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3)
    positions = (lattice + 0.5) * SPACING + MARGIN - 0.5 + draw.uniform(-0.7, 0.7, lattice.shape)
    rotations = Rotation.from_rotvec(2 * draw.normal(size=lattice.shape)).as_matrix()
    tomogram = np.zeros(shape)
    for position, rotation in zip(positions, rotations, strict=True):
        tomogram += _drawn(shape, _balls(fold) @ rotation.T + position, np.tile(WEIGHTS, fold))
    tomogram += noise * draw.normal(size=shape)
    if wedge is not None:
        tomogram = apply_wedge(tomogram.astype(np.float32), wedge_mask(shape, wedge))
    return Scattered(
        Volume.from_array(
            -tomogram.astype(np.float32), voxel_size_nm=(VOXEL_NM,) * 3, name="scattered"
        ),
        ParticleTable(
            positions=positions,
            shape=shape,
            voxel_size_nm=VOXEL_NM,
            tomogram="scattered",
            rotations=rotations,
            scores=np.zeros(len(positions)),
        ),
    )


def turn(axis_zyx, degrees):
    """A matrix on (z, y, x) columns, by the right-hand rule in (x, y, z)."""
    rotation = Rotation.from_rotvec(np.deg2rad(degrees) * np.array(axis_zyx[::-1], float))
    return np.ascontiguousarray(rotation.as_matrix()[::-1, ::-1])


def apart_degrees(first, second):
    """Angles between rotations, matrix by matrix."""
    trace = np.einsum("nij,nij->n", first, second)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def _balls(fold):
    spins = [turn((1, 0, 0), 360 / fold * step) for step in range(fold)]
    return np.concatenate([BALLS @ spin.T for spin in spins])


def _drawn(shape, centres, weights):
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    drawn = np.zeros(shape)
    for (at_z, at_y, at_x), weight in zip(centres, weights, strict=True):
        distance = (z - at_z) ** 2 + (y - at_y) ** 2 + (x - at_x) ** 2
        drawn += weight * np.exp(-distance / (2 * BALL**2))
    return drawn.astype(np.float32)
