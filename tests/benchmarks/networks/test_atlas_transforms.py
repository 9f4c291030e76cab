import numpy as np
import pytest
import torch
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.methods.zhao2019 import synthesised
from benchmarks.quality.networks import atlas_transforms
from benchmarks.quality.networks.atlas_transforms import (
    AtlasTransforms,
    coarse_shape,
    nearest_to_mean,
)
from benchmarks.quality.networks.spatial_transform import warp
from scipy import ndimage


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few steps have to do."""
    monkeypatch.setattr(atlas_transforms, "RATE", 5e-3)
    monkeypatch.setattr(atlas_transforms, "SPATIAL_WIDTHS", (8, 16, 16))


def ball(centre, radius=4.0, side=16):
    away = np.indices((side,) * 3) - np.reshape(centre, (3, 1, 1, 1))
    inside = 1 / (1 + np.exp(np.sqrt((away**2).sum(0)) - radius))
    return torch.from_numpy(inside.astype(np.float32))[None]


def made(others, atlas=None):
    atlas = ball((8, 8, 8)) if atlas is None else atlas
    return AtlasTransforms(atlas, (atlas[0] > 0.5).float(), others, np.random.default_rng(0))


def test_what_has_learnt_nothing_moves_and_changes_nothing():
    torch.manual_seed(0)
    transforms = made([ball((7, 8, 9))])
    assert transforms.displacement(0).abs().max() < 0.01
    torch.testing.assert_close(transforms.changed_atlas(0), transforms.atlas, atol=0.01, rtol=0)
    classes = torch.stack([transforms.regions, transforms.regions])
    image, found = synthesised(transforms, classes, (16, 16, 16), np.random.default_rng(0))
    torch.testing.assert_close(image, transforms.atlas, atol=0.02, rtol=0)
    torch.testing.assert_close(found, classes)


def test_space_is_learnt_towards_the_other_volume_and_back():
    torch.manual_seed(0)
    noise = np.random.default_rng(0).standard_normal((16, 16, 18))
    smooth = ndimage.gaussian_filter(noise, 1.5)
    smooth = torch.from_numpy((smooth / smooth.std()).astype(np.float32))[None]
    atlas, other = smooth[..., 1:-1], smooth[..., 2:]
    transforms = made([other], atlas)
    transforms.learn_space(Budget(60.0, most_steps=40), 1.0)
    there = warp(atlas[None], transforms.displacement(0)[None])
    back = warp(other[None], transforms.displacement(0, inverse=True)[None])
    before = (atlas - other).square().mean()
    assert (there - other).square().mean() < 0.5 * before
    assert (back - atlas).square().mean() < 0.5 * before


def test_appearance_is_learnt_in_the_frame_of_the_atlas():
    torch.manual_seed(0)
    ball_alone = ball((8, 8, 8))
    # What is to be added, -2, is neither the atlas nor the other volume.
    transforms = made([ball_alone - 1], ball_alone + 1)
    transforms.learn_appearance(Budget(60.0, most_steps=25), 1.0)
    error = (transforms.changed_atlas(0) - (ball_alone - 1)).square().mean()
    assert error < 0.3 * 2**2


def test_the_atlas_is_the_image_nearest_to_the_mean():
    images = [torch.full((1, 16, 16, 16), value) for value in (0.0, 9.0, 4.0, 6.0)]
    # The mean is 4.75.
    assert nearest_to_mean(images) == 2


def test_coarse_grids_can_be_halved_three_times():
    assert coarse_shape((50, 50, 50)) == (24, 24, 24)
    assert all(side % 8 == 0 for side in coarse_shape((78, 120, 121)))
    assert 0.5 < np.prod(coarse_shape((78, 120, 121))) / 24**3 < 2
