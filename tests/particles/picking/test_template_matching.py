"""Template matching: the correlation is what its formula says, and turns are found again."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.rotation_grid import even_rotations
from gyrovox.particles.picking.template_matching import (
    Template,
    TemplateSearch,
    correlation_maps,
    pick_by_template,
)
from gyrovox.tomography.missing_wedge import apply_wedge, wedge_mask
from gyrovox.volumes import Volume

CPU = torch.device("cpu")
ALL = (-89.9, 89.9)


def arm(side=17):
    """Three blobs at different distances along three axes: nothing turns it into itself."""
    grid = np.indices((side,) * 3) - side // 2
    density = np.zeros((side,) * 3)
    for place, height in (
        ((5, 0, 0), 1.0),
        ((0, 4, 0), 1.5),
        ((0, 0, -3), 2.0),
        ((-3, -3, 2), 1.0),
    ):
        gap = grid - np.array(place)[:, None, None, None]
        density += height * np.exp(-(gap**2).sum(axis=0) / 2 / 1.3**2)
    return density.astype(np.float32)


def turned(density, rotation):
    """By SciPy: what lies at r lies at rotation @ r afterwards."""
    middle = np.array(density.shape) // 2
    inverse = rotation.T
    return ndimage.affine_transform(density, inverse, middle - inverse @ middle, order=3)


def ready(density, tilts=ALL, diameter=15.0):
    return Template(density, tilt_degrees=tilts, diameter=diameter, where=CPU)


def test_the_correlation_is_its_formula():
    generator = np.random.default_rng(0)
    voxels = generator.standard_normal((22, 25, 28)).astype(np.float32)
    template = ready(arm())
    found, _ = correlation_maps(voxels, template, np.eye(3)[None], where=CPU)
    mask = template.mask.numpy().astype(np.float64)
    weight = mask / mask.sum()
    kernel = template.turned(np.eye(3)).numpy() / np.where(weight > 0, weight, 1)
    for place in ((11, 12, 14), (9, 8, 19), (10, 16, 9)):
        box = voxels[tuple(slice(at - 8, at + 9) for at in place)].astype(np.float64)
        mean = (weight * box).sum()
        spread = np.sqrt((weight * (box - mean) ** 2).sum())
        expected = (weight * kernel * (box - mean)).sum() / spread
        assert found[place] == pytest.approx(expected, abs=1e-5)


def test_it_is_one_where_the_tomogram_is_the_template():
    density = arm()
    voxels = np.zeros((30, 32, 34), np.float32)
    tilts = (-50.0, 50.0)
    seen = apply_wedge(density, wedge_mask(density.shape, tilts))
    voxels[5:22, 8:25, 9:26] = 3 * seen + 0.5
    found, _ = correlation_maps(voxels, ready(density, tilts), np.eye(3)[None], where=CPU)
    assert found[13, 16, 17] == pytest.approx(1.0, abs=1e-4)
    assert np.abs(found).max() < 1.0 + 1e-3


def test_a_template_is_turned_as_scipy_turns_it():
    density = arm()
    rotation = Rotation.from_rotvec([0.4, -0.9, 0.3]).as_matrix()
    template = ready(density)
    ours = template.turned(rotation).numpy()
    seen = wedge_mask(density.shape, ALL)
    theirs = apply_wedge(turned(density, rotation), seen)
    inside = template.mask.numpy() > 0.99
    assert np.corrcoef(ours[inside], theirs[inside])[0, 1] > 0.99
    backwards = apply_wedge(turned(density, rotation.T), seen)
    assert np.corrcoef(ours[inside], backwards[inside])[0, 1] < 0.8


def test_the_wedge_stays_in_the_tomogram():
    """A template that is turned by 90 degrees about y lacks other parts of itself."""
    density = arm()
    quarter = Rotation.from_rotvec([0, np.pi / 2, 0]).as_matrix()
    tilts = (-40.0, 40.0)
    ours = ready(density, tilts).turned(quarter).numpy()
    mask = ready(density, tilts).mask.numpy() > 0.99
    seen = apply_wedge(turned(density, quarter).astype(np.float32), wedge_mask((17, 17, 17), tilts))
    assert np.corrcoef(ours[mask], seen[mask])[0, 1] > 0.99
    other = turned(apply_wedge(density, wedge_mask((17, 17, 17), tilts)), quarter)
    assert np.corrcoef(ours[mask], other[mask])[0, 1] < 0.95


def test_tiles_correlate_as_the_whole():
    voxels = np.random.default_rng(1).standard_normal((20, 40, 30)).astype(np.float32)
    template, rotations = ready(arm(9), diameter=8.0), even_rotations(120.0)
    whole = correlation_maps(voxels, template, rotations, where=CPU, tile=256)
    tiled = correlation_maps(voxels, template, rotations, where=CPU, tile=16)
    np.testing.assert_allclose(tiled[0], whole[0], atol=1e-5)
    assert (tiled[1] == whole[1]).mean() > 0.999


@pytest.fixture(scope="module")
def planted():
    """Two turned copies in noise, seen through a wedge, dark; and how they are turned."""
    generator = np.random.default_rng(2)
    rotations = even_rotations(60.0)
    voxels = np.zeros((28, 40, 56), np.float32)
    places, turns = [(13, 14, 12), (14, 22, 40)], rotations[[17, 61]]
    for place, rotation in zip(places, turns, strict=True):
        box = tuple(slice(at - 8, at + 9) for at in place)
        voxels[box] += turned(arm(), rotation)
    noisy = voxels + 0.3 * generator.standard_normal(voxels.shape).astype(np.float32)
    seen = apply_wedge(noisy.astype(np.float32), wedge_mask(voxels.shape, (-60.0, 60.0)))
    return Volume.from_array(-seen, voxel_size_nm=(2.0, 2.0, 2.0), name="planted"), places, turns


def test_planted_copies_are_found_with_their_turns(planted):
    tomogram, places, turns = planted
    template = Volume.from_array(arm(), voxel_size_nm=(2.0, 2.0, 2.0))
    found = pick_by_template(
        tomogram,
        template,
        TemplateSearch(
            diameter_nm=30.0, angular_step_degrees=60.0, threshold=7.0, voxel_size_nm=2.0
        ),
        name="arm",
        device="cpu",
        quiet=True,
    )
    assert len(found) == 2
    order = found.positions[:, 2].argsort()
    np.testing.assert_allclose(found.positions[order], places, atol=1.0)
    np.testing.assert_allclose(found.rotations[order], turns, atol=1e-9)
    assert found.classes == ("arm", "arm")


@pytest.mark.parametrize(
    ("density", "diameter", "message"),
    [
        (np.ones((4, 4, 5), np.float32), 3.0, r"must be a cube, and has shape \(4, 4, 5\)"),
        (np.ones((9, 9, 9), np.float32), 5.0, "must vary, and every voxel is the same"),
        (arm(), 18.0, r"a diameter of 18\.0 voxels and a template of 17"),
        (arm(), 1.0, "at least 2 voxels wide"),
    ],
)
def test_what_cannot_be_a_template_is_refused(density, diameter, message):
    with pytest.raises(SettingsError, match=message):
        ready(density, diameter=diameter)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": float("inf")}, "must be a number, got inf"),
        ({"diameter_nm": 0.0}, "must be above 0 nm, got 0"),
        ({"angular_step_degrees": 0.0}, "must be above 0 and at most 360 degrees, got 0"),
    ],
)
def test_how_to_search_is_checked(changed, message):
    with pytest.raises(SettingsError, match=message):
        TemplateSearch(**({"diameter_nm": 20.0} | changed))
