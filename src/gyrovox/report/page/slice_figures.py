"""The slices of a page as SVG: every picture is in it once, and is shown wherever it is wanted."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from gyrovox.report.page.markup import Markup, joined, tag
from gyrovox.report.page.png import class_png, data_url, grey_png
from gyrovox.report.page.subject import Subject
from gyrovox.report.page.views import Views
from gyrovox.report.planes import Plane
from gyrovox.report.scale_bar import scale_bar

_WIDE = 1000.0  # units of the longest side of any plane
_NO_IMAGE = 128  # brightness where there is no image


def pictures(seen: Views, subject: Subject) -> Markup:
    """All pictures of a page, to be shown by `slice_figure` and by its script; not seen here.

    Args:
        seen: The slices.
        subject: What they are of.

    Returns:
        An SVG element without a size, whose images have the ids ``g-PLANE-DEPTH`` for the image
        and ``l-CLASSES-PLANE-DEPTH`` for labels.
    """
    tables = {k: _colour_table(k, subject, seen) for k in seen.labels}
    return tag(
        "svg",
        tag("defs", _greys(seen), _labels(seen, tables)),
        attributes={"class": "store"},
        width=0,
        height=0,
        aria_hidden="true",
    )


def slice_figure(
    seen: Views,
    row: int,
    classes: int | None,
    *,
    caption: str,
    identity: str = "",
    known: bool | None = None,
) -> Markup:
    """A slice at the middle depth, with the classes of a level over it.

    Args:
        seen: The slices.
        row: Which plane.
        classes: Number of classes of the level; None for the image alone.
        caption: What to say of it to somebody who does not see it.
        identity: Id of the figure, by which the script finds it. Without one it is a still figure,
            on the scale of all others.
        known: Whether the voxel size is known, for a scale bar; None for no bar.

    Returns:
        An SVG element.
    """
    middle = seen.middle(row)
    plane = seen.planes[row][middle]
    width, height = _size(plane, seen)
    widest = max(_size(planes[0], seen)[0] for planes in seen.planes)
    name = f"{plane.name}-{middle}"
    layers = [tag("use", href=f"#g-{name}", attributes={"class": "grey"})]
    if classes is not None:
        layers.append(
            tag("use", href=f"#l-{classes}-{name}", attributes={"class": "labels"}),
        )
    if known is not None:
        layers.append(_scale(plane, width, height, known=known, tall=40 if identity else 52))
    return tag(
        "svg",
        tag("title", caption),
        *layers,
        attributes={"class": "slice", "viewBox": f"0 0 {width:.6g} {height:.6g}"},
        width="100%" if identity else f"{100 * width / widest:.4g}%",
        id=identity or None,
        role="img",
    )


def _scale(plane: Plane, width: float, height: float, *, known: bool, tall: int) -> Markup:
    """A scale bar in the lower right corner, with letters of a height."""
    length, name = scale_bar(plane.extent[1], known=known)
    units = length / plane.extent[1] * width
    right, bottom = width - 26, height - 26
    return tag(
        "g",
        tag("path", d=f"M{right - units:.1f} {bottom:.1f}H{right:.1f}"),
        tag(
            "text",
            name,
            x=right,
            y=bottom - 16,
            text_anchor="end",
            font_size=round(tall * width / _WIDE),
        ),
        attributes={"class": "scale"},
    )


def _size(plane: Plane, seen: Views) -> tuple[float, float]:
    """(width, height) of a plane in the units of the pictures, the same for all planes."""
    longest = max(max(row[0].extent) for row in seen.planes)
    height, width = plane.extent
    return width / longest * _WIDE, height / longest * _WIDE


def _greys(seen: Views) -> Iterator[Markup]:
    for number, row in enumerate(seen.planes):
        for depth, plane in enumerate(row):
            pixels = (
                seen.greys[number][depth] if seen.greys else np.full((1, 1), _NO_IMAGE, np.uint8)
            )
            yield _image(f"g-{plane.name}-{depth}", grey_png(pixels), plane, seen)


def _labels(seen: Views, tables: Mapping[int, UInt8[np.ndarray, "_ 4"]]) -> Iterator[Markup]:
    for k, rows in seen.labels.items():
        for planes, row in zip(seen.planes, rows, strict=True):
            for depth, (plane, labels) in enumerate(zip(planes, row, strict=True)):
                png = class_png(_narrow(labels, len(tables[k])), tables[k])
                yield _image(f"l-{k}-{plane.name}-{depth}", png, plane, seen)


def _narrow(labels: NDArray[Any], most: int) -> NDArray[Any]:
    """Labels as the pictures hold them; a damaged file may hold others than there are."""
    narrow = np.minimum(labels, most - 1)
    return np.asarray(narrow.astype(np.uint8 if most <= 256 else np.uint16))


def _image(identity: str, png: bytes, plane: Plane, seen: Views) -> Markup:
    width, height = _size(plane, seen)
    return tag(
        "image",
        id=identity,
        href=data_url(png),
        width=width,
        height=height,
        attributes={"preserveAspectRatio": "none"},
    )


def _colour_table(k: int, subject: Subject, seen: Views) -> UInt8[np.ndarray, "_ 4"]:
    """Colour and opacity of every label of a level; outside a mask nothing is laid over."""
    rows = subject.levels[k]
    table = np.zeros((max(len(seen.counts[k]), rows[-1].label + 1 if rows else 1), 4), np.uint8)
    for row in rows:
        table[row.label] = (*bytes.fromhex(row.colour[1:]), 255)
    return table


def stage_captions(seen: Views) -> Markup:
    """What stands below each slice that can be moved, by depth: for the script.

    Args:
        seen: The slices.

    Returns:
        One hidden element for each plane, whose words are the captions from the first depth on.
    """
    lines = []
    for row in seen.planes:
        axis = "zyx"[row[0].axis]
        words = "|".join(f"{axis} = {plane.index}" for plane in row)
        lines.append(tag("data", value=words, attributes={"class": "depths"}, hidden=True))
    return joined(lines)
