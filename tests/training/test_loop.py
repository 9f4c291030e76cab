import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from resume_laws import check_same_bits, everything_in, run, stopping_after

from gyrovox.errors import OutputSpaceError, RunMismatchError, TrainingError
from gyrovox.models import HyperbolicVAE
from gyrovox.patches import normalise
from gyrovox.settings import CATALOGUE, ModelSettings, TrainingSettings
from gyrovox.training import DenseStep, train
from gyrovox.training import loop as module
from gyrovox.training.loop import _share_of_rate
from gyrovox.volumes.phantom_cell import cell_phantom

DENSE = ModelSettings(channels=(4, 4, 4), hidden=8, decoder_channels=(8,))
PATCH = ModelSettings(encoder="patch", channels=(4, 4, 4, 4), hidden=8, likelihood="unit-normal")
SHORT = TrainingSettings(steps=3, crop_size=10, positions=32, triplets=64, batch_size=8)
MODELS = {
    "dense": DENSE,
    "flat": replace(DENSE, geometry="euclidean"),
    "volumes": replace(DENSE, latent_side=3),
    "patch": PATCH,
}
RIEMANNIAN = {"riemannian": replace(DENSE, posterior="riemannian-normal")}
VOLUMES = replace(DENSE, latent_side=3)


def vae_of(model, seed=0):
    torch.manual_seed(seed)
    return HyperbolicVAE(model, in_channels=1)


@pytest.fixture(scope="module")
def voxels():
    return torch.from_numpy(normalise(cell_phantom(0, shape=(16, 16, 16)).image[None]))


@pytest.mark.parametrize("kind", ["dense", "flat", "riemannian"])
def test_training_makes_the_loss_smaller(kind, voxels, device):
    settings = replace(SHORT, steps=60, learning_rate=1e-2, positions=128)
    vae = vae_of((MODELS | RIEMANNIAN)[kind]).to(device)
    record = train(vae, [voxels.to(device)], settings, seed=0, quiet=True)
    assert np.mean(record.loss[-10:]) < np.mean(record.loss[:10]) - 1
    assert np.mean(record.reconstruction[-10:]) > np.mean(record.reconstruction[:10])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gyroplane_window": "per_offset"},
        {"gyroplane_window": "concatenated"},
        {"first_layer": "tangent"},
        {"posterior": "riemannian-normal"},
        {"geometry": "euclidean"},
        {"latent_spacing": 3},
    ],
    ids=str,
)
def test_thirty_steps_with_volumes_make_the_loss_smaller(changes, voxels, device):
    settings = replace(SHORT, steps=30, learning_rate=1e-2, positions=64, jitter=1)
    vae = vae_of(replace(VOLUMES, **changes)).to(device)
    record = train(vae, [voxels.to(device)], settings, seed=0, quiet=True)
    assert np.mean(record.loss[-5:]) < np.mean(record.loss[:5]) - 1
    assert np.mean(record.reconstruction[-5:]) > np.mean(record.reconstruction[:5])


def test_the_published_training_makes_the_triplet_loss_smaller(voxels, device):
    settings = replace(SHORT, steps=25, learning_rate=3e-3, batch_size=32, triplet_weight=1000.0)
    vae = vae_of(PATCH).to(device)
    record = train(vae, [voxels.to(device)], settings, seed=0, quiet=True)
    assert np.mean(record.triplet[-5:]) < np.mean(record.triplet[:5])
    assert np.mean(record.loss[-5:]) < np.mean(record.loss[:5])


@pytest.mark.parametrize("kind", MODELS)
def test_the_record_has_every_step_and_adds_up(kind, voxels):
    settings = replace(SHORT, kl_weight=0.5, triplet_weight=7.0)
    record = train(vae_of(MODELS[kind]), [voxels], settings, seed=0, quiet=True)
    parts = zip(record.reconstruction, record.divergence, record.triplet, strict=True)
    for loss, (reconstruction, divergence, triplet) in zip(record.loss, parts, strict=True):
        assert loss == pytest.approx(-reconstruction + 0.5 * divergence + 7 * triplet, rel=1e-4)
    assert len(record.loss) == 3


@pytest.mark.parametrize("kind", MODELS)
def test_a_seed_gives_the_same_weights_twice(kind, voxels):
    weights = []
    for seed in (5, 5, 6):
        vae = vae_of(MODELS[kind])
        train(vae, [voxels], SHORT, seed=seed, quiet=True)
        weights.append(torch.cat([value.flatten() for value in vae.state_dict().values()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("kind", MODELS)
def test_the_global_random_state_is_neither_read_nor_moved(kind, voxels):
    weights = []
    for noise in (1, 2):
        vae = vae_of(MODELS[kind])
        torch.manual_seed(noise)
        before = torch.get_rng_state()
        train(vae, [voxels], SHORT, seed=5, quiet=True)
        assert torch.equal(torch.get_rng_state(), before)
        weights.append(torch.cat([value.flatten() for value in vae.state_dict().values()]))
    assert torch.equal(weights[0], weights[1])


@pytest.mark.gpu
@pytest.mark.parametrize("kind", MODELS)
def test_the_random_state_of_a_gpu_is_not_moved(kind, voxels, device):
    vae = vae_of(MODELS[kind]).to(device)
    before = torch.cuda.get_rng_state(device)
    train(vae, [voxels.to(device)], SHORT, seed=5, quiet=True)
    assert torch.equal(torch.cuda.get_rng_state(device), before)


def test_every_volume_is_drawn_from(voxels, monkeypatch):
    seen = set()
    loss = DenseStep.loss

    def watched(step, volume, *, generator):
        seen.add(id(volume))
        return loss(step, volume, generator=generator)

    monkeypatch.setattr(DenseStep, "loss", watched)
    volumes = [voxels, voxels[:, :12], voxels[:, :, :10]]
    train(vae_of(DENSE), volumes, replace(SHORT, steps=15), seed=0, quiet=True)
    assert seen == {id(volume) for volume in volumes}


def test_a_trained_model_is_ready_to_be_used(voxels):
    vae = vae_of(DENSE)
    train(vae, [voxels], SHORT, seed=0, quiet=True)
    assert not vae.training


@pytest.mark.parametrize("kind", ["dense", "patch"])
def test_a_loss_that_is_no_number_is_an_error(kind, voxels):
    broken = voxels.clone()
    broken[:] = torch.nan
    broken[0, 0, 0, 0] = 1.0
    vae = vae_of(MODELS[kind])
    with pytest.raises(TrainingError, match="the loss must stay finite, and is nan after 0 steps"):
        train(vae, [broken], SHORT, seed=0, quiet=True)


def test_a_rate_that_is_too_high_is_an_error(voxels):
    settings = replace(SHORT, steps=200, learning_rate=1e9)
    with pytest.raises(TrainingError, match=r"Lower training.learning_rate \(now 1e\+09\)"):
        train(vae_of(DENSE), [voxels], settings, seed=0, quiet=True)


def test_an_error_gives_the_random_state_back(voxels):
    vae = HyperbolicVAE(DENSE, in_channels=1)
    before = torch.get_rng_state()
    with pytest.raises(TrainingError, match="must stay finite"):
        train(vae, [voxels * torch.nan], SHORT, seed=0, quiet=True)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("steps", [1, 2, 10, 300])
def test_the_rate_warms_up_then_falls_to_nearly_0(steps):
    shares = [_share_of_rate(done, steps) for done in range(steps)]
    peak = max(shares)
    top = shares.index(peak)
    assert peak == pytest.approx(1.0)
    assert all(share > 0 for share in shares)
    assert shares[: top + 1] == sorted(shares[: top + 1])
    assert shares[top:] == sorted(shares[top:], reverse=True)
    assert top <= math.ceil(0.1 * steps)
    if steps > 100:
        assert shares[-1] < 0.01
        assert shares[0] < 0.1


# The published and our own network, with all their settings but the amount of work.
CUT = {"steps": 6, "crop_size": 14, "positions": 48, "triplets": 128, "batch_size": 4}
RESUMED = {
    name: (CATALOGUE[name].model, replace(CATALOGUE[name].training, **CUT))
    for name in ("default", "paper")
} | {
    "riemannian": (RIEMANNIAN["riemannian"], replace(SHORT, steps=6)),
    "batches": (DENSE, replace(SHORT, steps=6, batches=3)),
}


@pytest.fixture(scope="module")
def several(voxels):
    """A volume, another one, and a sample of boxes of a third."""
    return [voxels, voxels[:, :14].flip(1), voxels[None, :, 2:14, :12, :12].repeat(3, 1, 1, 1, 1)]


@pytest.fixture(scope="module", params=RESUMED)
def undisturbed(request, tmp_path_factory, several):
    """A run to the end, and all that it ends with."""
    model, settings = RESUMED[request.param]
    path = tmp_path_factory.mktemp("undisturbed") / "checkpoint.safetensors"
    vae, record = run(model, several, settings, path)
    return model, settings, vae, record, everything_in(path, model, several, settings)


def check_ends_alike(path, several, undisturbed):
    """One more call ends with the same losses, parameters, optimiser and random streams."""
    model, settings, expected_vae, expected_record, expected = undisturbed
    vae, record = run(model, several, settings, path)
    assert record == expected_record
    check_same_bits(vae.state_dict(), expected_vae.state_dict())
    check_same_bits(everything_in(path, model, several, settings), expected)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    steps, tmp_path, several, undisturbed
):
    path = tmp_path / "checkpoint.safetensors"
    model, settings, *_ = undisturbed
    stopped, record = run(model, several, settings, path, should_stop=stopping_after(steps))
    assert record.steps == steps
    assert not stopped.training
    torch.manual_seed(steps)
    check_ends_alike(path, several, undisturbed)


def test_a_run_may_be_stopped_after_every_step(tmp_path, several, undisturbed):
    path = tmp_path / "checkpoint.safetensors"
    model, settings, *_ = undisturbed
    for steps in range(1, settings.steps):
        _, record = run(model, several, settings, path, should_stop=lambda: True)
        assert record.steps == steps
    check_ends_alike(path, several, undisturbed)


@pytest.mark.parametrize("dies_in", [1, 3, 6])
def test_a_run_that_died_within_a_step_goes_on_from_its_last_checkpoint(
    dies_in, tmp_path, several, undisturbed, monkeypatch
):
    path = tmp_path / "checkpoint.safetensors"
    model, settings, *_ = undisturbed
    real, begun = module._Update.take, []

    def take(update):
        begun.append(None)
        if len(begun) == dies_in:
            update._backward()  # half a step: everything has moved
            update._state.optimiser.step()
            raise KeyboardInterrupt
        real(update)

    monkeypatch.setattr(module._Update, "take", take)
    with pytest.raises(KeyboardInterrupt):
        run(model, several, settings, path, checkpoint_every_s=0.0)
    assert path.exists() == (dies_in > 1)
    monkeypatch.undo()
    check_ends_alike(path, several, undisturbed)


def test_without_a_checkpoint_the_same_is_learned(several, undisturbed):
    model, settings, expected, record, _ = undisturbed
    vae, found = run(model, several, settings, None)
    assert found == record
    check_same_bits(vae.state_dict(), expected.state_dict())


def test_a_run_that_was_finished_takes_no_step(tmp_path, voxels, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    vae, record = run(DENSE, [voxels], SHORT, path)
    monkeypatch.setattr(DenseStep, "loss", lambda *_, **__: pytest.fail("a step was taken"))
    again, same = run(DENSE, [voxels], SHORT, path)
    assert same == record
    check_same_bits(again.state_dict(), vae.state_dict())


def test_checkpoints_are_written_at_their_times_and_at_the_end(tmp_path, voxels, monkeypatch):
    path, written, now = tmp_path / "checkpoint.safetensors", [], [0.0]
    write = module.write_checkpoint

    def watched(path, arrays, facts):
        written.append(len(arrays["record.loss"]))
        write(path, arrays, facts)

    def later():
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(module, "write_checkpoint", watched)
    monkeypatch.setattr(module.time, "monotonic", later)
    run(DENSE, [voxels], replace(SHORT, steps=7), path, checkpoint_every_s=2.5)
    assert written[-1] == 7
    assert 1 < len(written) < 6
    written.clear()
    run(DENSE, [voxels], replace(SHORT, steps=8), tmp_path / "other", checkpoint_every_s=1e9)
    assert written == [8]


def test_another_run_does_not_go_on_from_a_checkpoint(tmp_path, voxels):
    path = tmp_path / "checkpoint.safetensors"
    run(DENSE, [voxels], SHORT, path)
    with pytest.raises(RunMismatchError, match=r"training.steps is 3, and 4 came"):
        run(DENSE, [voxels], replace(SHORT, steps=4), path)
    with pytest.raises(RunMismatchError, match="the volumes were others"):
        run(DENSE, [voxels + 1], SHORT, path)


def test_a_full_disk_ends_the_run_with_its_last_checkpoint_kept(tmp_path, voxels, monkeypatch):
    path, count = tmp_path / "checkpoint.safetensors", []
    write = module.write_checkpoint

    def full(path, arrays, facts):
        count.append(None)
        if len(count) == 3:
            raise OutputSpaceError("no room")
        write(path, arrays, facts)

    monkeypatch.setattr(module, "write_checkpoint", full)
    with pytest.raises(OutputSpaceError, match="no room"):
        run(DENSE, [voxels], SHORT, path, checkpoint_every_s=0.0)
    monkeypatch.undo()
    assert len(everything_in(path, DENSE, [voxels], SHORT)["record.loss"]) == 2
    _, record = run(DENSE, [voxels], SHORT, path)
    assert record == run(DENSE, [voxels], SHORT, None)[1]


def test_a_step_averages_over_its_batches(voxels, monkeypatch):
    # The gradient of the mean of three batches is the mean of their three gradients.
    seen = []

    def remember(optimiser):
        seen.append([one.grad.clone() for one in optimiser.param_groups[0]["params"]])

    monkeypatch.setattr(torch.optim.Adam, "step", remember)
    # Without clipping, which is not linear.
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: None)
    _, record = run(DENSE, [voxels], replace(SHORT, steps=1, batches=3), None)
    losses = []
    for number in range(3):
        real = module.RandomStream
        monkeypatch.setattr(
            module, "RandomStream", lambda seed, _, where, n=number, real=real: real(seed, n, where)
        )
        losses += run(DENSE, [voxels], replace(SHORT, steps=1), None)[1].loss
        monkeypatch.setattr(module, "RandomStream", real)
    together, *apart = seen
    assert record.loss == pytest.approx([np.mean(losses)])
    assert len(set(losses)) == 3
    for whole, *parts in zip(together, *apart, strict=True):
        torch.testing.assert_close(whole, sum(parts) / 3, rtol=1e-4, atol=1e-5)


def test_every_box_of_a_sample_is_drawn_from(voxels, monkeypatch):
    boxes = torch.stack([voxels[:, :12] + shift for shift in range(4)])
    seen, loss = set(), DenseStep.loss

    def watched(step, volume, *, generator):
        seen.add(round(float(volume.mean() - boxes[0].mean())))
        return loss(step, volume, generator=generator)

    monkeypatch.setattr(DenseStep, "loss", watched)
    train(vae_of(DENSE), [boxes], replace(SHORT, steps=25), seed=0, quiet=True)
    assert seen == {0, 1, 2, 3}
