"""Budgets of training: shared between loops, and never spent without a step."""

import time

import pytest
from benchmarks.quality.comparison.budget import Budget


def busy(seconds):
    begun = time.process_time()
    while time.process_time() - begun < seconds:
        pass


def test_loops_share_a_budget_and_each_makes_a_step():
    budget = Budget(0.3)
    assert budget.progress() == 0
    for _ in budget.steps(0.5):
        busy(0.02)
    assert 0.5 <= budget.progress() < 0.9
    first = budget.made
    assert 3 <= first <= 8
    for _ in budget.steps():
        busy(0.02)
    assert budget.progress() == 1
    assert budget.made > first
    assert list(budget.steps()) == [0]


def test_a_number_of_steps_ends_it_too():
    budget = Budget(1000.0, most_steps=3)
    assert list(budget.steps()) == [0, 1, 2]
    assert list(budget.steps(0.5)) == [0, 1, 2]
    assert budget.made == 6


@pytest.mark.parametrize("seconds", [0.0, 1e-9])
def test_nothing_to_spend_is_one_step(seconds):
    assert list(Budget(seconds).steps()) == [0]
