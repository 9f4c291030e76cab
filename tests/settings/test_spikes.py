"""Settings of spikes: what no spike can be is refused."""

import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings.spikes import SpikeSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"height_nm": 0.0}, "height_nm must be a length above 0 nm, got 0"),
        ({"spacing_nm": -1.0}, "spacing_nm must be a length above 0 nm, got -1"),
        ({"working_voxel_nm": float("nan")}, "working_voxel_nm must be a length above 0 nm"),
        ({"diameter_nm": float("inf")}, "diameter_nm must be a length above 0 nm, got inf"),
        ({"smallest_nm3": 50.0, "largest_nm3": 40.0}, "below largest_nm3, got 50 and 40"),
        ({"confidence": 1.0}, "confidence must be between 0 and 1, such as 0.9, got 1"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        SpikeSettings(**wrong)


def test_the_shell_holds_the_spike_and_the_decoy_lies_beyond_it():
    settings = SpikeSettings(height_nm=20.0)
    assert settings.lowest_nm < settings.centre_nm < settings.highest_nm
    assert settings.decoy_nm[0] > settings.highest_nm
    decoy = settings.decoy_nm[1] - settings.decoy_nm[0]
    assert decoy == pytest.approx(settings.highest_nm - settings.lowest_nm)
    assert settings.reach_nm > settings.decoy_nm[1]


def test_the_centre_is_half_a_spike_above_the_outside():
    assert SpikeSettings(height_nm=20.0).centre_nm == pytest.approx(2.5 + 10.0)
