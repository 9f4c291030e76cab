"""The slices of a page."""

import numpy as np
import pytest

from gyrovox.report.page import views as module
from gyrovox.report.page.views import views
from gyrovox.report.planes import middle_planes
from gyrovox.volumes import Volume


def scene(shape=(9, 12, 14), size=None):
    rng = np.random.default_rng(0)
    image = Volume.from_array(rng.normal(size=shape).astype(np.float32), voxel_size_nm=size)
    fine = rng.integers(0, 4, shape).astype(np.uint8)
    levels = {4: Volume.from_array(fine), 2: Volume.from_array(fine // 2)}
    return image, levels


def test_the_middle_slices_are_those_of_the_overview():
    image, levels = scene()
    seen = views(levels, image)
    planes = middle_planes(image)
    assert list(seen.labels) == [2, 4]
    assert seen.steps == (1, 1, 1)
    for row, plane in enumerate(planes):
        assert seen.planes[row][seen.middle(row)] == plane
        for k in (2, 4):
            wanted = plane.of(levels[k].read()[0])
            np.testing.assert_array_equal(seen.labels[k][row][seen.middle(row)], wanted)
    grey = seen.greys[0][seen.middle(0)]
    flat = planes[0].of(image.read()[0])
    assert np.corrcoef(grey.reshape(-1), flat.reshape(-1))[0, 1] > 0.98


def test_other_depths_are_other_slices_in_order():
    image, levels = scene()
    seen = views(levels, image, depths=5)
    for row, planes in enumerate(seen.planes):
        places = [plane.index for plane in planes]
        assert places == sorted(set(places))
        assert len(places) == 5
        for plane, labels in zip(planes, seen.labels[4][row], strict=True):
            np.testing.assert_array_equal(labels, plane.of(levels[4].read()[0]))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_flat_volume_has_as_many_slices_as_there_are(depth):
    image, levels = scene((depth, 6, 7))
    seen = views(levels, image, depths=5)
    assert {len(row) for row in seen.labels[2]} == {len(planes) for planes in seen.planes}
    places = [plane.index for plane in seen.planes[0]]
    assert len(set(places)) == len(places) <= depth


def test_every_voxel_is_counted_once(monkeypatch):
    monkeypatch.setattr(module, "_SLAB", 500)  # several slabs
    image, levels = scene()
    seen = views(levels, image)
    for k in (2, 4):
        wanted = np.bincount(levels[k].read().reshape(-1))
        np.testing.assert_array_equal(seen.counts[k], wanted)


def test_slabs_change_nothing(monkeypatch):
    image, levels = scene()
    monkeypatch.setattr(module, "_SIDES", (5,))
    whole = views(levels, image)
    monkeypatch.setattr(module, "_SLAB", 600)
    parts = views(levels, image)
    assert whole.steps == parts.steps == (2, 3, 3)
    for one, other in zip(
        whole.labels[4] + whole.greys, parts.labels[4] + parts.greys, strict=True
    ):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_large_volume_is_shown_by_every_so_many_voxels(monkeypatch):
    monkeypatch.setattr(module, "_SIDES", (7,))
    image, levels = scene()
    seen = views(levels, image)
    assert seen.steps == (2, 2, 2)
    flat = levels[4].read()[0]
    for row, planes in enumerate(seen.planes):
        plane = planes[seen.middle(row)]
        found = seen.labels[4][row][seen.middle(row)]
        wanted = np.take(flat, plane.index, axis=plane.axis)[::2, ::2]
        np.testing.assert_array_equal(found, plane.shown(wanted))


@pytest.mark.parametrize(
    ("shape", "levels", "wide"),
    [((512, 512, 512), 3, False), ((2048, 2048, 2048), 8, False), ((400, 400, 400), 64, True)],
)
def test_pictures_take_no_more_than_there_is_room_for(shape, levels, wide):
    steps, depths = module._room(shape, levels, wide=wide)
    z, y, x = (-(-side // step) for side, step in zip(shape, steps, strict=True))
    pixels = z * y + z * x + y * x
    assert depths * pixels * (1 + (4 if wide else 1) * levels) <= 5_000_000
    assert depths % 2 == 1


def test_a_thin_volume_keeps_its_slices():
    steps, _ = module._room((20, 1024, 1024), 3, wide=False)
    assert steps[0] == 1
    assert steps[1] == steps[2] > 1


def test_without_an_image_labels_are_seen_alone():
    _, levels = scene()
    seen = views(levels, None)
    assert seen.greys == ()
    assert seen.not_finite == 0
    assert seen.labels[2][0][seen.middle(0)].shape == (12, 14)


def test_what_is_not_finite_is_counted_in_every_channel():
    image = np.zeros((2, 5, 6, 7), np.float32)
    image[0, 0, 0, 0], image[1, 1, 1, 1], image[1, 4, 5, 6] = np.nan, np.inf, np.nan
    image[0, 2:] = 1
    labels = Volume.from_array(np.zeros((5, 6, 7), np.uint8))
    assert views({2: labels}, Volume.from_array(image)).not_finite == 3
