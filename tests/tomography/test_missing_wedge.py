import numpy as np
import pytest
import torch
from scipy import fft

from gyrovox.errors import SettingsError, TiltSeriesError, VolumeMismatchError
from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.missing_wedge import apply_wedge, missing_fraction, wedge_mask
from gyrovox.tomography.projection import backproject, project

SHAPES = [(16, 16, 16), (15, 8, 17), (12, 6, 20)]
TILTS = np.arange(-60.0, 61.0, 3.0)


@pytest.mark.parametrize("largest", [30.0, 50.0, 60.0, 80.0])
def test_the_missing_fraction_of_a_square_section_is_as_geometry_says(largest):
    # Of the square |k_z| <= 1, |k_x| <= 1 two triangles along z are missing, or, below 45 degrees,
    # all but two along x.
    tangent = np.tan(np.radians(largest))
    expected = 0.5 / tangent if tangent >= 1 else 1 - 0.5 * tangent
    width = 301
    mask = wedge_mask((width, 2, width), (-largest, largest))
    assert missing_fraction(mask, width) == pytest.approx(expected, abs=0.004)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "tilts", [(-60.0, 60.0), (-40.0, 65.0), TILTS], ids=["even", "odd", "list"]
)
@pytest.mark.parametrize("softness", [0.0, 8.0])
def test_both_layouts_do_the_same(shape, tilts, softness):
    half = wedge_mask(shape, tilts, softness_degrees=softness)
    full = wedge_mask(shape, tilts, softness_degrees=softness, layout="full")
    assert half.shape == (shape[0], shape[1], shape[2] // 2 + 1)
    assert full.shape == shape
    assert np.array_equal(full, np.roll(full[::-1, ::-1, ::-1], 1, axis=(0, 1, 2)))
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = fft.ifftn(fft.fftn(volume.astype(np.float64)) * full).real
    for mask in (half, full):
        np.testing.assert_allclose(apply_wedge(volume, mask), expected, rtol=0, atol=1e-5)
    assert missing_fraction(half, shape[2]) == pytest.approx(missing_fraction(full, shape[2]))


def test_images_are_slabs_as_thick_as_the_specimen_is_thin():
    shape, tilts = (64, 1, 64), np.array([-20.0, 50.0])
    mask = wedge_mask(shape, tilts, thickness=16.0, layout="full")[:, 0]
    k_z, k_x = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64), indexing="ij")
    angle = np.radians(tilts)[:, None, None]
    gap = np.abs(k_z * np.cos(angle) - k_x * np.sin(angle)).min(axis=0)
    clear = (np.abs(gap - 1 / 32) > 1e-9) & (k_z > -0.5) & (k_x > -0.5)
    assert np.array_equal(mask[clear], (gap <= 1 / 32)[clear])
    thin = wedge_mask(shape, tilts, thickness=4.0)
    assert missing_fraction(thin, 64) < missing_fraction(mask[:, None], 64)


def test_many_tilts_are_a_range_without_gaps():
    shape = (48, 2, 48)
    fine = wedge_mask(shape, np.arange(-60.0, 60.1, 0.5))
    gapless = wedge_mask(shape, (-60.0, 60.0))
    assert (fine >= gapless).all()  # and as much more as the last slabs are thick
    assert missing_fraction(gapless, 48) - missing_fraction(fine, 48) < 0.05


def test_a_reconstruction_has_its_power_inside_the_mask():
    side = 32
    tilts = np.arange(-60.0, 61.0, 4.0)
    geometry = TiltGeometry.ideal(tilts)
    z, y, x = np.indices((side, side, side)) - side // 2
    # Noise in a ball, so that no image sees past the volume's faces.
    density = np.random.default_rng(0).normal(size=(side,) * 3) * (z**2 + y**2 + x**2 < 10**2)
    images = project(torch.from_numpy(density), geometry, (side, side))
    volume = backproject(images, geometry, (side, side, side)).numpy()
    power = np.abs(fft.fftn(volume)) ** 2
    radius = np.sqrt(sum(k**2 for k in np.meshgrid(*[np.fft.fftfreq(side)] * 3)))
    shell = (radius > 0.2) & (radius < 0.4)
    seen = wedge_mask((side,) * 3, (-62.0, 62.0), layout="full") > 0
    assert power[shell & ~seen].mean() < 0.1 * power[shell & seen].mean()
    # The same mask, turned the wrong way, is no description of it.
    turned = np.swapaxes(seen, 0, 2)
    assert power[shell & ~turned].mean() > 0.5 * power[shell & turned].mean()


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="a range of tilts must grow"):
        wedge_mask((8, 8, 8), (60.0, -60.0))
    with pytest.raises(TiltSeriesError, match="there must be tilts, all between -90 and 90"):
        wedge_mask((8, 8, 8), np.array([]))
    with pytest.raises(TiltSeriesError, match=r"to tell what they see; got \[-90.0, 3.0\]"):
        wedge_mask((8, 8, 8), np.array([-90.0, 3.0]))
    with pytest.raises(TiltSeriesError, match="a thickness above 0 voxels, got 0"):
        wedge_mask((8, 8, 8), TILTS, thickness=0.0)
    with pytest.raises(
        VolumeMismatchError, match=r"\(8, 8, 8\) \(z, y, x\), and has shape \(8, 8, 6\)"
    ):
        apply_wedge(np.zeros((8, 8, 8), np.float32), wedge_mask((8, 8, 10), (-60.0, 60.0)))
