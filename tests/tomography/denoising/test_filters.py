import numpy as np
import pytest
from skimage.restoration import denoise_tv_chambolle

from gyrovox.errors import SettingsError
from gyrovox.tomography.denoising import Gaussian, NonLocalMeans, TotalVariation

FILTERS = [
    Gaussian(sigma=0.8),
    Gaussian(sigma=2.0),
    NonLocalMeans(strength=0.8),
    NonLocalMeans(strength=0.5, patch_size=5, distance=2),
    TotalVariation(weight=0.6),
]


def noisy_ball(side=20, sigma=1.0):
    z, y, x = np.indices((side, side, side)) - side // 2
    ball = np.where(z**2 + y**2 + x**2 < 6**2, 2.0, 0.0).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=ball.shape).astype(np.float32)
    return ball, ball + sigma * noise


@pytest.mark.parametrize("way", FILTERS, ids=str)
def test_a_filter_takes_noise_away(way):
    ball, noisy = noisy_ball()
    found = way.apply(noisy)
    assert found.shape == noisy.shape
    assert found.dtype == np.float32
    assert np.square(found - ball).mean() < 0.4 * np.square(noisy - ball).mean()
    assert found.mean() == pytest.approx(noisy.mean(), abs=0.02)


@pytest.mark.parametrize("way", FILTERS, ids=str)
def test_a_voxel_depends_on_nothing_beyond_the_halo(way):
    _, noisy = noisy_ball(side=2 * way.halo + 6)
    middle, reach = way.halo + 3, way.halo
    changed = noisy.copy()
    inside = (slice(middle - reach, middle + reach + 1),) * 3
    changed += 3.0
    changed[inside] = noisy[inside]
    before, after = (way.apply(one)[middle, middle, middle] for one in (noisy, changed))
    assert after == pytest.approx(before, abs=2e-6)


def test_a_gaussian_spreads_a_point_by_its_variance():
    point = np.zeros((25, 25, 25), np.float32)
    point[12, 12, 12] = 1.0
    spread = Gaussian(sigma=1.7).apply(point)
    variance = (spread.sum((1, 2)) * (np.arange(25) - 12) ** 2).sum()
    assert variance == pytest.approx(1.7**2, rel=0.01)
    assert Gaussian(sigma=0.0).halo == 0
    np.testing.assert_array_equal(Gaussian(sigma=0.0).apply(point), point)


def test_non_local_means_keep_what_repeats_better_than_a_gaussian():
    stripes = np.where(np.arange(24) // 4 % 2 == 0, 1.0, -1.0).astype(np.float32)
    truth = np.broadcast_to(stripes, (12, 24, 24))
    noisy = truth + 0.5 * np.random.default_rng(0).normal(size=truth.shape).astype(np.float32)
    errors = [
        np.square(way.apply(noisy) - truth).mean()
        for way in (NonLocalMeans(strength=0.5, distance=4), Gaussian(sigma=1.0))
    ]
    assert errors[0] < 0.5 * errors[1]


def test_total_variation_is_that_of_scikit_image():
    _, noisy = noisy_ball(sigma=0.3)
    ours = TotalVariation(weight=0.5).apply(noisy)
    theirs = denoise_tv_chambolle(noisy, weight=0.5, eps=1e-7, max_num_iter=2000)
    # Theirs takes the lengths of gradients a little differently, and neither has converged.
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.995


@pytest.mark.parametrize(
    ("way", "wrong", "message"),
    [
        (Gaussian, {"sigma": -1.0}, "sigma must be 0 or positive, got -1"),
        (TotalVariation, {"weight": float("nan")}, "weight must be 0 or positive, got nan"),
        (NonLocalMeans, {"strength": 0.0}, "strength must be above 0, got 0"),
        (NonLocalMeans, {"patch_size": 4}, "patch_size must be odd and positive, got 4"),
        (NonLocalMeans, {"distance": 0}, "distance must be at least 1, got 0"),
    ],
)
def test_what_no_filter_can_take_is_refused(way, wrong, message):
    with pytest.raises(SettingsError, match=message):
        way(**wrong)
