"""The rest of a page: what was run, how it was scored, what to do next, what to cite."""

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gyrovox.progress import duration
from gyrovox.report.page.caveats import caveats
from gyrovox.report.page.markup import Content, Markup, tag
from gyrovox.report.page.subject import Subject
from gyrovox.report.page.tree_table import bar
from gyrovox.report.scale_bar import physical
from gyrovox.settings.citations import citations, cited

_TIME = "#5b8dd6"
_SCORES = (
    ("mean_dice", "mean Dice"),
    ("mean_iou", "mean IoU"),
    ("adjusted_rand", "adjusted Rand"),
    ("variation_of_information", "VI (bits)"),
)
_TREE_SCORES = (
    ("mean_oracle_dice", "best node per class"),
    ("mean_oracle_object_dice", "best node per object"),
    ("dendrogram_purity", "dendrogram purity"),
    ("balanced_dendrogram_purity", "balanced over classes"),
    ("parent_child_consistency", "right parent"),
)


def sureness(subject: Subject) -> Markup:
    """How sure the result is: what a reader must know of it.

    Args:
        subject: What the page speaks of.

    Returns:
        A section.
    """
    items = [
        tag("li", tag("b", one.title), " ", one.text, data_kind=one.kind)
        for one in caveats(subject)
    ]
    content = (
        tag("ul", items, attributes={"class": "caveats"})
        if items
        else tag("p", "Nothing in the data or in the settings calls for caution beyond the scores.")
    )
    return tag("section", tag("h2", "How sure is this?"), content, id="sure")


def evaluation(subject: Subject) -> Markup:
    """The scores beside a truth.

    Args:
        subject: What the page speaks of.

    Returns:
        A section; nothing where there was no truth.
    """
    apart = {
        name: one
        for name, one in subject.scores.items()
        if isinstance(one, dict) and "mean_dice" in one
    }
    whole = subject.scores.get("tree")
    tables = []
    if apart:
        tables.append(_score_table("labels", _SCORES, apart))
    if isinstance(whole, dict) and isinstance(whole.get("levels"), list):
        levels = {f"truth {i}": one for i, one in enumerate(whole["levels"], 1)}
        tables.append(_score_table("tree", _TREE_SCORES, levels))
    if not tables:
        return Markup()
    note = (
        "Labels are matched to the classes of the truth one to one; means are over its classes, "
        "background included. VI is the variation of information, 0 for equal partitions. The "
        "best node is any node of the tree, so its Dice bounds what cuts of it can reach."
    )
    return tag(
        "section",
        tag("h2", "Beside the truth"),
        tables,
        tag("p", note, attributes={"class": "note"}),
        id="scores",
    )


def run_facts(subject: Subject) -> Markup:
    """What was run, on what, how long it took, with which versions.

    Args:
        subject: What the page speaks of.

    Returns:
        A section.
    """
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", said)) for name, said in _facts(subject)
    ]
    record = json.dumps(subject.record, indent=2, ensure_ascii=False, default=str)
    return tag(
        "section",
        tag("h2", "What was run"),
        tag("table", tag("tbody", rows), attributes={"class": "facts"}),
        _timings(subject.record.get("timings_s")),
        tag(
            "details",
            tag("summary", "The whole record (run.json)"),
            tag("pre", record),
            attributes={"class": "record"},
        ),
        id="run",
    )


def next_steps(subject: Subject) -> Markup:
    """The commands that go on from here.

    Args:
        subject: What the page speaks of.

    Returns:
        A section.
    """
    folder = shlex.quote(subject.place)
    steps: list[tuple[str, str]] = []
    if subject.trunk is not None:
        steps.append((
            f"gyrovox view {folder}",
            "opens the explorer in a browser: slices, tree and disk, linked. There you choose a "
            "cut, name classes, and export labels, masks, meshes and points.",
        ))
        steps.append((f"gyrovox plot {folder}", "draws pictures for a paper or a talk."))
    steps.append((
        f"gyrovox report {folder} --truth TRUTH",
        "makes this page anew, with scores beside labels that you take for true.",
    ))
    items = [
        item
        for command, what in steps
        for item in (tag("dt", tag("code", command)), tag("dd", what))
    ]
    return tag("section", tag("h2", "Go on from here"), tag("dl", items), id="next")


def cite(subject: Subject) -> Markup:
    """The papers that this run stands on.

    Args:
        subject: What the page speaks of.

    Returns:
        A section; nothing where the record has no settings.
    """
    if subject.configuration is None:
        return Markup()
    papers = citations(subject.configuration)
    items = [
        tag(
            "li",
            paper.text.removesuffix(paper.url),
            tag("a", paper.url, href=paper.url, rel="noreferrer"),
            tag("span", f" {paper.used_for}", attributes={"class": "note"}),
        )
        for paper in papers
    ]
    bibtex = cited(subject.configuration).partition("\n\n")[2]
    return tag(
        "section",
        tag("h2", "How to cite"),
        tag("p", "This run used what these papers describe; the first is the method."),
        tag("ol", items, attributes={"class": "papers"}),
        tag(
            "details",
            tag("summary", "BibTeX"),
            tag("pre", bibtex),
            attributes={"class": "record"},
        ),
        id="cite",
    )


def finished(record: Mapping[str, Any]) -> str:
    """When a run ended, as its record says; empty where it does not."""
    try:
        return datetime.fromisoformat(str(record["finished"])).strftime("%Y-%m-%d %H:%M %Z")
    except (KeyError, ValueError):
        return ""


def volume_line(subject: Subject) -> str:
    """Shape and voxel size of the volume in a line."""
    voxels = " × ".join(str(side) for side in subject.shape)
    if subject.voxel_size_nm is None:
        return f"{voxels} voxels (z, y, x) of unknown size"
    size = subject.voxel_size_nm
    alike = max(size) <= min(size) * 1.001
    shown = physical(size[2]) if alike else " × ".join(physical(side) for side in size)
    return f"{voxels} voxels (z, y, x) of {shown}"


def total_s(record: Mapping[str, Any]) -> float:
    """Seconds that all stages of a run took together."""
    return sum(_stages(record.get("timings_s")).values(), 0.0)


def _score_table(
    what: str, columns: tuple[tuple[str, str], ...], rows: Mapping[str, Mapping[str, Any]]
) -> Markup:
    head = tag(
        "tr", tag("th", what, scope="col"), *(tag("th", name, scope="col") for _, name in columns)
    )
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(tag("td", _score(row.get(key))) for key, _ in columns),
        )
        for name, row in rows.items()
        if isinstance(row, Mapping)
    ]
    return tag("table", tag("thead", head), tag("tbody", body), attributes={"class": "scores"})


def _score(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _facts(subject: Subject) -> Iterator[tuple[str, Content]]:
    record = subject.record
    for one in subject.inputs:
        kind = f", {one['dtype']}" if "dtype" in one else ""
        yield "volume", f"{one.get('path') or one.get('name', '')}{kind}"
    yield "", volume_line(subject)
    if record.get("mask"):
        yield "mask", str(record["mask"])
    yield "command", f"gyrovox {record.get('command', 'segment')}"
    yield "levels", ", ".join(str(k) for k in subject.levels)
    if subject.configuration is not None:
        how = subject.configuration.segmentation
        model = subject.configuration.model
        built = (
            f"tree of at most {how.regions} regions, built on {how.evidence}"
            if how.clustering == "tree"
            else "k-means of the codes, for each level"
        )
        yield "classes by", built
        space = (
            f"Poincaré ball, curvature {model.curvature:g}"
            if model.geometry == "poincare"
            else "flat space"
        )
        yield "codes", f"{model.latent_dim} coordinates, {space}"
        yield "model", _model(subject)
    if subject.trunk is not None:
        yield "regions", f"{subject.trunk.n_leaves:,} leaves of the tree"
    if when := finished(record):
        yield "finished", when
    yield "device", str(record.get("device", "unknown"))
    if isinstance(memory := record.get("peak_memory_mib"), dict) and memory:
        yield (
            "peak memory",
            ", ".join(_memory(str(place), mib) for place, mib in memory.items()),
        )
    if isinstance(versions := record.get("versions"), dict):
        yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())


def _memory(place: str, mib: object) -> str:
    shown = f"{mib:,.0f} MiB" if isinstance(mib, int | float) else str(mib)
    return f"{shown} of {'RAM' if place == 'ram' else place}"


def _model(subject: Subject) -> str:
    given = subject.record.get("model_file")
    if given:
        return f"trained before, {given}"
    if subject.configuration is None:
        return "unknown"
    seed = subject.record.get("seed", "unknown")
    return f"trained in this run, {subject.configuration.training.steps:,} steps, seed {seed}"


def _stages(timings: object) -> dict[str, float]:
    if not isinstance(timings, dict):
        return {}
    return {str(k): float(v) for k, v in timings.items() if isinstance(v, int | float)}


def _timings(timings: object) -> Markup:
    stages = _stages(timings)
    longest = max(stages.values(), default=0.0)
    if longest <= 0:
        return Markup()
    rows = [
        tag(
            "tr",
            tag("th", stage, scope="row"),
            tag("td", bar(seconds / longest, _TIME), attributes={"class": "share"}),
            tag("td", duration(seconds)),
        )
        for stage, seconds in stages.items()
    ]
    return tag(
        "table",
        tag("caption", f"{duration(sum(stages.values()))} in all"),
        tag("tbody", rows),
        attributes={"class": "timings"},
    )
