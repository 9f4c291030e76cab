import inspect

import torch
from torch.testing import assert_close

from gyrovox.geometry import euclidean, poincare


def public(module):
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and name[0] != "_"
    }


def test_has_every_name_of_the_ball_with_the_same_arguments():
    # project alone has no twin: flat space has no boundary. frechet_mean is a module of the ball.
    curved = {name: f for name, f in public(poincare).items() if name != "project"}
    flat = {name: f for name, f in public(euclidean).items() if name != "frechet_mean"}
    assert flat.keys() == curved.keys()
    for name, function in curved.items():
        names = [name for name in inspect.signature(function).parameters if name != "curvature"]
        assert list(inspect.signature(flat[name]).parameters) == names


def test_distance_is_twice_the_length_of_the_difference():
    x, y = torch.tensor([[0.0, 3.0]]), torch.tensor([[4.0, 0.0]])
    assert euclidean.distance(x, y).item() == 10
    assert euclidean.conformal_factor(x).item() == 2


def test_exp_and_log_are_inverses():
    x, y = torch.randn(2, 5, 3)
    assert_close(euclidean.exp(x, euclidean.log(x, y)), y)
    assert_close(euclidean.geodesic(x, y, torch.ones(5)), y)
    assert_close(euclidean.geodesic(x, y, 0.5), (x + y) / 2)
    assert_close(euclidean.mobius_multiply(torch.full((5,), 2.0), x), euclidean.mobius_add(x, x))
    assert euclidean.exp_origin(x) is euclidean.log_origin(x)


def test_parallel_transport_changes_nothing():
    v, y = torch.randn(3), torch.randn(5, 3)
    assert_close(euclidean.parallel_transport(v, torch.zeros(3), y), v.expand(5, 3))


def test_frechet_mean_is_the_weighted_average():
    codes = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    assert_close(euclidean.frechet_mean(codes), codes.mean(0))
    mean = euclidean.frechet_mean(codes, torch.tensor([2.0, 1.0, 1.0]))
    assert_close(mean, torch.tensor([0.25, 0.75]))


def test_frechet_mean_has_gradients():
    codes = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(euclidean.frechet_mean, (codes, weights))
