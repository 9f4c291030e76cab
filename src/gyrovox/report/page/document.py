"""The whole page of a result: its sections in their order."""

from pathlib import Path

from gyrovox.io.atomic import written_whole
from gyrovox.progress import duration
from gyrovox.report.page.disk_figure import Points, disk_store, shown_nodes
from gyrovox.report.page.finished_run import FinishedRun
from gyrovox.report.page.frame import asset, footer, framed
from gyrovox.report.page.level_section import side_by_side, stage
from gyrovox.report.page.markup import Markup, joined, tag
from gyrovox.report.page.quantities import listed
from gyrovox.report.page.run_section import (
    cite,
    evaluation,
    finished,
    next_steps,
    run_facts,
    sureness,
    total_s,
    volume_line,
)
from gyrovox.report.page.slice_figures import pictures
from gyrovox.report.page.subject import Subject
from gyrovox.report.page.tree_table import tree_table
from gyrovox.report.page.views import Views
from gyrovox.results import disk_positions
from gyrovox.volumes import Volume

REPORT = "report.html"
"""Name of the page in the folder of a result."""


def write_report(folder: Path, *, image: Volume | None = None, place: str = "") -> Path:
    """Write the report of a finished segmentation, `report.html`, into its folder.

    The page needs no network and no other file. It tells what is in the folder: the record, the
    levels, the tree, scores and names where there are any. Files are read slab by slab.

    Args:
        folder: What `gyrovox segment` left of a volume.
        image: The volume; by default it is looked for as the record says, and where it is gone the
            labels are shown alone.
        place: What to call the folder in commands; by default its own path.

    Returns:
        The path of the page.

    Raises:
        ResultError: If the folder holds no result, or no levels.
        GyrovoxError: If a file of it is damaged or may not be read, or the page cannot be written.
    """
    run = FinishedRun.open(folder, image=image)
    seen = run.views()
    text = page(run.subject(seen, place=place or str(folder)), seen)
    path = folder / REPORT
    with written_whole(path, overwrite=True, suffix=".html") as beside:
        beside.write_text(text, encoding="utf-8")
    return path


def page(subject: Subject, seen: Views) -> str:
    """The page as HTML.

    Args:
        subject: What it speaks of.
        seen: The slices that it shows.

    Returns:
        The content of a file.
    """
    body = _body(subject, seen)
    return framed(f"{subject.name}: gyrovox report", body, script=asset("page.js"))


def _body(subject: Subject, seen: Views) -> Markup:
    points: Points | None = None
    tree = store = Markup()
    if (trunk := subject.trunk) is not None:
        points = disk_positions(trunk)
        shown = shown_nodes(trunk, list(subject.levels))
        store = disk_store(subject, trunk, points)
        tree = _tree_section(tree_table(subject, trunk, points, shown), len(shown), trunk.n_leaves)
    sections = [
        stage(subject, seen, points),
        side_by_side(subject, seen, points),
        tree,
        evaluation(subject),
        sureness(subject),
        run_facts(subject),
        next_steps(subject),
        cite(subject),
    ]
    return joined([
        pictures(seen, subject),
        store,
        _header(subject),
        tag("main", sections),
        footer(),
    ])


def _header(subject: Subject) -> Markup:
    facts = [f"Segmented into {listed([str(k) for k in sorted(subject.levels)])} classes"]
    if (seconds := total_s(subject.record)) > 0:
        facts.append(f"in {duration(seconds)}")
    if when := finished(subject.record):
        facts.append(f"on {when}")
    return tag(
        "header",
        tag("h1", subject.name),
        tag("p", volume_line(subject)),
        tag("p", " ".join(facts) + ", without a label."),
    )


def _tree_section(table: Markup, shown: int, leaves: int) -> Markup:
    note = (
        f"The upper {shown:,} of {2 * leaves - 1:,} nodes; numbers are those of tree.json. Spread "
        f"is how far the codes of a node's voxels lie from their mean, contrast how far its mean "
        f"lies from its sibling's, stability over how much of the log-scale the node lasts."
    )
    return tag(
        "section",
        tag("h2", "The tree"),
        tag("p", note, attributes={"class": "note"}),
        tag("div", table, attributes={"class": "scroll"}),
        attributes={"class": "tree-section"},
        id="tree-section",
    )
