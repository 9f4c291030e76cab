import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gyrovox.volumes.order_statistics import (
    OrderStatistics,
    keys_of,
    neighbours,
    quantile,
    ranked,
    values_of,
)

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
numbers = arrays.arrays(np.float32, st.integers(1, 60), elements=finite)


@given(numbers)
def test_keys_sort_as_numbers_do_and_lead_back(values):
    keys = keys_of(values)
    assert np.array_equal(values_of(keys).view(np.uint32), values.view(np.uint32))
    assert (np.diff(values[np.argsort(keys)]) >= 0).all()


@given(numbers, st.data())
def test_every_rank_is_that_of_the_sorted_numbers(values, data):
    ranks = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=4))
    order = OrderStatistics()
    parts = np.array_split(values, 3)
    for part in parts:
        order.count(part)
    assert order.total == len(values)
    order.choose(ranks)
    for part in parts:
        order.look_into(part)
    assert [order.at(rank) for rank in ranks] == [float(np.sort(values)[rank]) for rank in ranks]


def test_a_number_may_be_counted_many_times():
    order = OrderStatistics()
    order.count(np.array([2.0], np.float32), times=5)
    assert order.total == 5


@given(numbers, st.sampled_from([0.0, 1e-3, 0.3, 0.5, 0.999, 1.0]))
def test_a_quantile_is_numpys(values, share):
    ranks = np.sort(values.astype(np.float64))
    found = quantile(len(values), share, lambda rank: float(ranks[rank]))
    expected = np.quantile(values.astype(np.float64), share)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.abs(ranks).max())


def test_the_largest_number_has_no_neighbour_above():
    assert neighbours(10, 1.0) == (9, 9)
    assert neighbours(10, 0.5) == (4, 5)


def test_a_rank_lies_in_the_bin_that_holds_it():
    counts = np.array([2, 0, 3])
    assert [ranked(counts, rank) for rank in range(5)] == [0, 0, 2, 2, 2]
