import numpy as np
import pytest

from gyrovox.volumes.survey import as_float32, survey_of

TYPES = ["?", "u1", "i1", "u2", "i2", "i4", "u4", "i8", "f2", "f4", "f8"]


def surveyed(values, fill=0.0):
    survey = survey_of(values.dtype)
    parts = np.array_split(values, 4)
    for part in parts:
        survey.add(part)
    survey.settle(fill)
    for part in parts:
        survey.look_into(part)
    low, high = survey.limits()
    for part in parts:
        found = np.where(np.abs(part.astype(np.float64)) < 1e30, part, fill).astype(np.float32)
        survey.add_clipped(np.clip(found, low, high).astype(np.float32))
    return survey


def drawn(dtype):
    values = np.random.default_rng(0).normal(60, 8, 5000)
    values[:3] = 0, 127, 126  # far outside the bulk
    return (values > 60) if dtype == "?" else values.astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_has_the_statistics_that_sorting_finds(dtype):
    values = drawn(dtype)
    survey, wide = surveyed(values), values.astype(np.float64)
    assert survey.finite == 5000
    assert survey.mean == pytest.approx(wide.mean())
    assert survey.extremes == (wide.min(), wide.max())
    low, high = np.quantile(wide, [1e-3, 1 - 1e-3])
    expected = low - (high - low), high + (high - low)
    assert survey.limits() == pytest.approx(expected, rel=1e-6)
    clipped = np.clip(wide, *survey.limits())
    assert survey.moments() == pytest.approx((clipped.mean(), clipped.std()), rel=1e-6)


@pytest.mark.parametrize("dtype", TYPES)
def test_small_integers_need_one_pass(dtype):
    small = np.dtype(dtype).kind in "bui" and np.dtype(dtype).itemsize <= 2
    assert survey_of(np.dtype(dtype)).needs_more != small


def test_what_is_not_finite_is_counted_and_filled():
    values = np.arange(1000, dtype=np.float64)
    values[:6] = np.nan, np.nan, np.inf, -np.inf, 1e300, -1e300
    survey = surveyed(values, fill=-5000.0)
    assert (survey.nan, survey.infinite, survey.beyond) == (2, 2, 2)
    assert survey.finite == 994
    assert survey.extremes == (-5000.0, 999.0)
    filled = np.where(np.arange(1000) < 6, -5000.0, values)
    low, high = np.quantile(filled, [1e-3, 1 - 1e-3])
    assert survey.limits() == pytest.approx((2 * low - high, 2 * high - low))


def test_a_bulk_without_width_clips_nothing():
    values = np.zeros(27_000, np.float32)
    values[5:8] = 4.0
    assert surveyed(values).limits() == (0.0, 4.0)


def test_limits_are_float32_numbers_even_at_its_end():
    values = np.linspace(-3e38, 3e38, 1000, dtype=np.float32)
    low, high = surveyed(values).limits()
    assert np.isfinite([np.float32(low), np.float32(high)]).all()
    assert (np.float32(low), np.float32(high)) == (low, high)


def test_what_is_too_large_becomes_infinite_without_a_warning():
    assert as_float32(np.array([1e300, 2.0])).tolist() == [np.inf, 2.0]
    same = np.zeros(3, np.float32)
    assert as_float32(same) is same
