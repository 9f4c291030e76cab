import pytest

from gyrovox.io.length_units import nm_per, rounded_lengths, telling_unit


@pytest.mark.parametrize(
    ("unit", "nm"),
    [
        ("nm", 1.0),
        ("Nanometer", 1.0),
        (" µm ", 1e3),
        ("μm", 1e3),  # the Greek letter, not the sign
        ("\\u00B5m", 1e3),
        ("micron", 1e3),
        ("micrometer", 1e3),
        ("mm", 1e6),
        ("millimeter", 1e6),
        ("cm", 1e7),
        ("meter", 1e9),
        ("Å", 0.1),
        ("angstrom", 0.1),
        ("inch", 2.54e7),
        ("pixel", None),
        ("reference frame", None),
        ("", None),
        (None, None),
    ],
)
def test_units_have_many_names(unit, nm):
    assert nm_per(unit) == nm


@pytest.mark.parametrize(
    ("lengths", "unit"),
    [((4.0, 1.5, 1.25), "nm"), ((300.0, 100.0, 100.0), "um"), ((5e6, 1e6, 1e6), "mm")],
)
def test_the_unit_gives_few_digits(lengths, unit):
    assert telling_unit(lengths) == unit


def test_what_float32_left_of_a_number_is_that_number():
    assert rounded_lengths([1.05199995, 9.99999978, 1499999.96]) == (1.052, 10.0, 1500000.0)
