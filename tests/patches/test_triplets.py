import math

import pytest
import torch
from scipy import stats
from scipy.ndimage import map_coordinates

from gyrovox.patches import Cubes, TripletSizes, resize_cubes, sample_triplets

PAPER = TripletSizes(parent=(5.0, 35.0), child=(3.0, 15.0), gap=2.0, sampling="uniform")
LOG = TripletSizes(parent=(5.0, 35.0), child=(3.0, 15.0), gap=2.0, sampling="log-uniform")
# Cubes of a few hundred voxels are compared in float32.
ROUNDING = 1e-3


def drawn(shape, count, sizes, seed=0):
    return sample_triplets(shape, count, sizes, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sizes", [PAPER, LOG], ids=["uniform", "log-uniform"])
@pytest.mark.parametrize("shape", [(50, 50, 50), (10, 12, 90), (200, 30, 64)], ids=str)
def test_triplets_are_what_their_names_say(shape, sizes):
    triplets = drawn(shape, 2000, sizes)
    parent, child, stranger = triplets.parent, triplets.child, triplets.stranger
    extent = torch.tensor(shape)
    for role in (parent, child, stranger):
        assert (role.start >= -ROUNDING).all()
        assert (role.start + role.side[:, None] <= extent + ROUNDING).all()
    assert (child.start >= parent.start - ROUNDING).all()
    assert (
        child.start + child.side[:, None] <= parent.start + parent.side[:, None] + ROUNDING
    ).all()
    assert not stranger.overlaps(parent).any()
    assert torch.equal(stranger.side, child.side)
    assert parent.side.min() >= 5
    assert parent.side.max() <= min(35, min(shape) / 2) + ROUNDING
    assert child.side.min() >= 3 - ROUNDING
    assert child.side.max() <= 15
    assert (child.side <= parent.side - 2 + ROUNDING).all()


def test_uniform_sizes_are_uniform():
    # In a large volume a stranger finds room at once, and no draw is left out.
    triplets = drawn((500, 500, 500), 5000, PAPER)
    share = (triplets.parent.side - 5) / 30
    assert stats.kstest(share.numpy(), "uniform").pvalue > 1e-4


def test_log_uniform_sizes_give_every_octave_the_same_share():
    triplets = drawn((500, 500, 500), 5000, LOG)
    share = (triplets.parent.side / 5).log() / math.log(7)
    assert stats.kstest(share.numpy(), "uniform").pvalue > 1e-4
    assert stats.kstest((triplets.parent.side.numpy() - 5) / 30, "uniform").pvalue < 1e-4


@pytest.mark.parametrize("sizes", [PAPER, LOG], ids=["uniform", "log-uniform"])
def test_a_child_is_uniform_between_its_limits_and_inside_its_parent(sizes):
    triplets = drawn((500, 500, 500), 5000, sizes)
    parent, child = triplets.parent, triplets.child
    limit = torch.minimum(parent.side - 2, torch.tensor(15.0))
    share = (child.side - 3) / (limit - 3)
    share = share[limit > 3 + ROUNDING]
    assert stats.kstest(share.clamp(0, 1).numpy(), "uniform").pvalue > 1e-4
    place = (child.start - parent.start) / (parent.side - child.side)[:, None]
    for axis in range(3):
        assert stats.kstest(place[:, axis].clamp(0, 1).numpy(), "uniform").pvalue > 1e-4


def test_a_parent_is_anywhere_in_the_volume():
    parent = drawn((500, 300, 400), 5000, PAPER).parent
    place = parent.start / (torch.tensor([500, 300, 400]) - parent.side[:, None])
    for axis in range(3):
        assert stats.kstest(place[:, axis].numpy(), "uniform").pvalue > 1e-4


def test_large_parents_keep_their_share_in_a_small_volume():
    side = drawn((50, 50, 50), 20_000, PAPER).parent.side
    assert (side > 15).float().mean() > 0.4, "of (25 - 15) / (25 - 5)"


def test_a_seed_draws_the_same_triplets():
    one, same, other = (drawn((40, 40, 40), 50, PAPER, seed) for seed in (1, 1, 2))
    assert torch.equal(one.parent.start, same.parent.start)
    assert torch.equal(one.stranger.start, same.stranger.start)
    assert one.parent.side[0] != other.parent.side[0]


def test_the_global_random_state_is_not_touched():
    before = torch.get_rng_state()
    drawn((40, 40, 40), 50, PAPER)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_volume_without_room_for_a_parent_and_a_stranger_is_refused():
    with pytest.raises(
        ValueError, match=r"at least 10 voxels along every axis, .* shape \(9, 50, 50\)"
    ):
        drawn((9, 50, 50), 4, PAPER)
    assert len(drawn((10, 50, 50), 100, PAPER).parent.side) > 50


@pytest.mark.parametrize(
    ("shift", "overlaps"),
    [((0, 0, 0), True), ((1.9, 1.9, -2.9), True), ((2, 0, 0), False), ((0, 0, -3), False)],
)
def test_cubes_that_only_touch_do_not_overlap(shift, overlaps):
    first = Cubes(torch.tensor([[5.0, 5.0, 5.0]]), torch.tensor([2.0]))
    second = Cubes(first.start + torch.tensor(shift), torch.tensor([3.0]))
    assert first.overlaps(second).item() is overlaps
    assert second.overlaps(first).item() is overlaps


def test_resized_cubes_are_those_of_scipy(device):
    voxels = torch.randn(2, 9, 10, 11)
    cubes = Cubes(
        torch.tensor([[0.7, 1.2, 2.9], [1.0, 2.0, 3.0], [3.1, 0.5, 4.0]]),
        torch.tensor([5.0, 4.0, 2.6]),
    )
    found = resize_cubes(voxels.to(device), cubes, 4).cpu()
    assert found.shape == (3, 2, 4, 4, 4)
    steps = (torch.arange(4) + 0.5) / 4
    for number, (start, side) in enumerate(zip(cubes.start, cubes.side, strict=True)):
        axes = [edge + side * steps - 0.5 for edge in start]  # voxel i is centred at i + 1/2
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij")).numpy()
        for channel in range(2):
            expected = map_coordinates(voxels[channel].numpy(), grid, order=1, mode="nearest")
            torch.testing.assert_close(
                found[number, channel], torch.from_numpy(expected), rtol=1e-4, atol=1e-5
            )


def test_a_cube_of_whole_voxels_is_cut_out_unchanged(device):
    voxels = torch.randn(1, 8, 9, 10, device=device)
    cubes = Cubes(torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]), torch.tensor([5.0, 5.0]))
    found = resize_cubes(voxels, cubes, 5)
    torch.testing.assert_close(found[0], voxels[:, 1:6, 2:7, 3:8], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], voxels[:, 3:8, 4:9, 5:10], rtol=1e-4, atol=1e-5)


def test_a_ramp_stays_a_ramp_at_any_size():
    z = torch.arange(20.0) + 0.5
    voxels = z[None, :, None, None].expand(1, 20, 20, 20).contiguous()
    cubes = Cubes(torch.tensor([[3.3, 4.0, 5.0]]), torch.tensor([7.7]))
    found = resize_cubes(voxels, cubes, 10)[0, 0, :, 0, 0]
    torch.testing.assert_close(found, 3.3 + 7.7 * (torch.arange(10) + 0.5) / 10)
