import numpy as np
import pytest
import torch

from gyrovox.patches.tilt_wedge import without_unseen
from gyrovox.training.turned_view import TURNS, as_seen_turned, drawn_turn


def test_the_turns_are_the_24_rotations_of_a_cube():
    corners = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]]).movedim(0, -1)
    seen = {tuple(turn.of(corners).flatten().tolist()) for turn in TURNS}
    # By themselves: a quarter turn about one axis and about another make all of them.
    expected, new = set(), [corners]
    while new:
        one = new.pop()
        if (key := tuple(one.flatten().tolist())) not in expected:
            expected.add(key)
            new += [one.rot90(1, (0, 1)), one.rot90(1, (1, 2))]
    assert seen == expected
    assert len(TURNS) == 24
    assert torch.equal(TURNS[0].of(corners), corners)


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_turn_can_be_taken_back(turn):
    voxels = torch.randn(3, 4, 5, 2)
    turned = turn.of(voxels)
    assert turned.shape == (*(voxels.shape[axis] for axis in turn.axes), 2)
    assert torch.equal(turn.back(turned), voxels)


def test_every_turn_but_none_is_drawn():
    generator = torch.Generator().manual_seed(0)
    drawn = [drawn_turn(generator) for _ in range(1000)]
    assert set(drawn) == set(TURNS[1:])


def test_what_turning_leaves_unseen_is_the_turned_wedge():
    side = 32
    z, y, x = np.indices((side, side, side))
    wave = {
        name: torch.from_numpy(np.cos(2 * np.pi * 3 * where / side).astype(np.float32))[None]
        for name, where in {"z": z, "y": y, "x": x}.items()
    }
    for turn in TURNS:
        # The lab's z is unseen: a wave is lost if its axis becomes that.
        lost = "zyx"[turn.axes[0]]
        for name, voxels in wave.items():
            left = as_seen_turned(voxels, turn, (-60.0, 60.0))
            torch.testing.assert_close(left, voxels * (name != lost), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 12, 12, 12), (1, 9, 12, 14)], ids=str)
def test_to_turn_first_and_then_to_lose_is_the_same(shape, device):
    voxels = torch.randn(*shape, device=device)
    for turn in TURNS[::5]:
        turned = turn.of(voxels.movedim(0, -1)).movedim(-1, 0)
        expected = without_unseen(turned, (-50.0, 60.0))
        found = as_seen_turned(voxels, turn, (-50.0, 60.0))
        torch.testing.assert_close(turn.of(found.movedim(0, -1)).movedim(-1, 0), expected)
