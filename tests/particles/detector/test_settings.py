"""Settings of a detector: what they may be, how they scale with particles, and as plain values."""

import dataclasses

import pytest

from gyrovox.errors import SettingsError
from gyrovox.particles.detector.settings import DetectorSettings


def test_the_default_is_that_for_virions():
    scaled = DetectorSettings.for_diameters([80.0, 120.0], classes=("virion",))
    default = DetectorSettings()
    assert scaled.voxel_size_nm == default.voxel_size_nm
    assert scaled.stages == default.stages
    for ours, theirs in zip(scaled.anchors_nm, default.anchors_nm, strict=True):
        assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.9])
def test_anchors_surround_the_sizes_whatever_they_are(scale, ratio):
    smallest, largest = 80 * scale, 80 * scale * ratio
    found = DetectorSettings.for_diameters([smallest, largest], classes=("it",))
    anchors = [size for level in found.anchors_nm for size in level]
    assert anchors == sorted(anchors)
    assert anchors[0] < smallest
    assert anchors[-1] > largest
    assert smallest / found.voxel_size_nm == pytest.approx(20)
    assert len(found.strides) == len(found.anchors_nm)


def test_strides_are_those_of_the_last_stages():
    assert DetectorSettings().strides == (4, 8)
    assert DetectorSettings().anchors[0] == (13.0, 16.375, 20.625)
    one = DetectorSettings(stages=(4, 8), anchors_nm=((80.0,),))
    assert one.strides == (4,)


def test_they_survive_as_plain_values():
    settings = DetectorSettings(classes=("virion", "vesicle"), stages=(8, 16, 24))
    assert DetectorSettings.from_plain_values(settings.plain_values()) == settings


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"classes": ()}, "one or more different names"),
        ({"classes": ("a", "a")}, "one or more different names"),
        ({"classes": ("two words",)}, "must be one word, got 'two words'"),
        ({"voxel_size_nm": -1.0}, r"voxel_size_nm must be positive, got -1"),
        ({"anchors_nm": ((1.0, 2.0), (3.0,))}, "as many positive diameters at every level"),
        ({"anchors_nm": ((1.0, -2.0),)}, "as many positive diameters at every level"),
        ({"stages": (8, 8)}, "more stages than levels of anchors, got 2 and 2"),
        ({"pyramid_channels": 0}, "must be at least 1"),
    ],
)
def test_what_no_detector_can_be_is_refused(changed, message):
    with pytest.raises(SettingsError, match=message):
        dataclasses.replace(DetectorSettings(), **changed)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": ["virion"]}, "must be all of them"),
        ({"voxel_size_nm": "wide"}, "voxel_size_nm: .*number"),
        (DetectorSettings().plain_values() | {"voxel_size_nm": -4.0}, "must be positive, got -4"),
    ],
)
def test_values_that_are_no_settings_are_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        DetectorSettings.from_plain_values(values)


def test_sizes_must_be_there_and_alike():
    with pytest.raises(SettingsError, match="needs the diameters of its particles"):
        DetectorSettings.for_diameters([], classes=("it",))
    with pytest.raises(SettingsError, match="at most 4 times as wide as the smallest, got 500 and"):
        DetectorSettings.for_diameters([10.0, 500.0], classes=("it",))
