import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from gyrovox.models import HyperbolicVAE, Posterior
from gyrovox.patches.tilt_wedge import without_unseen
from gyrovox.settings import CATALOGUE, ModelSettings, TrainingSettings
from gyrovox.training import DenseStep, train
from gyrovox.training.dense_step import jitter, varied_crop

MODEL = ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8, decoder_channels=(4,))
# Made from 5 + 6 voxels, of which the middle 9 are rebuilt.
VOLUMES = replace(MODEL, latent_side=3, latent_spacing=3)
SETTINGS = TrainingSettings(crop_size=12, positions=40, triplets=300, jitter=1)


def step_of(model=MODEL, settings=SETTINGS, channels=1):
    return DenseStep(HyperbolicVAE(model, in_channels=channels), settings)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def maps_of(step, side, scales):
    """Maps of the sizes that a crop of ``side`` voxels has at every scale."""
    maps = {}
    for scale in scales:
        size = side // scale - step.encoder.patch_size + 1
        maps[scale] = Posterior(torch.zeros(size, size, size, 2), torch.ones(size, size, size, 1))
    return maps


@pytest.mark.parametrize("scales", [(1, 2, 4), (1, 3, 4), (1, 2, 3, 5)], ids=str)
@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        ModelSettings(),
        ModelSettings(dilations=(1, 2, 3), channels=(4, 4, 4)),
        VOLUMES,
        ModelSettings(latent_side=5),
    ],
)
def test_children_lie_inside_their_parents_and_strangers_apart(scales, model):
    step = step_of(model)
    size = model.receptive_size
    side = 2 * size * scales[-1] + 1  # no multiple of the scales
    maps = maps_of(step, side, scales)
    for fine, coarse in itertools.combinations(scales, 2):
        parent, child, stranger = step._draw(maps, coarse, fine, 3000, generator())
        assert len(parent) == len(child) == len(stranger) > 0
        parent_low, parent_high = coarse * parent, coarse * (parent + size)
        child_low, child_high = fine * child, fine * (child + size)
        stranger_low, stranger_high = fine * stranger, fine * (stranger + size)
        assert (child_low >= parent_low).all()
        assert (child_high <= parent_high).all()
        for low, high in [
            (parent_low, parent_high),
            (child_low, child_high),
            (stranger_low, stranger_high),
        ]:
            assert low.min() >= 0
            assert high.max() <= side
        shared = torch.minimum(parent_high, stranger_high) - torch.maximum(parent_low, stranger_low)
        assert not (shared > 0).all(-1).any()


@pytest.mark.parametrize(("model", "size"), [(MODEL, 5), (VOLUMES, 11)])
def test_children_are_everywhere_in_their_parents(model, size):
    step = step_of(model)
    parent, child, _ = step._draw(maps_of(step, 100, (1, 2, 4)), 4, 2, 20_000, generator())
    shift = child - 2 * parent
    assert shift.min() == 0
    assert shift.max() == size
    counts = torch.stack([(shift == value).float().mean(0) for value in range(size + 1)])
    torch.testing.assert_close(counts, torch.full_like(counts, 1 / (size + 1)), rtol=0, atol=0.02)


def test_places_of_a_map_stand_for_the_cubes_of_voxels_that_they_were_made_from():
    step = step_of()
    crop = torch.randn(1, 24, 24, 24)
    levels = {2: torch.nn.functional.avg_pool3d(crop, 2)}
    before = step._posteriors(levels[2]).mean_code.detach().clone()
    place, size = (2, 3, 1), step.encoder.patch_size
    outside = crop.clone()
    inside = [slice(2 * start, 2 * (start + size)) for start in place]
    outside[:, *inside] = float("nan")
    outside = torch.where(outside.isnan(), crop, crop + 1.0)
    after = step._posteriors(torch.nn.functional.avg_pool3d(outside, 2)).mean_code
    torch.testing.assert_close(after[place], before[place])
    assert not torch.equal(after[3, 3, 1], before[3, 3, 1])


@pytest.mark.parametrize("scale", [1, 2])
def test_a_volume_at_a_place_is_made_from_the_cube_of_voxels_that_begins_there(scale):
    step = step_of(VOLUMES)
    crop = torch.randn(1, 16 * scale, 16 * scale, 16 * scale)
    place, size = (2, 3, 1), VOLUMES.receptive_size
    changed = crop + 1.0
    inside = [slice(scale * start, scale * (start + size)) for start in place]
    changed[:, *inside] = crop[:, *inside]
    volumes = []
    for voxels in (crop, changed):
        maps = step._posteriors(torch.nn.functional.avg_pool3d(voxels, scale)).mean_code
        volumes.append(step._look_up(maps, torch.tensor([place, (3, 3, 1)])))
    before, after = volumes
    assert before.shape == (2, 3, 3, 3, 2)
    torch.testing.assert_close(after[0], before[0])
    # Of the volume one voxel further on, only the last layer of codes sees the change.
    torch.testing.assert_close(after[1, :2], before[1, :2])
    assert (after[1, 2] != before[1, 2]).any(-1).all()


@pytest.mark.parametrize(("side", "spacing"), [(1, 1), (3, 1), (3, 3), (5, 1)])
def test_volumes_are_slices_of_the_map(side, spacing, device):
    step = step_of(replace(MODEL, latent_side=side, latent_spacing=spacing))
    maps = torch.randn(14, 15, 16, 2, device=device)
    posteriors = Posterior(maps, torch.ones(14, 15, 16, 1, device=device))
    place = step._places(posteriors, 300, generator())
    found = step._look_up(maps, place)
    reach = (side - 1) * spacing
    assert place.amin(0).tolist() == [0, 0, 0]
    assert place.amax(0).tolist() == [13 - reach, 14 - reach, 15 - reach]
    for start, volume in zip(place.tolist(), found, strict=True):
        z, y, x = (slice(first, first + reach + 1, spacing) for first in start)
        expected = maps[z, y, x] if side > 1 else maps[tuple(start)]
        assert torch.equal(volume, expected)


def test_what_a_volume_rebuilds_has_its_codes_in_the_middle_of_their_voxels():
    settings = TrainingSettings(crop_size=12, positions=100, jitter=0)
    step = step_of(VOLUMES, settings)
    level = torch.arange(16.0**3).reshape(1, 16, 16, 16)
    # A code made from voxels p to p + 4 is named after the voxel p + 2 that it stands for.
    middle = level[0, 2:-2, 2:-2, 2:-2]
    posteriors = Posterior(middle[..., None].repeat(1, 1, 1, 2), torch.ones(12, 12, 12, 1))
    posterior, targets = step._patches(level, posteriors, generator())
    assert targets.shape == (100, 1, 9, 9, 9)
    assert posterior.scale.shape == (100, 3, 3, 3, 1)
    assert torch.equal(targets[:, 0, 1::3, 1::3, 1::3], posterior.mean_code[..., 0])


def test_targets_are_the_jittered_patches_around_the_codes_voxels():
    step = step_of(settings=TrainingSettings(crop_size=12, positions=200, jitter=0))
    level = torch.arange(13.0**3).reshape(1, 13, 13, 13)
    size = step.encoder.patch_size
    # The code at place p is made from voxels p to p + 4, hence around the voxel p + 2.
    middle = level[0, 2:-2, 2:-2, 2:-2]
    posteriors = Posterior(middle[..., None].repeat(1, 1, 1, 2), torch.ones(9, 9, 9, 1))
    posterior, targets = step._patches(level, posteriors, generator())
    assert size == 5
    assert targets.shape == (200, 1, 3, 3, 3)
    assert torch.equal(targets[:, 0, 1, 1, 1], posterior.mean_code[:, 0])
    neighbours = torch.tensor([-169.0 - 13 - 1, 169 + 13 + 1])
    corners = targets[:, 0, [0, 2], [0, 2], [0, 2]] - posterior.mean_code[:, :1]
    assert torch.equal(corners, neighbours.expand(200, 2))


def test_constant_patches_are_not_rebuilt():
    step = step_of(settings=TrainingSettings(crop_size=12, positions=400, jitter=0))
    level = torch.zeros(1, 13, 13, 13)
    level[:, 7:] = torch.randn(1, 6, 13, 13)
    posteriors = Posterior(torch.zeros(9, 9, 9, 2), torch.ones(9, 9, 9, 1))
    posterior, targets = step._patches(level, posteriors, generator())
    assert 0 < len(targets) < 400
    assert len(posterior.mean_code) == len(posterior.scale) == len(targets)
    assert (targets.flatten(1).std(dim=-1) > 0).all()


def test_a_crop_of_constant_patches_alone_still_gives_a_step():
    step = step_of(settings=TrainingSettings(crop_size=12, positions=50, jitter=0))
    posteriors = Posterior(torch.zeros(9, 9, 9, 2), torch.ones(9, 9, 9, 1))
    assert len(step._patches(torch.zeros(1, 13, 13, 13), posteriors, generator())[1]) == 50


def test_no_target_reaches_beyond_what_its_code_was_made_from():
    step = step_of()
    reach = step.settings.jitter + step.target_size // 2
    assert reach <= step.encoder.patch_size // 2


@pytest.mark.parametrize("window", ["shared", "per_offset", "concatenated"])
@pytest.mark.parametrize("geometry", ["poincare", "euclidean"])
@pytest.mark.parametrize("shape", [(30, 30, 30), (11, 30, 12), (11, 11, 11)], ids=str)
def test_a_step_of_volumes_has_a_finite_loss_that_reaches_every_parameter(
    shape, geometry, window, device
):
    step = step_of(replace(VOLUMES, geometry=geometry, gyroplane_window=window))
    step.vae.to(device)
    losses = step.loss(torch.randn(1, *shape, device=device), generator=generator())
    losses.total.backward()
    for part in (losses.total, losses.reconstruction, losses.divergence, losses.triplet):
        assert part.isfinite()
        assert part.device.type == device.type
    for name, parameter in step.vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_levels_that_have_room_for_no_volume_are_left_out():
    # A level of 10 voxels has codes, and no 3 of them 3 voxels apart.
    settings = replace(SETTINGS, crop_size=16)
    voxels = torch.randn(1, 20, 20, 20)
    assert step_of(MODEL, settings).loss(voxels, generator=generator()).triplet > 0
    assert step_of(VOLUMES, settings).loss(voxels, generator=generator()).triplet == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(30, 30, 30), (9, 30, 12), (5, 5, 5)], ids=str)
def test_a_step_has_a_finite_loss_that_reaches_every_parameter(shape, channels, device):
    step = step_of(channels=channels)
    step.vae.to(device)
    losses = step.loss(torch.randn(channels, *shape, device=device), generator=generator())
    losses.total.backward()
    for part in (losses.total, losses.reconstruction, losses.divergence, losses.triplet):
        assert part.isfinite()
        assert part.device.type == device.type
    for name, parameter in step.vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.gpu
def test_a_step_on_a_gpu_draws_the_same_places(device):
    voxels = torch.randn(1, 30, 30, 30)
    step = step_of()
    torch.manual_seed(0)
    expected = step.loss(voxels, generator=generator()).triplet
    step.vae.to(device)
    found = step.loss(voxels.to(device), generator=generator()).triplet
    torch.testing.assert_close(found.cpu(), expected, rtol=0.02, atol=0.01)


def test_a_seed_gives_the_same_step(device):
    step = step_of()
    step.vae.to(device)
    voxels = torch.randn(1, 20, 20, 20, device=device)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        found.append(step.loss(voxels, generator=generator(seed)).total.item())
    assert found[0] == found[1] != found[2]


def test_without_weight_or_levels_there_is_no_triplet_loss():
    for settings in (
        TrainingSettings(crop_size=12, positions=10, triplet_weight=0.0, jitter=1),
        TrainingSettings(crop_size=12, positions=10, scales=(1,), jitter=1),
    ):
        step = step_of(settings=settings)
        assert step.loss(torch.randn(1, 20, 20, 20), generator=generator()).triplet == 0


@pytest.mark.parametrize("model", [MODEL, VOLUMES])
def test_triplets_of_codes_that_tell_nothing_apart_cost_the_margin(model):
    step = step_of(model)
    maps = maps_of(step, 40, (1, 2))
    maps[1] = Posterior(torch.full_like(maps[1].mean_code, 3.0), maps[1].scale)
    far = step._triplet_loss(maps, generator())
    # Children and strangers are equally far, whatever was drawn: each triplet costs the margin.
    assert far.item() == pytest.approx(step.settings.triplet_margin)


def test_an_encoder_that_is_not_dense_is_refused():
    vae = HyperbolicVAE(CATALOGUE["paper"].model, in_channels=1)
    with pytest.raises(TypeError, match="the encoder must be dense, and is PatchEncoder"):
        DenseStep(vae, SETTINGS)


def test_a_crop_is_a_cube_of_the_volume():
    voxels = torch.arange(20.0 * 21 * 6).reshape(1, 20, 21, 6)
    crop = varied_crop(voxels, 8, generator=generator())
    assert crop.shape == (1, 8, 8, 6)
    first = int(crop[0, 0, 0, 0])
    z, y, x = np.unravel_index(first, (20, 21, 6))
    assert torch.equal(crop, voxels[:, z : z + 8, y : y + 8, x : x + 8])


def test_crops_come_from_everywhere():
    voxels = torch.arange(12.0)[None, :, None, None].expand(1, 12, 4, 4)
    drawn = generator()
    starts = {varied_crop(voxels, 4, generator=drawn)[0, 0, 0, 0].item() for _ in range(200)}
    assert starts == set(range(9))


def test_a_crop_that_is_constant_is_drawn_again():
    voxels = torch.zeros(2, 40, 8, 8)
    voxels[1, 30:, 4, 4] = 1.0
    drawn = generator()
    crops = [varied_crop(voxels, 8, generator=drawn) for _ in range(20)]
    assert np.mean([crop.any().item() for crop in crops]) > 0.9


@pytest.mark.parametrize("reach", [1, 2])
def test_jitter_is_uniform_in_a_ball_without_its_centre(reach):
    shifts = jitter(20_000, reach, generator=generator())
    lengths = shifts.square().sum(-1)
    assert lengths.min() >= 1
    assert lengths.max() <= (reach + 0.5) ** 2
    seen, counts = shifts.unique(dim=0, return_counts=True)
    ball = [
        shift
        for shift in itertools.product(range(-reach, reach + 1), repeat=3)
        if 0 < sum(step**2 for step in shift) <= (reach + 0.5) ** 2
    ]
    assert sorted(map(tuple, seen.tolist())) == sorted(ball)
    assert counts.min() > 0.6 * 20_000 / len(ball)


def test_no_jitter_is_no_shift():
    assert not jitter(5, 0, generator=generator()).any()


WEDGE = replace(SETTINGS, missing_wedge=(-60.0, 60.0), scales=(1, 2))


@pytest.mark.parametrize("model", [MODEL, VOLUMES])
@pytest.mark.parametrize("shape", [(20, 20, 20), (13, 30, 17)], ids=str)
def test_codes_of_turned_views_lie_over_those_of_the_crop(model, shape):
    settings = replace(WEDGE, missing_wedge=(-90.0, 90.0))  # nothing is unseen
    step = step_of(model, settings)
    for convolution in step.encoder.convolutions:
        # Kernels that look alike from everywhere: turned voxels have turned codes.
        weight = convolution.weight.data
        weight[:] = weight.mean((2, 3, 4), keepdim=True)
    crop = torch.randn(1, *shape)
    levels = {1: crop, 2: torch.nn.functional.avg_pool3d(crop, 2)}
    maps = {scale: step._posteriors(level) for scale, level in levels.items()}
    for seed in range(12):
        apart = step._disagreement(crop, maps, (-90.0, 90.0), generator(seed))
        assert apart.item() < 1e-6
    assert step._disagreement(crop, maps, (-60.0, 60.0), generator()).item() > 1e-4


def test_without_a_wedge_nothing_is_drawn_or_added():
    voxels, found = torch.randn(1, 20, 20, 20), []
    for settings in (replace(WEDGE, missing_wedge=None), WEDGE):
        torch.manual_seed(0)
        step, drawn = step_of(settings=settings), generator()
        torch.manual_seed(0)
        found.append(step.loss(voxels, generator=drawn))
    plain, wedge = found
    assert wedge.total > plain.total
    assert (wedge.reconstruction, wedge.triplet) == (plain.reconstruction, plain.triplet)
    parts = plain.reconstruction, plain.divergence, plain.triplet
    weighted = SETTINGS.kl_weight * parts[1] - parts[0] + SETTINGS.triplet_weight * parts[2]
    assert plain.total == weighted


def test_a_step_with_a_wedge_has_a_finite_loss_that_reaches_every_parameter(device):
    step = step_of(settings=WEDGE)
    step.vae.to(device)
    losses = step.loss(torch.randn(1, 13, 20, 17, device=device), generator=generator())
    losses.total.backward()
    assert losses.total.isfinite()
    for name, parameter in step.vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def rods(seed, side=30):
    """Noisy rods along z and along x, without what tilts to 60 degrees do not see."""
    noise = torch.Generator().manual_seed(seed)
    kinds = torch.zeros(side, side, side, dtype=torch.int64)
    for kind, axes in ((1, (0, 1, 2)), (2, (2, 1, 0))):
        turned = kinds.permute(axes)
        for y, x in ((5, 5), (5, 20), (20, 5), (20, 20)):
            start = 4 if kind == 1 else 16
            turned[start : start + 10, y + 3 * kind - 4 : y + 3 * kind, x : x + 4] = kind
    voxels = (kinds > 0).float() + 0.3 * torch.randn(kinds.shape, generator=noise)
    voxels = without_unseen(voxels[None], (-60.0, 60.0))
    return (voxels - voxels.mean()) / voxels.std()


def disagreement(seed, missing_wedge):
    """How far codes of unseen rods are from those of turned views, relative to other places'."""
    settings = TrainingSettings(
        steps=15,
        crop_size=12,
        positions=128,
        triplets=256,
        scales=(1, 2),
        jitter=1,
        missing_wedge=missing_wedge,
    )
    torch.manual_seed(seed)
    vae = HyperbolicVAE(replace(MODEL, channels=(8, 8)), in_channels=1)
    train(vae, [rods(seed)], settings, seed=seed, quiet=True)
    step, unseen = DenseStep(vae, settings), rods(seed + 100)
    maps = {
        1: step._posteriors(unseen),
        2: step._posteriors(torch.nn.functional.avg_pool3d(unseen, 2)),
    }
    drawn = generator(seed)
    with torch.no_grad():
        return np.mean([step._disagreement(unseen, maps, (-60.0, 60.0), drawn) for _ in range(8)])


def test_codes_learn_to_be_those_of_turned_views():
    assert disagreement(0, (-60.0, 60.0)) < 0.7 * disagreement(0, None)
