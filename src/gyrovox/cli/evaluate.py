"""`gyrovox evaluate`: labels beside their truth, or a tree beside truths at several levels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.terminal import say
from gyrovox.errors import SettingsError, VolumeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from gyrovox.evaluation import Evaluation, HierarchyEvaluation


@final
@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Compare labels, or a tree, with a truth: Dice and IoU per class, ARI, VI.

    Labels are matched to the classes of the truth one to one (Hungarian), whatever their numbers.
    ARI is the adjusted Rand index, VI the variation of information.

    With --tree, every volume is a truth, and the tree is cut into as many classes as it has. For
    each: Dice of the cut, and of the best node for every class and object; dendrogram purity; and
    how much of it has the right parent.
    """

    volumes: Annotated[
        tuple[str, ...],
        Positional,
        arg(metavar="[LABELS] TRUTH...", help_behavior_hint="(required)"),
    ]
    """Label volume, and one taken for true; with --tree, truths, coarse to fine."""

    tree: Annotated[Path | None, arg(metavar="TREE.json")] = None
    """Tree to score in place of labels, such as the one that `gyrovox segment` writes."""

    ignore: Annotated[tuple[int, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes of the truth to leave out, such as one for "not annotated"."""

    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        if self.tree is None and len(self.volumes) != 2:
            raise SettingsError(
                f"a label volume and its truth must be given, and {len(self.volumes)} volumes "
                f"came. Several truths, coarse to fine, go with --tree."
            )
        if not self.volumes:
            raise SettingsError("name at least one TRUTH to compare the tree with.")
        evaluation = self._of_labels() if self.tree is None else self._of_tree(self.tree)
        if self.json:
            say(json.dumps(evaluation.to_dict(), indent=2))
            return
        from rich.console import Console

        Console(soft_wrap=True, highlight=False).print(_table(evaluation))

    def _of_labels(self) -> "Evaluation":
        # Imported here so that `--help` waits for no library.
        from gyrovox.evaluation import evaluate

        labels, truth = _label_volumes(self.volumes)
        return evaluate(labels, truth, ignore=self.ignore)

    def _of_tree(self, file: Path) -> "HierarchyEvaluation":
        from gyrovox import io
        from gyrovox.evaluation import class_count, evaluate_hierarchy

        tree = io.read_tree(file)
        truths = _label_volumes(self.volumes)
        counts = [class_count(tree.leaves, truth, ignore=self.ignore) for truth in truths]
        cuts = [tree.cut(count).labels for count in counts]
        return evaluate_hierarchy(tree.leaves, tree.parents, cuts, truths, ignore=self.ignore)


def _label_volumes(paths: Sequence[str]) -> "list[NDArray[Any]]":
    """Voxels of label volumes, each of shape (z, y, x).

    Raises:
        VolumeError: If one has several channels.
    """
    from gyrovox import io

    volumes = [io.read(path) for path in paths]
    for volume in volumes:
        if volume.channels != 1:
            raise VolumeError(
                f"{volume.name}: a label volume must have one channel, got {volume.channels}."
            )
    return [volume.read()[0] for volume in volumes]


def _table(evaluation: "Evaluation | HierarchyEvaluation") -> "RenderableType":
    from gyrovox.evaluation import HierarchyEvaluation
    from gyrovox.report import evaluation_table, hierarchy_table

    if isinstance(evaluation, HierarchyEvaluation):
        return hierarchy_table(evaluation)
    return evaluation_table(evaluation)
