import pytest
import torch

from gyrovox.training.random_streams import RandomStream

CPU = torch.device("cpu")


def drawn(stream, count=4):
    """Places and noise of a batch."""
    with stream.drawing() as generator:
        places = torch.randint(1000, (count,), generator=generator)
        noise = torch.randn(count)
    return places, noise


def test_stream_0_begins_at_the_seed_itself():
    places, noise = drawn(RandomStream(7, 0, CPU))
    torch.manual_seed(7)
    assert torch.equal(noise, torch.randn(4))
    seven = torch.Generator().manual_seed(7)
    assert torch.equal(places, torch.randint(1000, (4,), generator=seven))


def test_streams_and_seeds_differ():
    found = [drawn(RandomStream(seed, number, CPU), 8) for seed in (0, 1) for number in (0, 1, 2)]
    for kind in range(2):
        assert len({tuple(one[kind].tolist()) for one in found}) == 6


def test_a_stream_does_not_care_what_is_drawn_between_its_batches():
    alone, disturbed = (RandomStream(3, 1, CPU) for _ in range(2))
    other = RandomStream(3, 2, CPU)
    for _ in range(3):
        expected = drawn(alone)
        torch.manual_seed(99)
        drawn(other)
        assert all(map(torch.equal, drawn(disturbed), expected))


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_stream_goes_on_from_where_another_one_was(batches):
    stream = RandomStream(3, 1, CPU)
    for _ in range(batches):
        drawn(stream)
    states = {name: value.clone() for name, value in stream.states().items()}
    back = RandomStream(4, 0, CPU)
    back.go_on_from(states)
    for _ in range(2):
        assert all(map(torch.equal, drawn(back), drawn(stream)))


def test_making_a_stream_moves_nothing():
    before = torch.get_rng_state()
    RandomStream(3, 1, CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
def test_noise_on_a_gpu_is_a_stream_too(device):
    stream = RandomStream(3, 1, device)
    with stream.drawing():
        torch.randn(4, device=device)
    states = stream.states()
    with stream.drawing():
        expected = torch.randn(4, device=device)
    back = RandomStream(4, 0, device)
    back.go_on_from(states)
    with back.drawing():
        assert torch.equal(torch.randn(4, device=device), expected)
