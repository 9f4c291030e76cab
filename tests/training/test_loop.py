import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gyrovox.errors import TrainingError
from gyrovox.models import HyperbolicVAE
from gyrovox.patches import normalise
from gyrovox.settings import ModelSettings, TrainingSettings
from gyrovox.training import train
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
    from gyrovox.training import DenseStep

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
