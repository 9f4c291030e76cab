"""Euler angles, beside the programs' own formulas and SciPy's rotations."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.io.particle_angles import (
    dynamo_angles,
    dynamo_rotations,
    relion_angles,
    relion_rotations,
)

ANGLES = np.random.default_rng(0).uniform((-180, 1, -180), (180, 179, 180), (20, 3))
# Of one particle, told by both programs: alisterburt/eulerangles, a reconstruction of each agreed.
SAME = {"dynamo": (-47.2730, 1.1777, -132.3000), "relion": (137.7000, 1.1777, 42.7270)}


def in_xyz(matrices):
    return matrices[:, ::-1, ::-1]


def particle_set_matrix(rot, tilt, psi):
    """RELION's matrix from a reference to a tomogram, on (x, y, z), written out by hand."""
    (sr, st, sp), (cr, ct, cp) = np.sin((rot, tilt, psi)), np.cos((rot, tilt, psi))
    return np.array([
        [cp * ct * cr - sp * sr, cp * ct * sr + sp * cr, -cp * st],
        [-sp * ct * cr - cp * sr, -sp * ct * sr + cp * cr, sp * st],
        [st * cr, st * sr, ct],
    ])


def test_relion_turns_as_its_source_says():
    expected = [particle_set_matrix(*np.deg2rad(row)) for row in ANGLES]
    np.testing.assert_allclose(in_xyz(relion_rotations(ANGLES)), expected, atol=1e-12)


def test_relion_turns_by_the_inverse_of_intrinsic_zyz():
    expected = Rotation.from_euler("ZYZ", ANGLES, degrees=True).inv().as_matrix()
    np.testing.assert_allclose(in_xyz(relion_rotations(ANGLES)), expected, atol=1e-12)


def test_dynamo_turns_by_the_inverse_of_extrinsic_zxz():
    expected = Rotation.from_euler("zxz", ANGLES, degrees=True).inv().as_matrix()
    np.testing.assert_allclose(in_xyz(dynamo_rotations(ANGLES)), expected, atol=1e-12)


def test_both_programs_tell_one_particle_alike():
    np.testing.assert_allclose(
        dynamo_rotations(np.array([SAME["dynamo"]])),
        relion_rotations(np.array([SAME["relion"]])),
        atol=1e-5,
    )
    turned = dynamo_rotations(np.array([SAME["dynamo"]]))
    np.testing.assert_allclose(relion_angles(turned)[0], SAME["relion"], atol=1e-4)


def test_the_axis_of_a_reference_points_where_tilt_and_psi_say():
    axis = relion_rotations(np.array([[70.0, 90.0, 0.0], [70.0, 90.0, 90.0]]))[:, :, 0]
    np.testing.assert_allclose(axis, [(0, 0, -1), (0, 1, 0)], atol=1e-12)


@pytest.mark.parametrize(
    "way", [(relion_angles, relion_rotations), (dynamo_angles, dynamo_rotations)]
)
@pytest.mark.parametrize("tilt", [None, 0.0, 180.0, 1e-12, 180 - 1e-12])
def test_angles_come_back_even_at_the_poles(way, tilt):
    angles = ANGLES.copy()
    if tilt is not None:
        angles[:, 1] = tilt
    told, turned = way
    rotations = turned(angles)
    again = told(rotations)
    np.testing.assert_allclose(turned(again), rotations, atol=1e-9)
    assert (again > -180).all()
    assert (again <= 180).all()
    if tilt is None:
        np.testing.assert_allclose(again, angles, atol=1e-9)
