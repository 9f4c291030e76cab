import pytest
import torch

from gyrovox.models import HyperbolicVAE
from gyrovox.patches import Cubes, Triplets
from gyrovox.settings import CATALOGUE, ModelSettings, TrainingSettings
from gyrovox.training import PatchStep, patch_step

MODEL = ModelSettings(encoder="patch", channels=(4, 4, 4, 4), hidden=8, likelihood="unit-normal")
SETTINGS = TrainingSettings(batch_size=16, triplet_weight=10.0)


def step_of(channels=1, settings=SETTINGS):
    return PatchStep(HyperbolicVAE(MODEL, in_channels=channels), settings)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("shape", [(20, 22, 24), (10, 30, 12)], ids=str)
def test_a_step_has_a_finite_loss_that_reaches_every_parameter(shape, channels, device):
    step = step_of(channels)
    step.vae.to(device)
    losses = step.loss(torch.randn(channels, *shape, device=device), generator=generator())
    losses.total.backward()
    for part in (losses.total, losses.reconstruction, losses.divergence, losses.triplet):
        assert part.isfinite()
        assert part.device.type == device.type
    for name, parameter in step.vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_a_seed_gives_the_same_step(device):
    step = step_of()
    step.vae.to(device)
    voxels = torch.randn(1, 20, 20, 20, device=device)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        found.append(step.loss(voxels, generator=generator(seed)).total.item())
    assert found[0] == found[1] != found[2]


def test_sizes_are_those_of_the_settings(monkeypatch):
    seen = []
    draw = patch_step.sample_triplets

    def watched(shape, count, sizes, *, generator):
        seen.append((shape, count, sizes))
        return draw(shape, count, sizes, generator=generator)

    monkeypatch.setattr(patch_step, "sample_triplets", watched)
    step_of(settings=TrainingSettings(batch_size=9, parent_sides=(6, 9), child_gap=3)).loss(
        torch.randn(1, 20, 21, 22), generator=generator()
    )
    ((shape, count, sizes),) = seen
    assert (shape, count) == ((20, 21, 22), 9)
    assert (sizes.parent, sizes.child, sizes.gap) == ((6, 9), (3, 15), 3)


def test_constant_patches_are_left_out(monkeypatch):
    def fixed(shape, count, sizes, *, generator):
        starts = torch.tensor([[0.0, 0.0, 0.0], [20.0, 20.0, 20.0]])
        cubes = Cubes(starts, torch.tensor([6.0, 6.0]))
        return Triplets(cubes, cubes, cubes)

    monkeypatch.setattr(patch_step, "sample_triplets", fixed)
    rebuilt = []
    elbo = patch_step.evidence

    def watched(vae, posterior, targets):
        rebuilt.append(targets)
        return elbo(vae, posterior, targets)

    monkeypatch.setattr(patch_step, "evidence", watched)
    voxels = torch.randn(1, 30, 30, 30)
    voxels[:, :10, :10, :10] = 0.5  # the first cube of every role
    losses = step_of().loss(voxels, generator=generator())
    assert rebuilt[0].shape == (3, 1, 10, 10, 10)
    assert (rebuilt[0].flatten(1).std(dim=1) > 0).all()
    # What is left are three times the same cube, so the triplet costs its margin.
    assert losses.triplet.item() == pytest.approx(0.2)


def test_an_encoder_of_whole_volumes_is_refused():
    vae = HyperbolicVAE(CATALOGUE["default"].model, in_channels=1)
    with pytest.raises(TypeError, match="the encoder must be a patch encoder, and is DenseEncoder"):
        PatchStep(vae, SETTINGS)
