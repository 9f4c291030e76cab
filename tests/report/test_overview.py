"""The overview picture."""

import re
import sys

import matplotlib.image
import numpy as np
import pytest

from gyrovox.report import overview
from gyrovox.report.overview import _tinted
from gyrovox.report.planes import middle_planes
from gyrovox.volumes.volume import Volume


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(6, 20, 24)).astype(np.float32)
    fine = np.digitize(image, [-1, 0, 1]).astype(np.uint8)
    return image, {2: fine // 2, 4: fine}


def picture(path):
    return matplotlib.image.imread(path)[..., :3]


@pytest.mark.parametrize("voxel_size_nm", [None, (50.0, 10.0, 10.0)], ids=["unknown", "known"])
def test_it_is_a_picture_with_a_column_for_each_level(tmp_path, scene, voxel_size_nm):
    image, levels = scene
    volume = Volume.from_array(image, voxel_size_nm=voxel_size_nm, name="scene")
    overview(volume, levels, tmp_path / "two.png")
    overview(volume, {2: levels[2]}, tmp_path / "one.png")
    two, one = picture(tmp_path / "two.png"), picture(tmp_path / "one.png")
    assert two.shape[1] > one.shape[1]
    assert two.std() > 0.05


@pytest.mark.parametrize("curvature", [-1.0, 0.0])
def test_codes_of_two_dimensions_are_shown(tmp_path, scene, curvature):
    image, levels = scene
    latent = np.stack([image, -image], axis=-1)
    volume = Volume.from_array(image)
    overview(volume, levels, tmp_path / "with.png", latent=latent, curvature=curvature)
    overview(volume, levels, tmp_path / "without.png", latent=image[..., np.newaxis])
    assert picture(tmp_path / "with.png").shape[0] > picture(tmp_path / "without.png").shape[0]


def test_what_is_outside_a_mask_is_grey_and_counts_for_nothing(tmp_path, scene):
    image, levels = scene
    volume = Volume.from_array(image)
    inside = np.zeros(image.shape, bool)
    inside[:, :10] = True
    masked = {k: np.where(inside, labels + 1, 0).astype(np.uint8) for k, labels in levels.items()}
    latent = np.stack([image, -image], axis=-1)
    overview(volume, masked, tmp_path / "masked.png", latent=latent, inside=inside)
    overview(volume, levels, tmp_path / "whole.png", latent=latent)
    halves = [picture(tmp_path / name) for name in ("masked.png", "whole.png")]
    coloured, whole = (int((np.ptp(half, axis=-1) > 0.2).sum()) for half in halves)
    assert 0.2 * whole < coloured < 0.8 * whole
    assert halves[0].shape == halves[1].shape


def test_outside_a_mask_the_image_is_darkened(scene):
    image, levels = scene
    volume = Volume.from_array(image)
    inside = image < 0
    labels = np.where(inside, levels[2] + 1, 0).astype(np.uint8)
    colours = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for plane in middle_planes(volume):
        grey = plane.of(np.linspace(0, 1, image.size).reshape(image.shape))
        shown = _tinted(grey, plane, labels, colours, inside)
        within = plane.of(inside)
        np.testing.assert_allclose(shown[~within], np.stack([0.55 * grey[~within]] * 3, axis=-1))
        whole = _tinted(grey, plane, levels[2], colours, None)
        np.testing.assert_allclose(shown[within], whole[within])


def test_a_mask_beside_the_slices_that_colours_are_chosen_from(tmp_path):
    labels = np.zeros((120, 4, 4), np.uint8)
    labels[1] = np.arange(16).reshape(4, 4) % 3 + 1
    volume = Volume.from_array(np.arange(labels.size, dtype=np.float32).reshape(labels.shape))
    overview(volume, {3: labels}, tmp_path / "thin.png", inside=labels > 0)
    assert (tmp_path / "thin.png").stat().st_size > 1000


def test_many_classes_and_a_class_that_only_unseen_slices_have(tmp_path):
    labels = np.zeros((120, 4, 4), np.uint16)
    labels.reshape(-1)[: labels.size] = np.arange(labels.size) % 300
    labels[1] = 400
    image = labels.astype(np.float32)
    overview(Volume.from_array(image), {300: labels}, tmp_path / "many.png")
    assert (tmp_path / "many.png").stat().st_size > 1000


def test_it_leaves_pyplot_alone(tmp_path, scene):
    image, levels = scene
    before = "matplotlib.pyplot" in sys.modules
    overview(Volume.from_array(image), levels, tmp_path / "picture.png")
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize("thinned", [False, True])
def test_the_title_tells_the_shape_and_the_voxels_of_the_whole(tmp_path, scene, thinned):
    image, levels = scene
    volume = Volume.from_array(image, voxel_size_nm=(50.0, 10.0, 10.0), name="scene")
    whole = Volume.from_array(np.zeros((12, 39, 47)), voxel_size_nm=(25.0, 5.0, 5.0), name="scene")
    overview(volume, levels, tmp_path / "scene.svg", whole=whole if thinned else None)
    said = re.search(r"\S+ × \S+ × \S+ \(z, y, x\), .*", (tmp_path / "scene.svg").read_text())[0]
    wanted = (
        ("12 × 39 × 47", "25 nm × 5 nm × 5 nm")
        if thinned
        else ("6 × 20 × 24", "50 nm × 10 nm × 10 nm")
    )
    assert said.startswith("{} (z, y, x), voxels of {}".format(*wanted))
