"""Where an averaging has come to."""

from dataclasses import fields

import numpy as np
import pytest
from scattered_molecules import turn

from gyrovox.errors import FileFormatError
from gyrovox.particles.averaging import AveragingState


@pytest.fixture
def state():
    draw = np.random.default_rng(0)
    return AveragingState(
        iteration=3,
        rows=np.array([0, 2, 5]),
        second=np.array([True, False, True]),
        positions=draw.normal(size=(3, 3)),
        rotations=np.stack([turn((1, 0, 0), 30), turn((0, 1, 0), 90), np.eye(3)]),
        scores=draw.normal(size=3),
        halves=draw.normal(size=(2, 4, 4, 4)).astype(np.float32),
        seen=np.ones((4, 4, 3), np.float32),
        cutoff=0.31,
        grown=False,
    )


def test_a_state_comes_back_from_its_file(state, tmp_path):
    state.save(tmp_path / "3.npz")
    again = AveragingState.load(tmp_path / "3.npz")
    for field in fields(AveragingState):
        ours, theirs = vars(state)[field.name], vars(again)[field.name]
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)


def test_a_pose_moves_as_the_reference_was_found(state):
    """What lay at r in the box of a particle, lies where its old pose put it."""
    found, shift = turn((0, 0, 1), 25), np.array([0.5, -1.0, 2.0])
    moved = state.moved(np.array([1]), found[None], shift[None], np.array([0.9]))
    point = np.array([1.0, 2.0, 3.0])
    in_box = found @ point + shift
    expected = state.positions[1] + state.rotations[1] @ in_box
    np.testing.assert_allclose(moved.positions[1] + moved.rotations[1] @ point, expected)
    assert moved.scores[1] == 0.9
    np.testing.assert_array_equal(moved.positions[[0, 2]], state.positions[[0, 2]])


def test_rotations_stay_rotations_after_many_moves(state):
    step = turn((0.3, 0.5, -0.2), 3.0) * (1 + 1e-6)
    for _ in range(200):
        state = state.moved(np.arange(3), np.tile(step, (3, 1, 1)), np.zeros((3, 3)), state.scores)
    product = state.rotations @ state.rotations.swapaxes(1, 2)
    np.testing.assert_allclose(product, np.tile(np.eye(3), (3, 1, 1)), atol=1e-12)


def test_other_files_are_refused(state, tmp_path):
    np.savez(tmp_path / "other.npz", iteration=1)
    (tmp_path / "text.npz").write_text("no", encoding="ascii")
    state.save(tmp_path / "whole.npz")
    data = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "torn.npz").write_bytes(data[: len(data) // 2])
    for name in ("other", "text", "torn"):
        with pytest.raises(FileFormatError, match="must hold the state of an averaging"):
            AveragingState.load(tmp_path / f"{name}.npz")
