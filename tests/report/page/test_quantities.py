"""Numbers as a person reads them."""

import pytest

from gyrovox.report.page.quantities import counted, listed, percent, volume_text


@pytest.mark.parametrize(
    ("nm3", "wanted"),
    [
        (0.004, "0.004 nm³"),
        (1.0, "1 nm³"),
        (512.4, "512 nm³"),
        (12_345_678.0, "12,345,678 nm³"),
        (1.5e9, "1.5 µm³"),
        (1e18, "1 mm³"),
        (2.34e22, "23.4 cm³"),
    ],
)
def test_a_volume_has_the_unit_that_fits(nm3, wanted):
    assert volume_text(nm3) == wanted


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.0, "none"), (1e-5, "< 0.1 %"), (0.1234, "12.3 %"), (1.0, "100.0 %")]
)
def test_a_share_is_per_cent(share, wanted):
    assert percent(share) == wanted


def test_words_are_listed_and_things_counted():
    assert listed(["2"]) == "2"
    assert listed(["2", "4", "8"]) == "2, 4 and 8"
    assert counted(1, "voxel") == "1 voxel"
    assert counted(1200, "voxel") == "1,200 voxels"
    assert counted(2, "class") == "2 classes"
