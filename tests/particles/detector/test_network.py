"""The network: what it gives out, how far it reads, and what it thinks before it has learned."""

import pytest
import torch

from gyrovox.particles.detector.network import ResidualBlock, RetinaNet
from gyrovox.particles.detector.settings import DetectorSettings

TINY = DetectorSettings(classes=("a", "b"), stages=(4, 6, 8), pyramid_channels=6)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return RetinaNet(TINY).eval()


def test_every_anchor_has_scores_and_offsets(network):
    scores, offsets = network(torch.randn(2, 1, 16, 32, 24))
    anchors, sizes = network.anchors((16, 32, 24))
    cells = 4 * 8 * 6 + 2 * 4 * 3
    assert scores.shape == (2, 3 * cells, 2)
    assert offsets.shape == (2, 3 * cells, 6)
    assert anchors.shape == (3 * cells, 6)
    assert sorted(set(sizes.tolist())) == list(range(6))
    for size, diameter in enumerate(d for level in TINY.anchors for d in level):
        assert (anchors[sizes == size, 3:] == torch.tensor(diameter)).all()


def test_at_first_all_is_background(network):
    scores, _ = network(torch.randn(1, 1, 16, 16, 16))
    assert scores.sigmoid().mean().item() == pytest.approx(0.01, rel=0.1)


def test_scores_stand_where_their_anchors_are():
    """What is put into a few voxels moves only scores of anchors near them, in both levels."""
    torch.manual_seed(1)
    network = RetinaNet(TINY).eval().double()
    blank = torch.zeros(1, 1, 16, 16, 192, dtype=torch.float64)
    lit = blank.clone()
    lit[..., 4:12, 4:12, 92:101] = 10 * torch.randn(8, 8, 9, dtype=torch.float64)
    changed = (network(lit)[0] - network(blank)[0]).abs().amax(-1)[0] > 1e-12
    anchors, sizes = network.anchors((16, 16, 192))
    for level in (sizes < 3, sizes >= 3):
        places = anchors[level & changed, 2]
        assert len(places)
        assert (places - 96).abs().max() <= network.reach + 4
        assert places.min() < 96 < places.max()


def test_nothing_beyond_the_reach_moves_a_score():
    torch.manual_seed(2)
    network = RetinaNet(TINY).eval().double()
    long = torch.randn(1, 1, 16, 16, 256, dtype=torch.float64)
    start = 2 * network.stride
    tile = long[..., start:]
    anchors, _ = network.anchors((16, 16, 256))
    own, _ = network.anchors((16, 16, 256 - start))
    far = own[:, 2] + 0.0 >= network.reach
    whole_far = anchors[:, 2] - start >= network.reach
    torch.testing.assert_close(network(tile)[0][0, far], network(long)[0][0, whole_far])
    # And it is not much farther than it need be.
    near = own[:, 2] < network.reach / 2
    whole_near = (anchors[:, 2] >= start) & (anchors[:, 2] - start < network.reach / 2)
    gap = (network(tile)[0][0, near] - network(long)[0][0, whole_near]).abs().max()
    assert gap > 1e-9


def test_a_block_is_at_first_the_identity_on_what_is_not_negative():
    features = torch.rand(1, 3, 4, 4, 4)
    torch.testing.assert_close(ResidualBlock(3).eval()(features), features)


def test_it_may_be_trained_by_any_optimiser(network):
    scores, offsets = RetinaNet(TINY).train()(torch.randn(2, 1, 16, 16, 16))
    (scores.square().sum() + offsets.square().sum()).backward()
    assert network.stride == 8
