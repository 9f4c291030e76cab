"""Euler angles of particles, as RELION and Dynamo mean them.

Both programs count in (x, y, z). With ``A`` the matrix that takes the reference to the particle,
``Rz(a)`` the turn of a vector about z from x to y, and ``Rx``, ``Ry`` likewise:

- RELION: ``A = Rz(-psi) Ry(-tilt) Rz(-rot)``, which is the inverse of the intrinsic turn Z Y' Z''
  by (rot, tilt, psi). The angles turn the particle back onto the reference.
- Dynamo: ``A = Rz(-tdrot) Rx(-tilt) Rz(-narot)``, the inverse of the extrinsic turn z x z by
  (tdrot, tilt, narot).

As ``Rx(t) = Rz(-90°) Ry(t) Rz(90°)``, Dynamo's angles are ``(psi - 90°, tilt, rot + 90°)`` of
RELION's.

Source:
    Heymann, Chagoyen & Belnap (2005), https://doi.org/10.1016/j.jsb.2005.06.001; RELION,
    ParticleSet::getMatrix4x4 and Euler::anglesToMatrix3, https://github.com/3dem/relion; Dynamo,
    https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Euler_angles_convention
"""

import numpy as np
from jaxtyping import Float64

_POLE_WITHIN = 1e-9


def relion_angles(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n 3"]:
    """RELION's (rot, tilt, psi) of particles.

    Args:
        rotations: Matrices on (z, y, x) columns that take the reference to the particle,
            shape (n, 3, 3).

    Returns:
        Degrees, tilt in [0, 180], the others in (-180, 180]; rot is 0 where only its sum with psi
        matters. Shape (n, 3).
    """
    a = rotations[:, ::-1, ::-1]
    sine = np.hypot(a[:, 2, 0], a[:, 2, 1])
    tilt = np.arctan2(sine, a[:, 2, 2])
    pole = sine < _POLE_WITHIN
    rot = np.where(pole, 0.0, np.arctan2(a[:, 2, 1], a[:, 2, 0]))
    at_pole = np.arctan2(a[:, 0, 1], a[:, 1, 1])
    psi = np.where(pole, at_pole, np.arctan2(a[:, 1, 2], -a[:, 0, 2]))
    return _wrapped(np.rad2deg(np.stack([rot, tilt, psi], axis=1)))


def relion_rotations(degrees: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """What RELION's (rot, tilt, psi) turn.

    Args:
        degrees: (rot, tilt, psi) of each particle, shape (n, 3).

    Returns:
        Matrices on (z, y, x) columns that take the reference to the particle, shape (n, 3, 3).
    """
    rot, tilt, psi = np.deg2rad(degrees).T
    zero, one = np.zeros_like(rot), np.ones_like(rot)
    about_y = np.stack(
        [
            np.stack([np.cos(tilt), zero, -np.sin(tilt)], axis=-1),
            np.stack([zero, one, zero], axis=-1),
            np.stack([np.sin(tilt), zero, np.cos(tilt)], axis=-1),
        ],
        axis=1,
    )
    matrices = _about_z(-psi) @ about_y @ _about_z(-rot)
    return np.ascontiguousarray(matrices[:, ::-1, ::-1])


def dynamo_angles(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n 3"]:
    """Dynamo's (tdrot, tilt, narot) of particles.

    Args:
        rotations: Matrices on (z, y, x) columns that take the reference to the particle,
            shape (n, 3, 3).

    Returns:
        Degrees, shape (n, 3).
    """
    rot, tilt, psi = relion_angles(rotations).T
    return _wrapped(np.stack([psi - 90, tilt, rot + 90], axis=1))


def dynamo_rotations(degrees: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """What Dynamo's (tdrot, tilt, narot) turn.

    Args:
        degrees: (tdrot, tilt, narot) of each particle, shape (n, 3).

    Returns:
        Matrices on (z, y, x) columns that take the reference to the particle, shape (n, 3, 3).
    """
    tdrot, tilt, narot = degrees.T
    return relion_rotations(np.stack([narot - 90, tilt, tdrot + 90], axis=1))


def _about_z(angle: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n 3 3"]:
    """Turns of (x, y, z) columns about z, from x to y, by radians."""
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    return np.stack(
        [
            np.stack([np.cos(angle), -np.sin(angle), zero], axis=-1),
            np.stack([np.sin(angle), np.cos(angle), zero], axis=-1),
            np.stack([zero, zero, one], axis=-1),
        ],
        axis=1,
    )


def _wrapped(degrees: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    """The same angles in (-180, 180]."""
    return np.asarray(180 - np.mod(180 - degrees, 360))
