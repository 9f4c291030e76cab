"""An evaluation as a table: for a terminal, and as Markdown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gyrovox.evaluation import ClassAgreement, Evaluation

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADINGS = ("class", "label", "Dice", "IoU", "voxels", "of the label", "shared")


def evaluation_table(evaluation: Evaluation) -> "RenderableType":
    """What rich prints for an evaluation: class by class, then the means and the partitions.

    Args:
        evaluation: Labels beside their truth.

    Returns:
        A table and a line below it.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in evaluation.classes:
        table.add_row(*_cells(row))
    table.add_row(
        "mean", "", f"{evaluation.mean_dice:.3f}", f"{evaluation.mean_iou:.3f}", style="bold"
    )
    return Group(table, Text(_partitions(evaluation)))


def evaluation_markdown(evaluations: Mapping[str, Evaluation]) -> str:
    """Several evaluations as one Markdown text: a table of means, then one of classes for each.

    Args:
        evaluations: Labels beside their truth, by the name of the comparison.

    Returns:
        Markdown that ends in a line break.
    """
    lines = [
        "| labels | mean Dice | mean IoU | adjusted Rand | variation of information (bits) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one.mean_dice:.3f} | {one.mean_iou:.3f} | {one.adjusted_rand:.3f} | "
        f"{one.variation_of_information:.3f} |"
        for name, one in evaluations.items()
    ]
    for name, one in evaluations.items():
        lines += [
            "",
            f"## {name}",
            "",
            f"| {' | '.join(_HEADINGS)} |",
            "|---" * len(_HEADINGS) + "|",
        ]
        lines += [f"| {' | '.join(_cells(row))} |" for row in one.classes]
    return "\n".join(lines) + "\n"


def _cells(row: ClassAgreement) -> tuple[str, ...]:
    return (
        str(row.truth_class),
        "none" if row.label is None else str(row.label),
        f"{row.dice:.3f}",
        f"{row.iou:.3f}",
        str(row.truth_voxels),
        str(row.label_voxels),
        str(row.shared_voxels),
    )


def _partitions(evaluation: Evaluation) -> str:
    return (
        f"adjusted Rand {evaluation.adjusted_rand:.3f}, variation of information "
        f"{evaluation.variation_of_information:.3f} bits "
        f"({evaluation.split_bits:.3f} split, {evaluation.merge_bits:.3f} merged)"
    )
