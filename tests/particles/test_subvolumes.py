"""Sub-volumes, beside a molecule that is drawn where it is."""

from dataclasses import replace

import numpy as np
import pytest
from scattered_molecules import molecule, scattered

from gyrovox.errors import ParticleError, SettingsError, VoxelSizeError
from gyrovox.particles.subvolumes import SubvolumeSampler, extract_subvolumes
from gyrovox.volumes import ParticleTable, Region, Volume


@pytest.fixture(scope="module")
def scene():
    return scattered(counts=(2, 2, 3))


def test_a_turned_box_holds_the_reference(scene):
    cut = extract_subvolumes(scene.tomogram, scene.truth, box=12, normalise=False)
    assert (len(cut.rows), cut.skipped) == (12, 0)
    expected = molecule(12)
    inside = np.sqrt(((np.indices((12,) * 3) - 6) ** 2).sum(axis=0)) <= 6
    for box in cut.boxes:
        np.testing.assert_allclose(box[inside], expected[inside], atol=0.015)


def test_a_straight_box_holds_the_tomogram(scene):
    whole = replace(scene.truth, positions=np.round(scene.truth.positions))
    cut = extract_subvolumes(scene.tomogram, whole, box=10, orientation="tomogram", normalise=False)
    z, y, x = whole.positions[3].astype(int)
    expected = -scene.tomogram.read()[0][z - 5 : z + 5, y - 5 : y + 5, x - 5 : x + 5]
    np.testing.assert_allclose(cut.boxes[3], expected, atol=1e-5)


def test_contrast_is_turned_only_where_dense_is_dark(scene):
    bright = extract_subvolumes(scene.tomogram, scene.truth, box=8, contrast="bright")
    dark = extract_subvolumes(scene.tomogram, scene.truth, box=8)
    np.testing.assert_allclose(bright.boxes, -dark.boxes, atol=1e-5)


def test_the_ball_that_fits_in_is_normalised(scene):
    box = extract_subvolumes(scene.tomogram, scene.truth, box=12).boxes[0]
    inside = np.sqrt(((np.indices((12,) * 3) - 6) ** 2).sum(axis=0)) <= 6
    assert box[inside].mean() == pytest.approx(0, abs=1e-5)
    assert box[inside].std() == pytest.approx(1, abs=1e-5)
    flat = Volume.from_array(np.ones((20, 20, 20), np.float32), voxel_size_nm=(1.0,) * 3)
    sampled = SubvolumeSampler(flat, box=8).sample(np.array([10.0, 10.0, 10.0]))
    assert (sampled == 0).all()


def test_particles_at_the_border_are_skipped_and_counted(scene):
    positions = np.array([(6.0, 6, 6), (5.9, 6, 6), (29.0, 6, 6), (29.1, 6, 6), (6, 6, 45.0)])
    table = ParticleTable(positions=positions, shape=scene.truth.shape, voxel_size_nm=1.0)
    cut = extract_subvolumes(scene.tomogram, table, box=12)
    assert (cut.rows.tolist(), cut.skipped) == ([0, 2, 4], 2)
    assert np.isfinite(cut.boxes).all()


class Watched:
    """A source that remembers how much of it was read."""

    def __init__(self, source):
        self.source, self.most = source, 0

    @property
    def shape(self):
        return self.source.shape

    @property
    def dtype(self):
        return self.source.dtype

    def read(self, region: Region):
        self.most = max(self.most, int(np.prod(region.shape)))
        return self.source.read(region)


def test_no_more_is_read_than_a_box_needs():
    scene = scattered(counts=(3, 4, 4))
    watched = Watched(scene.tomogram.source)
    extract_subvolumes(replace(scene.tomogram, source=watched), scene.truth, box=4)
    assert watched.most <= (4 * 3**0.5 + 2 * 6 + 3) ** 3


def test_what_cannot_be_cut_is_refused(scene):
    for box in (7, 2, 64):
        with pytest.raises(SettingsError, match=f"a box must be even, .* got {box}"):
            SubvolumeSampler(scene.tomogram, box=box)
    other = replace(scene.truth, shape=(9, 9, 9))
    with pytest.raises(ParticleError, match=r"particles must be of this tomogram, scattered"):
        extract_subvolumes(scene.tomogram, other, box=8)
    flat = scene.tomogram.with_voxel_size((1.0, 1.0, 2.0))
    with pytest.raises(VoxelSizeError, match="must be cubes"):
        SubvolumeSampler(flat, box=8)
