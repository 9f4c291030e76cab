"""What a detector learns from: on its voxels, cropped, turned over, kept."""

import numpy as np
import pytest

from gyrovox.errors import ParticleError
from gyrovox.particles.detector.examples import Example, example_of, of_classes
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.volumes import ParticleTable, Volume

SETTINGS = DetectorSettings(classes=("virion", "vesicle"))


def table(**columns):
    given = {
        "positions": np.array([[5.0, 10.0, 15.0], [8.0, 4.0, 20.0], [2.0, 2.0, 2.0]]),
        "shape": (24, 24, 24),
        "voxel_size_nm": 2.0,
        "classes": ("vesicle", "virion", "gold"),
        "diameters_nm": np.array([40.0, 20.0, 10.0]),
    }
    return ParticleTable(**(given | columns))


def marked(shape, place):
    """An example with one bright voxel, which a box surrounds."""
    voxels = np.zeros(shape, np.float32)
    voxels[place] = 1.0
    box = np.array([[*place, 6, 6, 6]], np.float32)
    return Example(voxels=voxels, boxes=box, classes=np.array([0]))


def test_boxes_are_in_the_detectors_voxels():
    noise = np.random.default_rng(0).standard_normal((24, 24, 24)).astype(np.float32)
    volume = Volume.from_array(noise, voxel_size_nm=(2.0, 2.0, 2.0))
    example = example_of(volume, table(), SETTINGS)
    assert example.voxels.shape == (12, 12, 12)
    # Voxel 0 of the coarse grid lies between voxels 0 and 1 of the fine one.
    assert example.boxes[0].tolist() == pytest.approx([2.25, 4.75, 7.25, 10, 10, 10])
    assert example.boxes[1].tolist() == pytest.approx([3.75, 1.75, 9.75, 5, 5, 5])
    assert example.classes.tolist() == [1, 0]


def test_positions_count_in_the_tables_voxels():
    noise = np.random.default_rng(0).standard_normal((24, 24, 24)).astype(np.float32)
    volume = Volume.from_array(noise, voxel_size_nm=(4.0, 4.0, 4.0))
    example = example_of(volume, table(), SETTINGS)  # picked at half the voxel size
    assert example.boxes[0, :3].tolist() == pytest.approx([2.5, 5.0, 7.5])


def test_a_crop_moves_the_boxes_with_the_voxels():
    example = marked((16, 16, 16), (9, 5, 7))
    crop = example.cropped((4, 4, 4), (8, 16, 8))
    assert crop.voxels.shape == (8, 16, 8)
    assert tuple(np.argwhere(crop.voxels)[0]) == (5, 1, 3)
    assert crop.boxes[0, :3].tolist() == [5, 1, 3]


def test_a_crop_keeps_what_reaches_into_it():
    example = marked((32, 16, 16), (9, 5, 7))
    assert len(example.cropped((10, 0, 0), (16, 16, 16)).boxes) == 1  # its centre lies outside
    assert len(example.cropped((13, 0, 0), (16, 16, 16)).boxes) == 0


@pytest.mark.parametrize("axes", [(), (0,), (1, 2), (0, 1, 2)])
def test_turning_over_moves_the_boxes_with_the_voxels(axes):
    turned = marked((16, 12, 20), (9, 5, 7)).flipped(axes)
    assert tuple(np.argwhere(turned.voxels)[0]) == tuple(turned.boxes[0, :3].astype(int))
    again = turned.flipped(axes)
    assert tuple(np.argwhere(again.voxels)[0]) == (9, 5, 7)


def test_it_is_kept_in_a_file(tmp_path):
    example = marked((8, 8, 8), (1, 2, 3))
    example.save(tmp_path / "one.npz")
    stored = Example.load(tmp_path / "one.npz")
    np.testing.assert_array_equal(stored.voxels, example.voxels)
    np.testing.assert_array_equal(stored.boxes, example.boxes)
    np.testing.assert_array_equal(stored.classes, example.classes)


def test_particles_without_classes_are_of_the_only_one():
    assert len(of_classes(table(classes=None), ("virion",))) == 3
    assert of_classes(table(), ("gold",)).positions.tolist() == [[2, 2, 2]]
    with pytest.raises(ParticleError, match=r"must have classes to be told apart into \('virion'"):
        of_classes(table(classes=None), SETTINGS.classes)


def test_particles_must_have_diameters():
    noise = np.random.default_rng(0).standard_normal((24, 24, 24)).astype(np.float32)
    volume = Volume.from_array(noise, voxel_size_nm=(2.0, 2.0, 2.0))
    with pytest.raises(ParticleError, match="must have diameters, and these have none"):
        example_of(volume, table(diameters_nm=None), SETTINGS)
