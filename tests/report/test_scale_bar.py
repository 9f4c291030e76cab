"""The scale bar."""

import pytest

from gyrovox.report.scale_bar import physical, scale_bar, unit_of


@pytest.mark.parametrize(
    ("width", "known", "expected"),
    [
        (500.0, True, (100.0, "100 nm")),
        (10.0, True, (2.0, "2 nm")),
        (1.0, True, (0.2, "2 Å")),
        (240e6, True, (50e6, "50 mm")),
        (8000.0, True, (2000.0, "2 µm")),
        (50.0, False, (10.0, "10 voxels")),
        (5.0, False, (1.0, "1 voxel")),
    ],
)
def test_the_bar_is_a_round_length_of_about_a_quarter(width, known, expected):
    length, name = scale_bar(width, known=known)
    assert (pytest.approx(length), name) == expected
    assert 0.1 < length / width <= 0.3


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1.052, "1.052 nm"), (10.0, "10 nm"), (1e6, "1 mm"), (0.13, "1.3 Å"), (0.05, "0.5 Å")],
)
def test_lengths_have_a_fitting_unit(length, expected):
    assert physical(length) == expected


@pytest.mark.parametrize(
    ("length_nm", "unit"),
    [(2.4e8, ("mm", 1e6)), (1e3, ("µm", 1e3)), (90.0, ("nm", 1.0)), (0.01, ("Å", 0.1))],
)
def test_a_length_is_given_in_a_unit_that_leaves_few_digits(length_nm, unit):
    assert unit_of(length_nm) == unit
