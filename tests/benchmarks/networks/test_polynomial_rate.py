import pytest
from benchmarks.quality.networks.polynomial_rate import remaining


class Spent:
    def __init__(self, part):
        self.part = part

    def progress(self):
        return self.part


def test_it_falls_from_one_and_never_to_nothing():
    rates = [remaining(Spent(part / 100)) for part in range(101)]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.1
    assert rates[50] == pytest.approx(0.5**0.9)


def test_a_little_time_more_or_less_does_not_change_it():
    assert remaining(Spent(0.001)) == remaining(Spent(0.04)) == 1


def test_a_later_loop_begins_anew():
    assert remaining(Spent(0.4), begun=0.45) == remaining(Spent(0.45), begun=0.45) == 1
    assert remaining(Spent(0.73), begun=0.45) == pytest.approx(0.5**0.9)
