"""The grid that pickers read: resampled, standardised, and the way from there to the tomogram."""

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.errors import SettingsError, VolumeError, VoxelSizeError
from gyrovox.particles.picking.tomogram_grid import density_on_voxels, tomogram_grid
from gyrovox.volumes import Volume
from gyrovox.volumes import source as sources


def smooth(shape, seed=0, width=4.0):
    noise = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(noise, width).astype(np.float32)


def volume(array, size=1.0):
    return Volume.from_array(array, voxel_size_nm=(size, size, size), name="tomogram one")


@pytest.mark.parametrize("size", [0.7, 1.0, 2.0, 2.6])
def test_a_smooth_tomogram_is_seen_where_it_is(size):
    array = smooth((40, 44, 48))
    grid = tomogram_grid(volume(array), voxel_size_nm=size, contrast="bright")
    places = np.argwhere(np.ones(grid.voxels.shape)).astype(float)
    in_tomogram = grid.to_tomogram(places)
    expected = ndimage.map_coordinates(array, in_tomogram.T, order=3, mode="nearest")
    inner = ((in_tomogram > 3) & (in_tomogram < np.array(array.shape) - 4)).all(axis=1)
    found = grid.voxels.ravel()[inner]
    assert np.corrcoef(found, expected[inner])[0, 1] > 0.999
    np.testing.assert_allclose(grid.from_tomogram(in_tomogram), places, atol=1e-9)


def test_it_is_standardised_whatever_a_few_voxels_are():
    array = 40 + 7 * np.random.default_rng(0).standard_normal((20, 20, 20)).astype(np.float32)
    plain = tomogram_grid(volume(array), voxel_size_nm=1.0, contrast="bright").voxels
    assert plain.mean() == pytest.approx(0, abs=0.05)
    assert plain.std() == pytest.approx(1, abs=0.05)
    array[:2, :2, :2] = -1e6  # a gold bead
    beads = tomogram_grid(volume(array), voxel_size_nm=1.0, contrast="bright").voxels
    np.testing.assert_allclose(beads[2:], plain[2:], atol=0.05)
    assert beads.min() == -6


def test_dense_matter_becomes_bright():
    array = smooth((16, 16, 16))
    dark = tomogram_grid(volume(-array), voxel_size_nm=1.0).voxels
    bright = tomogram_grid(volume(array), voxel_size_nm=1.0, contrast="bright").voxels
    np.testing.assert_allclose(dark, bright, atol=1e-5)


def test_it_is_the_same_slab_by_slab(monkeypatch):
    array = smooth((31, 20, 20))
    whole = tomogram_grid(volume(array), voxel_size_nm=2.3).voxels
    monkeypatch.setattr(
        sources.slabs, "__kwdefaults__", {"max_bytes": 5000, "multiple": 1, "rows": None}
    )
    parts = tomogram_grid(volume(array), voxel_size_nm=2.3).voxels
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_a_mask_is_standardised_by_all_its_voxels():
    array = np.zeros((10, 10, 10), np.float32)
    array[:3, :3, :3] = 1
    grid = tomogram_grid(volume(array), voxel_size_nm=1.0, contrast="bright")
    assert grid.voxels.mean() == pytest.approx(0, abs=1e-3)


def test_a_density_map_keeps_its_centre():
    side = 24
    grid = np.indices((side,) * 3) - side // 2
    ball = (np.sqrt((grid**2).sum(axis=0)) < 7).astype(np.float32)
    for size in (0.8, 1.0, 2.0, 3.0):
        found = density_on_voxels(volume(ball), size)
        assert found.shape == (round(side / size),) * 3
        centre = np.array(ndimage.center_of_mass(found)) - found.shape[0] // 2
        np.testing.assert_allclose(centre, 0, atol=0.1)
        assert found.sum() * size**3 == pytest.approx(ball.sum(), rel=0.1)


def test_missing_numbers_are_filled_or_refused():
    array = smooth((12, 12, 12))
    array[0, 0, 0] = np.nan
    with pytest.raises(VolumeError, match="1 of 1728 in a slab are not"):
        tomogram_grid(volume(array), voxel_size_nm=1.0)
    filled = tomogram_grid(volume(array), voxel_size_nm=1.0, nan_policy="mean")
    assert np.isfinite(filled.voxels).all()


def test_what_cannot_be_a_tomogram_is_refused():
    array = smooth((8, 8, 8))
    with pytest.raises(VoxelSizeError, match=r"the file does not say it\. Pass --voxel-size-nm"):
        tomogram_grid(Volume.from_array(array), voxel_size_nm=1.0)
    with pytest.raises(VoxelSizeError, match=r"must be cubes, and are \(1\.0, 2\.0, 1\.0\) nm"):
        tomogram_grid(Volume.from_array(array, voxel_size_nm=(1.0, 2.0, 1.0)), voxel_size_nm=1.0)
    with pytest.raises(VolumeError, match="must have one channel, and 2 came"):
        tomogram_grid(volume(np.stack([array, array])), voxel_size_nm=1.0)
    with pytest.raises(VolumeError, match="must vary to hold particles, and every voxel is 3"):
        tomogram_grid(volume(np.full((8, 8, 8), 3.0, np.float32)), voxel_size_nm=1.0)
    with pytest.raises(SettingsError, match="voxel_size_nm must be positive, got 0"):
        tomogram_grid(volume(array), voxel_size_nm=0.0)
