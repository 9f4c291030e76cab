import numpy as np
import pytest
import torch

from gyrovox.clustering.space import FlatSpace, HyperbolicSpace
from gyrovox.geometry.codes import distance
from gyrovox.geometry.frechet_mean import frechet_mean
from gyrovox.geometry.lorentz import lift


@pytest.fixture
def codes(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(50, 3)) * rng.uniform(0, 2, (50, 1))


@pytest.fixture
def centres(seed):
    return np.random.default_rng(seed + 1).normal(size=(4, 3)) * 0.7


def spaces(codes):
    return [HyperbolicSpace(), FlatSpace(codes.mean(axis=0))]


def expected_squares(space, codes, centres):
    """Squared distances (clusters, points), from geometry or by the definition."""
    if isinstance(space, FlatSpace):
        return 4 * np.square(codes[None] - centres[:, None]).sum(-1)
    return distance(torch.from_numpy(codes), torch.from_numpy(centres)[:, None]).square().numpy()


def test_features_are_the_scaled_lift(codes):
    features = HyperbolicSpace().features(codes, np.float64)
    lifted = (
        lift(torch.from_numpy(codes)).numpy() * np.exp(-2 * np.linalg.norm(codes, axis=1))[:, None]
    )
    np.testing.assert_allclose(features[:-1].T, lifted, rtol=1e-12)


@pytest.mark.parametrize("which", [0, 1], ids=["hyperbolic", "flat"])
def test_products_are_squared_distances(which, codes, centres):
    space = spaces(codes)[which]
    features = space.features(codes, np.float64)
    found = space.squared_distance(space.covectors(centres) @ features, features)
    np.testing.assert_allclose(found, expected_squares(space, codes, centres), rtol=1e-9)


@pytest.mark.parametrize("which", [0, 1], ids=["hyperbolic", "flat"])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-3), (np.float64, 1e-9)], ids=str)
def test_pull_gives_the_weights_of_the_mean(which, dtype, rtol, codes, centres):
    space = spaces(codes)[which]
    features = space.features(codes, dtype)
    product = (space.covectors(centres[:1]).astype(dtype) @ features)[0]
    weights, squared = space.pull(product, features)
    far = expected_squares(space, codes, centres[:1])[0]
    np.testing.assert_allclose(squared, far, rtol=rtol)
    if which == 0:
        np.testing.assert_allclose(
            weights,
            np.sqrt(far) / np.sinh(np.sqrt(far)) * np.exp(2 * np.linalg.norm(codes, axis=1)),
            rtol=rtol,
        )
    else:
        assert weights is None


def test_a_code_on_its_centre_has_the_largest_weight():
    codes = np.zeros((1, 2))
    space = HyperbolicSpace()
    for dtype in (np.float32, np.float64):
        features = space.features(codes, dtype)
        weights, squared = space.pull(
            (space.covectors(codes).astype(dtype) @ features)[0], features
        )
        assert weights[0] == pytest.approx(1.0, abs=1e-3)
        assert squared[0] == pytest.approx(0.0, abs=1e-3)


def test_stable_centre_has_the_mean_as_its_fixed_point(codes):
    mean = frechet_mean(torch.from_numpy(codes)).numpy()
    weights = np.ones(len(codes))
    np.testing.assert_allclose(
        HyperbolicSpace().stable_centre(codes, weights, mean), mean, atol=1e-9
    )


def test_stable_and_fast_steps_agree(codes, centres):
    space = HyperbolicSpace()
    features = space.features(codes, np.float64)
    weights, _ = space.pull((space.covectors(centres[:1]) @ features)[0], features)
    fast = space.centres_of((features[:-1] @ weights)[None])[0]
    stable = space.stable_centre(codes, np.ones(len(codes)), centres[0])
    np.testing.assert_allclose(fast, stable, rtol=1e-8)


def test_products_hold_only_near_the_origin():
    space = HyperbolicSpace()
    near, middle, far = (np.array([[radius, 0.0, 0.0]]) for radius in (1.0, 4.0, 9.0))
    assert space.holds(near, np.float32, farthest=5.0)
    assert not space.holds(middle, np.float32, farthest=5.0)
    assert space.holds(middle, np.float64, farthest=5.0)
    assert not space.holds(far, np.float64, farthest=5.0)
    assert not space.holds(near, np.float32, farthest=100.0)
