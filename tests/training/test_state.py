import torch
from resume_laws import new_model

from gyrovox.settings import ModelSettings
from gyrovox.training.random_streams import RandomStream
from gyrovox.training.state import TrainingRecord, TrainingState

MODEL = ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8, decoder_channels=(4,))


def state_of(seed):
    vae = new_model(MODEL)
    for parameter in vae.parameters():
        parameter.data.mul_(seed)
    optimiser = torch.optim.Adam(vae.parameters(), 0.1)
    streams = {n: RandomStream(seed, n, torch.device("cpu")) for n in (0, 2)}
    return TrainingState(vae, optimiser, streams, TrainingRecord([], [], [], []))


def step(state):
    for parameter in state.vae.parameters():
        parameter.grad = torch.sin(parameter.detach())
    state.optimiser.step()
    for stream in state.streams.values():
        with stream.drawing() as generator:
            torch.rand(3, generator=generator)
            torch.rand(3)
    for name, values in state.record.columns().items():
        values.append(len(values) / 3 + len(name))


def arrays_of(state):
    return state.arrays([state.stream_states()])


def check_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(other[name], value), name


def test_a_state_goes_on_from_the_arrays_of_another():
    one, other = state_of(1), state_of(2)
    for _ in range(2):
        step(one)
    other.go_on_from(arrays_of(one))
    check_same(arrays_of(one), arrays_of(other))
    for _ in range(2):
        step(one)
        step(other)
    check_same(arrays_of(one), arrays_of(other))
    assert other.record == one.record
    assert other.record.steps == 4


def test_a_state_before_the_first_step_can_be_gone_on_from():
    one, other = state_of(1), state_of(2)
    other.go_on_from(arrays_of(one))
    step(one)
    step(other)
    check_same(arrays_of(one), arrays_of(other))


def test_everything_that_moves_is_in_the_arrays():
    state = state_of(1)
    step(state)
    before = {name: value.clone() for name, value in arrays_of(state).items()}
    step(state)
    after = arrays_of(state)
    still = {
        name for name, value in after.items() if name in before and torch.equal(value, before[name])
    }
    fixed = {f"model.{name}" for name, _ in state.vae.named_buffers()}
    assert still <= fixed
    kinds = {name.partition(".")[0] for name in after}
    assert kinds == {"model", "optimiser", "stream", "record"}


def test_streams_of_all_processes_are_joined():
    one, other = state_of(1), state_of(1)
    other.streams[1] = other.streams.pop(0)
    joined = one.arrays([one.stream_states(), other.stream_states()])
    assert {name.split(".")[1] for name in joined if name.startswith("stream")} == {"0", "1", "2"}
