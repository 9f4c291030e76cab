"""The evaluation of a tree as a table: for a terminal, and as Markdown."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gyrovox.evaluation import HierarchyEvaluation, LevelEvaluation

if TYPE_CHECKING:
    from rich.console import RenderableType

_LEVEL_HEADINGS = (
    "level",
    "classes",
    "Dice",
    "oracle",
    "objects",
    "per object",
    "purity",
    "balanced",
    "consistent",
)
_CLASS_HEADINGS = ("level", "class", "label", "Dice", "node", "oracle", "voxels")
_LEGEND = (
    "Dice: of the cut into as many classes as the truth has. oracle: Dice of the best single node, "
    "mean over classes, and per object (connected component). purity: of the smallest node that "
    "holds two voxels of one class, over all pairs, and balanced over classes. consistent: voxels "
    "whose class lies in the right class of the level above."
)


def hierarchy_table(evaluation: HierarchyEvaluation) -> "RenderableType":
    """What rich prints for the evaluation of a tree: its levels, then the classes of each.

    Args:
        evaluation: A tree beside its truths.

    Returns:
        Two tables, and a legend. Nodes have the ids of the tree file, which count from 1.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    tables = []
    for headings, rows in (
        (_LEVEL_HEADINGS, _level_rows(evaluation)),
        (_CLASS_HEADINGS, _class_rows(evaluation)),
    ):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        tables.append(table)
    return Group(tables[0], Text(), tables[1], Text(), Text(_LEGEND))


def hierarchy_markdown(evaluations: Mapping[str, HierarchyEvaluation]) -> str:
    """Evaluations of several trees as one Markdown table, a row for each level of each.

    Args:
        evaluations: Trees beside their truths, by the name of the tree.

    Returns:
        Markdown that ends in a line break.
    """
    lines = [f"| tree | {' | '.join(_LEVEL_HEADINGS)} |", "|---" * (1 + len(_LEVEL_HEADINGS)) + "|"]
    lines += [
        f"| {name} | {' | '.join(row)} |"
        for name, evaluation in evaluations.items()
        for row in _level_rows(evaluation)
    ]
    return "\n".join(lines) + "\n"


def _level_rows(evaluation: HierarchyEvaluation) -> Iterator[tuple[str, ...]]:
    for number, level in enumerate(evaluation.levels, 1):
        yield (str(number), *_level_cells(level))


def _level_cells(level: LevelEvaluation) -> tuple[str, ...]:
    consistency = level.parent_child_consistency
    return (
        str(len(level.cut.classes)),
        f"{level.cut.mean_dice:.3f}",
        f"{level.mean_oracle_dice:.3f}",
        str(len(level.oracle_objects)),
        f"{level.mean_oracle_object_dice:.3f}",
        f"{level.dendrogram_purity:.3f}",
        f"{level.balanced_dendrogram_purity:.3f}",
        "" if consistency is None else f"{consistency:.3f}",
    )


def _class_rows(evaluation: HierarchyEvaluation) -> Iterator[tuple[str, ...]]:
    for number, level in enumerate(evaluation.levels, 1):
        for row, oracle in zip(level.cut.classes, level.oracle_classes, strict=True):
            yield (
                str(number),
                str(row.truth_class),
                "none" if row.label is None else str(row.label),
                f"{row.dice:.3f}",
                "none" if oracle.node is None else str(oracle.node + 1),
                f"{oracle.dice:.3f}",
                str(row.truth_voxels),
            )
