import math

import distribution_laws as laws
import pytest
import torch

from gyrovox.distributions import CodeDistribution, Normal, RiemannianNormal, WrappedNormal
from gyrovox.geometry import Euclidean, PoincareBall

BALL = PoincareBall(-1.0)
FAMILIES = {
    "wrapped": lambda mean, scale, **given: WrappedNormal(mean, scale, manifold=BALL, **given),
    "riemannian": lambda mean, scale, **given: RiemannianNormal(
        mean, scale, manifold=BALL, **given
    ),
    "normal": Normal,
}


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


def test_shapes_and_manners_are_those_of_torch(family):
    for mean, scale in (
        (torch.zeros(3), torch.ones(1)),
        (torch.randn(4, 3), torch.ones(1)),
        (torch.randn(3), torch.rand(5, 4, 1) + 0.1),
        (torch.randn(4, 3), torch.rand(5, 1, 1) + 0.1),
    ):
        distribution = family(mean, scale)
        batch = torch.broadcast_shapes(mean.shape[:-1], scale.shape[:-1])
        laws.check_shapes(distribution, batch, (3,))
        laws.check_manners_of_torch(distribution)


def test_sample_shapes_may_be_any_sequence(family):
    distribution = family(torch.zeros(2), torch.ones(1))
    for shape in ((3,), [3], torch.Size([3])):
        assert distribution.sample(shape).shape == (3, 2)
    assert distribution.rsample().shape == (2,)


def test_the_mean_is_the_frechet_mean(family):
    # Far out, so that the mean of the codes is another one.
    mean = torch.tensor([1.5, 0.5], dtype=torch.float64)
    distribution = family(mean, torch.tensor([1.0], dtype=torch.float64))
    codes = distribution.sample((4000,))
    found = distribution.manifold.frechet_mean(codes)
    assert distribution.manifold.code_distance(found, distribution.mean) < 5 / math.sqrt(4000)


def test_the_mode_has_the_highest_density(family):
    distribution = family(torch.tensor([0.4, -0.3]), torch.tensor([0.8]))
    assert (
        distribution.log_prob(distribution.sample((200,)))
        < distribution.log_prob(distribution.mode)
    ).all()


def test_an_expanded_distribution_takes_no_memory(family):
    mean = torch.randn(3)
    distribution = family(mean, torch.ones(1)).expand((1000, 1000))
    assert distribution.mean_code.untyped_storage().nbytes() == mean.untyped_storage().nbytes()


@pytest.mark.parametrize("shape", [(5,), (4, 5), ()])
def test_what_a_batch_cannot_be_broadcast_to_is_refused(family, shape):
    distribution = family(torch.zeros(3), torch.ones(4, 1))
    with pytest.raises(ValueError, match=r"batch_shape must be one that \(4,\) can be .* and is"):
        distribution.expand(shape)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_scale_that_is_not_positive_is_refused(family, value):
    scale = torch.tensor([[1.0], [value]])
    with pytest.raises(ValueError, match="Expected parameter scale"):
        family(torch.zeros(3), scale)
    assert family(torch.zeros(3), scale, validate_args=False).batch_shape == (2,)


def test_a_mean_that_is_not_a_number_is_refused(family):
    with pytest.raises(ValueError, match="Expected parameter mean_code"):
        family(torch.tensor([0.0, math.nan]), torch.ones(1))


def test_codes_that_do_not_fit_are_refused(family):
    distribution = family(torch.zeros(4, 2), torch.ones(1))
    with pytest.raises(ValueError, match="Expected value argument"):
        distribution.log_prob(torch.full((4, 2), math.nan))
    with pytest.raises(ValueError, match="not broadcastable"):
        distribution.log_prob(torch.zeros(3, 2))


def test_scale_must_fit_the_codes():
    with pytest.raises(ValueError, match=r"scale must end in 1 .* or 3 .* has shape \(2,\)"):
        WrappedNormal(torch.zeros(3), torch.ones(2), manifold=Euclidean())
    assert issubclass(WrappedNormal, CodeDistribution)


def test_it_prints_itself(family):
    distribution = family(torch.zeros(4, 2), torch.ones(1))
    name, space = type(distribution).__name__, repr(distribution.manifold)
    assert repr(distribution) == f"{name}(batch_shape=(4,), event_shape=(2,), manifold={space})"
