"""The levels of a page: one that can be moved through, and all of them side by side."""

from collections.abc import Iterator, Sequence

from gyrovox.report.page.disk_figure import Points, disk_figure
from gyrovox.report.page.markup import Markup, tag
from gyrovox.report.page.quantities import percent
from gyrovox.report.page.slice_figures import slice_figure, stage_captions
from gyrovox.report.page.subject import ClassRow, Subject
from gyrovox.report.page.tree_table import bar, swatch
from gyrovox.report.page.views import Views

_MOST_ROWS = 16


def stage(subject: Subject, seen: Views, points: Points | None) -> Markup:
    """Three slices and the disk, with sliders for the level, the depths and the opacity.

    Args:
        subject: What the page speaks of.
        seen: The slices.
        points: Where the nodes of the tree lie in the disk; None without a tree.

    Returns:
        A section. Without a script it shows the coarsest level.
    """
    levels = sorted(subject.levels)
    figures = [_moved(subject, seen, row, levels[0]) for row in range(3)]
    if points is not None:
        figures.append(
            tag(
                "figure",
                tag("figcaption", _disk_name(subject)),
                disk_figure(subject, points, levels, identity="stage-disk"),
                attributes={"class": "plane"},
            )
        )
    return tag(
        "section",
        tag("h2", "Look closer"),
        _controls(seen, levels),
        tag("div", figures, attributes={"class": "planes"}),
        tag("div", id="stage-classes"),
        stage_captions(seen),
        attributes={"class": "stage"},
        id="look",
        data_levels=" ".join(map(str, levels)),
    )


def side_by_side(subject: Subject, seen: Views, points: Points | None) -> Markup:
    """A column for the image and one for each level: slices, disk, classes.

    Args:
        subject: What the page speaks of.
        seen: The slices.
        points: Where the nodes of the tree lie in the disk; None without a tree.

    Returns:
        A section.
    """
    columns = [_column(subject, seen, points, k) for k in sorted(subject.levels)]
    if seen.greys:
        columns.insert(0, _image_column(seen, known=subject.voxel_size_nm is not None))
    return tag(
        "section",
        tag("h2", "The levels side by side"),
        tag("p", _explained(subject, points), attributes={"class": "note"}),
        tag("div", columns, attributes={"class": "columns"}),
        id="levels",
    )


def class_table(rows: Sequence[ClassRow], k: int) -> Markup:
    """The classes of a level with their shares; of many, the largest.

    Args:
        rows: The classes.
        k: How many classes the level has.

    Returns:
        A table.
    """
    chosen = sorted(rows, key=lambda row: -row.voxels)[:_MOST_ROWS]
    kept = [row for row in rows if row in chosen]
    rest = len(rows) - len(kept)
    more = sum(row.share for row in rows) - sum(row.share for row in kept)
    lines = [
        tag(
            "tr",
            tag(
                "th",
                swatch(row.colour),
                str(row.label),
                f" {row.name}" if row.name else "",
                scope="row",
            ),
            tag("td", bar(row.share, row.colour), attributes={"class": "share"}),
            tag("td", percent(row.share)),
            tag("td", f"{row.voxels:,}"),
        )
        for row in kept
    ]
    if rest:
        lines.append(tag("tr", tag("td", f"and {rest} more, {percent(more)}", colspan=4)))
    return tag(
        "table",
        tag("caption", f"Classes of level {k}", attributes={"class": "unseen"}),
        tag(
            "thead",
            tag(
                "tr",
                tag("th", "label", scope="col"),
                tag("th", "share of voxels", colspan=2, scope="colgroup"),
                tag("th", "voxels", scope="col"),
            ),
        ),
        tag("tbody", lines),
        attributes={"class": "classes-table"},
        data_level=k,
    )


def _controls(seen: Views, levels: Sequence[int]) -> Markup:
    parts = [
        tag(
            "label",
            "Level ",
            tag(
                "input",
                type="range",
                id="level",
                min=0,
                max=len(levels) - 1,
                step=1,
                value=0,
                aria_describedby="level-name",
            ),
            tag("output", f"{levels[0]} classes", id="level-name"),
        )
    ]
    if seen.greys:
        parts += [
            tag(
                "label",
                "Opacity ",
                tag("input", type="range", id="opacity", min=0, max=100, step=1, value=60),
            ),
            tag("label", tag("input", type="checkbox", id="alone"), " image alone"),
        ]
    return tag("div", parts, attributes={"class": "controls"})


def _moved(subject: Subject, seen: Views, row: int, k: int) -> Markup:
    """A slice of the stage, with a slider for its depth."""
    plane = seen.planes[row][seen.middle(row)]
    axis = "zyx"[plane.axis]
    known = subject.voxel_size_nm is not None
    return tag(
        "figure",
        tag(
            "figcaption",
            f"{plane.name}, ",
            tag("output", f"{axis} = {plane.index}", id=f"depth-name-{row}"),
        ),
        slice_figure(
            seen,
            row,
            k,
            caption=f"Slice along {plane.name}, with classes laid over it",
            identity=f"stage-{plane.name}",
            known=known,
        ),
        tag(
            "input",
            type="range",
            min=0,
            max=len(seen.planes[row]) - 1,
            step=1,
            value=seen.middle(row),
            aria_label=f"depth of the {plane.name} slice along {axis}",
            attributes={"class": "depth"},
            data_row=row,
            data_plane=plane.name,
        ),
        attributes={"class": "plane"},
    )


def _image_column(seen: Views, *, known: bool) -> Markup:
    slices = [
        slice_figure(
            seen,
            row,
            None,
            caption=f"The image, middle slice along {planes[seen.middle(row)].name}",
            known=known if row == 0 else None,
        )
        for row, planes in enumerate(seen.planes)
    ]
    return tag("article", tag("h3", "image"), slices, attributes={"class": "column"})


def _column(subject: Subject, seen: Views, points: Points | None, k: int) -> Markup:
    slices = [
        slice_figure(
            seen,
            row,
            k,
            caption=f"{k} classes, middle slice along {planes[seen.middle(row)].name}",
        )
        for row, planes in enumerate(seen.planes)
    ]
    disk = "" if points is None else disk_figure(subject, points, [k])
    return tag(
        "article",
        tag("h3", f"{k} classes"),
        slices,
        disk,
        class_table(subject.levels[k], k),
        attributes={"class": "column"},
        data_level=k,
    )


def _disk_name(subject: Subject) -> str:
    flat = subject.trunk is not None and subject.trunk.curvature == 0
    return "latent plane" if flat else "Poincaré disk"


def _explained(subject: Subject, points: Points | None) -> str:
    return " ".join(_sentences(subject, points))


def _sentences(subject: Subject, points: Points | None) -> Iterator[str]:
    yield "Middle slices; labels are those of the files."
    if subject.trunk is not None:
        yield "A class keeps the hue of the coarser class that holds it."
    if points is not None:
        yield (
            f"The {_disk_name(subject)} shows the mean code of every region: small dots are the "
            f"regions that the tree begins with, lines its merges, and discs the classes, larger "
            f"where they have more voxels."
        )
