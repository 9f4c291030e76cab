"""The frame of a reference that nobody gave: where particles were believed to be on average."""

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from gyrovox.volumes import ParticleTable

from .averaging_state import AveragingState


def in_prior_frame(
    state: AveragingState, priors: ParticleTable, *, symmetric: bool
) -> AveragingState:
    """The same poses, told from a reference that stands as the particles did on average before.

    What a reference grew from leaned by chance, and so do all poses that are told from it.

    Args:
        state: Poses, and rows of the table.
        priors: What was believed before; with rotations.
        symmetric: Whether the reference's axis is that of its symmetry: then it can only have slid
            along itself.

    Returns:
        The state, every reference turned and moved alike; its averages are not.
    """
    rotations = state.rotations if priors.rotations is None else priors.rotations[state.rows]
    back = state.rotations.swapaxes(1, 2)
    moved = priors.positions[state.rows] - state.positions
    centre = np.einsum("nij,nj->ni", back, moved).mean(axis=0)
    turn = _from_z((back @ rotations)[:, :, 0].mean(axis=0))
    if symmetric:
        centre[1:], turn = 0.0, np.eye(3)
    count = len(state.rows)
    return state.moved(
        np.arange(count), np.tile(turn, (count, 1, 1)), np.tile(centre, (count, 1)), state.scores
    )


def _from_z(axis: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The smallest turn, on (z, y, x) columns, of z onto a direction."""
    z, y, x = axis / max(float(np.linalg.norm(axis)), 1e-12)
    # In (x, y, z), z × (x, y, z) = (-y, x, 0).
    about = np.array([-y, x, 0.0])
    sine = float(np.linalg.norm(about))
    about *= float(np.arctan2(sine, z)) / max(sine, 1e-12)
    return np.ascontiguousarray(Rotation.from_rotvec(about).as_matrix()[::-1, ::-1])
