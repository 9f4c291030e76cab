"""Settings of simulated tomograms."""

import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import ImagingRecipe, Optics, SpecimenRecipe


def test_electrons_have_the_wavelength_and_the_interaction_of_the_tables():
    """Kirkland, Advanced Computing in Electron Microscopy, table of electron properties."""
    assert Optics(voltage_kv=300.0).wavelength_nm == pytest.approx(1.9687e-3, rel=1e-4)
    assert Optics(voltage_kv=100.0).wavelength_nm == pytest.approx(3.7014e-3, rel=1e-4)
    assert Optics(voltage_kv=300.0).interaction_rad_per_v_nm == pytest.approx(6.526e-3, rel=1e-3)
    assert Optics(voltage_kv=100.0).interaction_rad_per_v_nm == pytest.approx(9.244e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"shape": (4, 30, 30)}, r"shape \(z, y, x\) must be at least 8 voxels"),
        ({"voxel_size_nm": 0.0}, "voxel_size_nm must be above 0"),
        ({"virions": -1}, "virions must not be negative"),
        ({"spikes_per_virion": float("nan")}, "spikes_per_virion must not be negative"),
        ({"crowding": 1.5}, "crowding must be between 0 and 1"),
        ({"asphericity": 0.3}, "asphericity must be between 0 and 0.1"),
        ({"virion_diameter_nm": (90.0, 80.0)}, "a smallest and a largest one, from 30 nm on"),
        ({"vesicle_diameter_nm": (5.0, 80.0)}, "vesicle_diameter_nm must be a smallest"),
        ({"shape": (16, 90, 90)}, r"a virion of 128 nm with spikes of 20 nm must fit .* 22.5 nm"),
    ],
)
def test_a_specimen_that_cannot_be_is_refused(setting, message):
    with pytest.raises(SettingsError, match=message):
        SpecimenRecipe(**setting)


def test_a_thin_specimen_without_virions_may_be():
    recipe = SpecimenRecipe(shape=(16, 90, 90), virions=0)
    assert recipe.size_nm == (24.0, 135.0, 135.0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"tilt_range_degrees": (60.0, -60.0)}, "tilt_range_degrees must rise"),
        ({"tilt_range_degrees": (-89.0, 60.0)}, "between -85 and 85"),
        ({"tilt_step_degrees": 0.0}, "tilt_step_degrees must be above 0"),
        ({"dose": -3.0}, "dose must be above 0"),
        ({"defocus_nm": -100.0}, "defocus_nm must not be negative"),
        ({"detective_efficiency": (0.4, 0.8)}, "detective_efficiency must fall"),
        ({"transfer_at_nyquist": 1.2}, "transfer_at_nyquist must be at most 1"),
    ],
)
def test_imaging_that_cannot_be_is_refused(setting, message):
    with pytest.raises(SettingsError, match=message):
        ImagingRecipe(**setting)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"voltage_kv": 0.0}, "voltage_kv must be above 0"),
        ({"spherical_aberration_mm": -1.0}, "spherical_aberration_mm must not be negative"),
        ({"amplitude_contrast": 1.0}, "amplitude_contrast must be from 0 up to below 1"),
    ],
)
def test_a_microscope_that_cannot_be_is_refused(setting, message):
    with pytest.raises(SettingsError, match=message):
        Optics(**setting)
