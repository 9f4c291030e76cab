import numpy as np
import pytest
import torch

from gyrovox.errors import RunMismatchError, TrainingError, VolumeError, VolumeMismatchError
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising import denoise, train_noise2noise, training
from gyrovox.tomography.missing_wedge import apply_wedge, wedge_mask
from gyrovox.volumes import Volume

TINY = Noise2NoiseSettings(channels=(2, 3), steps=6, batch_size=2, crop_size=8)


@pytest.fixture(scope="module")
def halves():
    """A ball and a plane, twice, with noise of its own each, both without the missing wedge."""
    side = 24
    z, y, x = np.indices((side, side, side)) - side // 2
    truth = 1.0 * (z**2 + (y - 3) ** 2 + x**2 < 6**2) - 1.0 * (np.abs(x + y) < 2)
    mask = wedge_mask((side, side, side), (-60.0, 60.0))
    rng = np.random.default_rng(0)
    noisy = [
        apply_wedge((truth + rng.normal(size=truth.shape)).astype(np.float32), mask)
        for _ in range(2)
    ]
    clean = apply_wedge(truth.astype(np.float32), mask)
    return clean, (Volume.from_array(noisy[0]), Volume.from_array(noisy[1]))


def weights(run):
    return torch.cat([value.flatten() for value in run.network.state_dict().values()])


def test_learning_from_noise_alone_takes_noise_away(halves):
    clean, (even, odd) = halves
    settings = Noise2NoiseSettings(channels=(4, 8), steps=60, crop_size=12, learning_rate=1e-2)
    learned = train_noise2noise((even, odd), settings)
    whole = Volume.from_array((even.read()[0] + odd.read()[0]) / 2)
    found = denoise(whole, learned, halves=(even, odd))
    before = np.square(whole.read()[0] - clean).mean()
    assert np.square(found - clean).mean() < 0.35 * before
    # What is independent in the halves cannot be learned: the loss stays above its share.
    assert len(learned.losses) == 60
    assert 0.5 < np.mean(learned.losses[-20:]) < 0.95 * np.mean(learned.losses[:5])


def test_a_seed_gives_the_same_network(halves, device):
    runs = [train_noise2noise(halves[1], TINY, seed=seed, device=str(device)) for seed in (0, 0, 1)]
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert runs[0].losses == runs[1].losses != runs[2].losses


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(halves, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    whole = train_noise2noise(halves[1], TINY, seed=3)
    asked = []

    def stop():
        asked.append(None)
        return len(asked) == 4

    part = train_noise2noise(
        halves[1], TINY, seed=3, checkpoint=path, checkpoint_every_s=1e9, should_stop=stop
    )
    assert len(part.losses) == 4
    rest = train_noise2noise(halves[1], TINY, seed=3, checkpoint=path)
    assert rest.losses == whole.losses
    assert torch.equal(weights(rest), weights(whole))
    again = train_noise2noise(halves[1], TINY, seed=3, checkpoint=path)  # nothing is left to do
    assert torch.equal(weights(again), weights(whole))


def test_a_checkpoint_is_of_one_run(halves, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    even, odd = halves[1]
    train_noise2noise((even, odd), TINY, checkpoint=path)
    with pytest.raises(RunMismatchError, match="seed is 0, and 1 came"):
        train_noise2noise((even, odd), TINY, seed=1, checkpoint=path)
    with pytest.raises(RunMismatchError, match="the volumes were others"):
        train_noise2noise((odd, even), TINY, checkpoint=path)


def test_the_wedge_stays_where_it_is_in_the_crops(monkeypatch):
    """Mirrors keep a wedge along z; a rotation that swapped axes would not."""
    seen = []
    crops = training._crops

    def kept(*arguments):
        seen.append(crops(*arguments))
        return seen[-1]

    monkeypatch.setattr(training, "_crops", kept)
    planes = np.zeros((16, 16, 16), np.float32)
    planes += np.arange(16, dtype=np.float32)[:, None, None]
    ramp = Volume.from_array(planes)
    train_noise2noise((ramp, ramp), TINY)
    steps = torch.stack(seen).flatten(0, 2)
    rise = steps.diff(dim=1)
    assert (rise.flatten(1).amax(1) > 0).any()  # as it is, along z
    assert (rise.flatten(1).amin(1) < 0).any()  # mirrored
    assert not steps.diff(dim=2).any()
    assert not steps.diff(dim=3).any()


def test_either_half_is_the_input_half_of_the_time(monkeypatch):
    dark_inputs = []
    step = training._Run.step

    def kept(self, pairs):
        medians = pairs.flatten(2).median(-1).values
        assert (medians[0] * medians[1] < 0).all()  # one of each half
        dark_inputs.extend((medians[0] < 0).tolist())
        return step(self, pairs)

    monkeypatch.setattr(training._Run, "step", kept)
    # A quarter of one half's voxels is bright, a quarter of the other's dark.
    bright = (np.random.default_rng(0).random((12, 12, 12)) < 0.25).astype(np.float32)
    settings = Noise2NoiseSettings(channels=(2, 2), steps=20, batch_size=4, crop_size=8)
    train_noise2noise((Volume.from_array(bright), Volume.from_array(-bright)), settings)
    assert 0.3 < np.mean(dark_inputs) < 0.7


def test_what_cannot_be_learned_from_is_refused(halves):
    even, odd = halves[1]
    with pytest.raises(VolumeError, match="must have at least 32 voxels along every axis"):
        train_noise2noise((even, odd), Noise2NoiseSettings(crop_size=32))
    with pytest.raises(VolumeMismatchError, match="must have the same shape"):
        train_noise2noise((even, Volume.from_array(odd.read()[0, 2:])), TINY)


def test_a_loss_that_is_no_number_ends_the_training(halves):
    wild = Noise2NoiseSettings(channels=(2, 3), steps=60, crop_size=8, learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"the loss must stay finite, and is .* Lower n2n"):
        train_noise2noise(halves[1], wild)


@pytest.mark.gpu
def test_a_gpu_learns_the_same_twice(halves, device):
    runs = [train_noise2noise(halves[1], TINY, device=str(device)) for _ in range(2)]
    assert torch.equal(weights(runs[0]), weights(runs[1]))
