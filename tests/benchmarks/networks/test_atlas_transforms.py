import numpy as np
import torch
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.methods.zhao2019 import synthesised
from benchmarks.quality.networks.atlas_transforms import (
    AtlasTransforms,
    coarse_shape,
    nearest_to_mean,
)
from benchmarks.quality.networks.registration_losses import local_correlation
from benchmarks.quality.networks.spatial_transform import warp


def ball(centre, radius=5.0, side=24):
    away = np.indices((side,) * 3) - np.reshape(centre, (3, 1, 1, 1))
    inside = 1 / (1 + np.exp(np.sqrt((away**2).sum(0)) - radius))
    return torch.from_numpy(inside.astype(np.float32))[None]


def made(others, atlas=None):
    atlas = ball((12, 12, 12)) if atlas is None else atlas
    return AtlasTransforms(atlas, (atlas[0] > 0.5).float(), others, np.random.default_rng(0))


def test_what_has_learnt_nothing_moves_and_changes_nothing():
    torch.manual_seed(0)
    transforms = made([ball((10, 12, 14))])
    assert transforms.displacement(0).abs().max() < 0.01
    torch.testing.assert_close(transforms.changed_atlas(0), transforms.atlas, atol=0.01, rtol=0)
    classes = torch.stack([transforms.regions, transforms.regions])
    image, found = synthesised(transforms, classes, (24, 24, 24), np.random.default_rng(0))
    torch.testing.assert_close(image, transforms.atlas, atol=0.02, rtol=0)
    torch.testing.assert_close(found, classes)


def test_space_is_learnt_towards_the_other_volume_and_back():
    torch.manual_seed(0)
    other = ball((10, 12, 14))
    transforms = made([other])
    transforms.learn_space(Budget(60.0, most_steps=40), 1.0)
    atlas = transforms.atlas[None]
    there = warp(atlas, transforms.displacement(0)[None])
    back = warp(other[None], transforms.displacement(0, inverse=True)[None])
    before = (atlas - other).square().mean()
    assert (there - other).square().mean() < 0.6 * before
    assert (back - atlas).square().mean() < 0.6 * before
    assert local_correlation(there, other[None], window=5) > local_correlation(
        atlas, other[None], window=5
    )


def test_appearance_is_learnt_in_the_frame_of_the_atlas():
    torch.manual_seed(0)
    atlas = ball((12, 12, 12))
    transforms = made([1 - atlas])
    transforms.learn_appearance(Budget(60.0, most_steps=60), 1.0)
    changed = transforms.changed_atlas(0)
    assert (changed - (1 - atlas)).square().mean() < 0.3 * (2 * atlas - 1).square().mean()


def test_the_atlas_is_the_image_nearest_to_the_mean():
    images = [torch.full((1, 16, 16, 16), value) for value in (0.0, 9.0, 4.0, 6.0)]
    # The mean is 4.75.
    assert nearest_to_mean(images) == 2


def test_coarse_grids_can_be_halved_three_times():
    assert coarse_shape((50, 50, 50)) == (24, 24, 24)
    assert all(side % 8 == 0 for side in coarse_shape((78, 120, 121)))
    assert 0.5 < np.prod(coarse_shape((78, 120, 121))) / 24**3 < 2
