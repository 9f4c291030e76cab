"""The slices of a page as SVG."""

import base64
import io
import re
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from gyrovox.report.page.slice_figures import pictures, slice_figure, stage_captions

IMAGE = re.compile(r'<image [^>]*?id="([^"]+)" href="data:image/png;base64,([^"]+)"')


def images(store):
    """The pictures of a page by id, 0..255."""
    return {
        name: np.round(matplotlib.image.imread(io.BytesIO(base64.b64decode(text))) * 255)
        for name, text in IMAGE.findall(store)
    }


def test_every_slice_of_every_level_is_there_once(opened):
    _, seen, subject = opened
    store = pictures(seen, subject)
    wanted = {
        f"{kind}{plane}-{depth}"
        for kind in ("g-", "l-2-", "l-3-")
        for plane, planes in zip(("xy", "xz", "yz"), seen.planes, strict=True)
        for depth in range(len(planes))
    }
    assert set(images(store)) == wanted
    assert len(IMAGE.findall(store)) == len(wanted)


def test_voxels_have_the_colours_of_their_classes(opened):
    _, seen, subject = opened
    found = images(pictures(seen, subject))[f"l-3-xy-{seen.middle(0)}"]
    labels = seen.labels[3][0][seen.middle(0)]
    for row in subject.levels[3]:
        colour = [*bytes.fromhex(row.colour[1:]), 255]
        assert (found[labels == row.label] == colour).all()


def test_outside_a_mask_nothing_is_laid_over(opened):
    _, seen, subject = opened
    rows = tuple(replace(row, label=row.label + 1) for row in subject.levels[2])
    masked = {k: tuple(tuple(one + 1 for one in row) for row in seen.labels[k]) for k in (2, 3)}
    masked[2][0][seen.middle(0)][:3] = 0
    counted = {k: np.append(0, seen.counts[k]) for k in (2, 3)}
    levels = {2: rows, 3: tuple(replace(row, label=row.label + 1) for row in subject.levels[3])}
    store = pictures(replace(seen, labels=masked, counts=counted), replace(subject, levels=levels))
    found = images(store)[f"l-2-xy-{seen.middle(0)}"]
    assert (found[:3, :, 3] == 0).all()
    assert (found[3:, :, 3] == 255).all()


def test_a_damaged_file_with_other_labels_is_still_shown(opened):
    _, seen, subject = opened
    high = {
        k: tuple(tuple(one.astype(np.uint8) + 200 for one in row) for row in seen.labels[k])
        for k in (2, 3)
    }
    assert len(images(pictures(replace(seen, labels=high), subject))) > 0


def test_where_the_image_is_gone_labels_lie_on_grey(opened):
    _, seen, subject = opened
    found = images(pictures(replace(seen, greys=()), subject))
    assert (found[f"g-xy-{seen.middle(0)}"] == 128).all()


def test_a_figure_shows_the_middle_of_its_level(opened):
    _, seen, _ = opened
    made = slice_figure(seen, 1, 3, caption="a < b")
    assert f'href="#g-xz-{seen.middle(1)}"' in made
    assert f'href="#l-3-xz-{seen.middle(1)}"' in made
    assert "<title>a &lt; b</title>" in made
    assert "labels" not in slice_figure(seen, 1, None, caption="")
    assert 'class="scale"' not in made


def test_still_figures_are_on_one_scale(opened):
    _, seen, _ = opened
    widths = [
        float(re.search(r'width="([\d.]+)%"', slice_figure(seen, row, 2, caption=""))[1])
        for row in range(3)
    ]
    # 10 voxels along x, 10 along x, 12 along y.
    assert widths == pytest.approx([100 * 10 / 12, 100 * 10 / 12, 100], rel=1e-3)
    assert 'width="100%"' in slice_figure(seen, 0, 2, caption="", identity="stage-xy")


@pytest.mark.parametrize(("known", "words"), [(True, "5 nm"), (False, "2 voxels")])
def test_a_scale_bar_has_its_length(opened, known, words):
    _, seen, _ = opened
    if not known:
        planes = tuple(
            tuple(replace(one, extent=(12.0, 10.0)) for one in row) for row in seen.planes
        )
        seen = replace(seen, planes=planes)
    made = slice_figure(seen, 0, None, caption="", known=known)
    assert f">{words}</text>" in made
    left, right = map(float, re.search(r"M([\d.]+) [\d.]+H([\d.]+)", made).groups())
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', made)[1])
    nm = (right - left) / width * (20 if known else 10)
    assert nm == pytest.approx(float(words.split()[0]), rel=1e-3)


def test_captions_say_where_each_depth_is(opened):
    _, seen, _ = opened
    words = re.findall(r'value="([^"]*)"', stage_captions(seen))
    middles = [one.split("|")[seen.middle(row)] for row, one in enumerate(words)]
    assert middles == ["z = 3", "y = 6", "x = 5"]
    assert [len(one.split("|")) for one in words] == [len(row) for row in seen.planes]
