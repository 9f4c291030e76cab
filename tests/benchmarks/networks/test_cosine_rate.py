"""A learning rate falls with the budget, and is the same in runs that differ a little."""

import math

import pytest
import torch
from benchmarks.quality.networks.cosine_rate import let_rate_fall


class Spent:
    def __init__(self, progress):
        self._progress = progress

    def progress(self):
        return self._progress


def rate_at(progress):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    let_rate_fall(optimiser, 0.4, Spent(progress))
    return optimiser.param_groups[0]["lr"]


def test_it_begins_high_and_ends_low_but_not_at_0():
    assert rate_at(0.0) == pytest.approx(0.4)
    assert rate_at(0.5) == pytest.approx(0.2)
    assert 0 < rate_at(1.0) < 0.01


def test_it_never_rises_and_follows_the_cosine():
    at = [one / 100 for one in range(101)]
    rates = [rate_at(one) for one in at]
    assert rates == sorted(rates, reverse=True)
    for one, rate in zip(at, rates, strict=True):
        assert abs(rate - 0.2 * (1 + math.cos(math.pi * one))) < 0.05


def test_a_little_more_time_is_no_other_rate():
    assert rate_at(0.001) == rate_at(0.002) == rate_at(0.0)
