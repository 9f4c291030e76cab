import numpy as np
import pytest

from gyrovox.volumes.running_statistics import RunningStatistics


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8, bool])
def test_pieces_give_what_the_whole_gives(dtype):
    whole = (np.random.default_rng(0).normal(size=1000) * 30 + 100).astype(dtype)
    statistics = RunningStatistics()
    for piece in np.split(whole, [3, 500, 500, 999]):
        statistics.add(piece)
    assert (statistics.minimum, statistics.maximum) == (whole.min(), whole.max())
    assert statistics.mean == pytest.approx(whole.mean(dtype=np.float64))
    assert statistics.deviation == pytest.approx(whole.std(dtype=np.float64))
    assert (statistics.finite, statistics.not_finite) == (1000, 0)


def test_a_large_offset_cancels_nothing():
    whole = np.random.default_rng(0).normal(size=1000) + 1e9
    statistics = RunningStatistics()
    for piece in np.split(whole, 10):
        statistics.add(piece)
    assert statistics.deviation == pytest.approx(whole.std(), rel=1e-6)


def test_what_is_not_finite_is_counted_and_left_out():
    statistics = RunningStatistics()
    statistics.add(np.array([np.nan, np.inf]))
    assert (statistics.finite, statistics.not_finite, statistics.deviation) == (0, 2, 0.0)
    statistics.add(np.array([-np.inf, 5.0, 7.0]))
    assert (statistics.minimum, statistics.maximum, statistics.mean) == (5.0, 7.0, 6.0)
    assert (statistics.finite, statistics.not_finite) == (2, 3)
