"""`gyrovox demo`: everything once, on a volume that it makes."""

import json
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import arg

from gyrovox.cli.command import Command, LearningOptions, WorkOptions
from gyrovox.cli.outputs import check_folder, check_space, publish, staging
from gyrovox.cli.report import leave_report
from gyrovox.cli.results import (
    RECORD,
    REPORT,
    SCORES,
    TREE,
    WRITTEN,
    needed_bytes,
    new_segmenter,
    recorded_settings,
    write_segmentation,
)
from gyrovox.cli.terminal import note, say
from gyrovox.progress import stopwatch

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gyrovox.evaluation import Evaluation, HierarchyEvaluation
    from gyrovox.volumes import Volume
    from gyrovox.volumes.phantom_cell import CellPhantom

_LEVELS = (2, 4, 8)
_VOLUME = "volume-000.mrc"
_TRUTHS = tuple(f"truth-000-level-{level}.mrc" for level in (1, 2, 3))
_TABLE, _TRUTH_PICTURE = "evaluation.md", "truth.png"
_OURS = (*WRITTEN, _VOLUME, *_TRUTHS, _TABLE, _TRUTH_PICTURE)


@final
@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Make a phantom, train on it, segment it, evaluate it, draw it.

    The folder then holds the phantom with its truth, the labels of three levels and their tree, a
    report of all of it (report.html), their overview beside that of the truth, the scores
    (evaluation.md, evaluation.json), the model and run.json.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")] = Path("gyrovox-demo")
    """Folder to write; must not exist yet."""

    shape: Annotated[tuple[int, int, int], arg(metavar="Z Y X")] = (50, 50, 50)
    """Voxels of the phantom."""

    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox.report import write_run_record
        from gyrovox.volumes.phantom_cell import cell_phantom

        check_folder(self.output, _OURS, overwrite=self.work.overwrite)
        timings_s: dict[str, float] = {}
        with stopwatch(timings_s, "phantom"):
            phantom = cell_phantom(self.learning.seed, shape=self.shape)
        segmenter = new_segmenter(self.learning, self.work)
        with staging(self.output.absolute().parent) as hidden:
            folder = hidden / "demo"
            folder.mkdir()
            volume = _write_phantom(phantom, folder)
            segmenter.check(volume)
            settings = self.learning.segmentation
            check_space(self.output, needed_bytes([volume], _LEVELS, settings))
            with stopwatch(timings_s, "train"):
                segmenter.fit([volume])
            files = write_segmentation(folder, volume, segmenter, _LEVELS, timings_s)
            with stopwatch(timings_s, "evaluate"):
                scores = _evaluate(files, phantom, folder)
            write_run_record(
                folder / RECORD,
                command="demo",
                settings=recorded_settings(segmenter, self.work, levels=list(_LEVELS)),
                volumes=[volume],
                timings_s=timings_s,
            )
            leave_report(folder, volume, place=str(self.output))
            publish(folder, self.output)
        if not self.work.quiet:
            from rich.console import Console

            console = Console(soft_wrap=True, highlight=False)
            for name, evaluation in scores.items():
                console.print(f"\n{name}", style="bold")
                console.print(_table(evaluation))
        note("\nthe report, which any browser opens:", quiet=self.work.quiet)
        say(str(self.output / REPORT))
        if (self.output / TREE).exists():  # not with --clustering kmeans
            note("to look through the levels, the tree and the codes:", quiet=self.work.quiet)
            say(f"gyrovox view {shlex.quote(str(self.output))}")


def _write_phantom(phantom: "CellPhantom", folder: Path) -> "Volume":
    """Write the phantom, its truth and the picture of it; the volume as read back."""
    from gyrovox import io
    from gyrovox.report import overview
    from gyrovox.volumes import Volume

    made = Volume.from_array(phantom.image, voxel_size_nm=phantom.voxel_size_nm, name=_VOLUME)
    io.write(made, folder / _VOLUME)
    for name, truth in zip(_TRUTHS, phantom.truths, strict=True):
        io.write_labels(truth, folder / name, like=made)
    # Without the hidden folder, which is gone when somebody reads the record.
    volume = replace(io.read(folder / _VOLUME), path=Path(_VOLUME))
    levels = dict(zip(_LEVELS, phantom.truths, strict=True))
    overview(volume, levels, folder / _TRUTH_PICTURE, caption="the truth")
    return volume


def _evaluate(
    files: dict[int, Path], phantom: "CellPhantom", folder: Path
) -> dict[str, "Evaluation | HierarchyEvaluation"]:
    """Score the files of the levels, and that of the tree, beside the truths; write the tables."""
    from gyrovox import io
    from gyrovox.evaluation import evaluate, evaluate_hierarchy
    from gyrovox.report import evaluation_markdown, hierarchy_markdown

    levels = [io.read(files[k]).read()[0] for k in _LEVELS]
    apart = {
        f"level {level}, {k} classes": evaluate(labels, truth)
        for level, (k, labels, truth) in enumerate(
            zip(_LEVELS, levels, phantom.truths, strict=True), start=1
        )
    }
    scores: dict[str, Evaluation | HierarchyEvaluation] = {**apart}
    tables = [evaluation_markdown(apart)]
    if (folder / TREE).exists():  # not with --clustering kmeans
        tree = io.read_tree(folder / TREE)
        whole = evaluate_hierarchy(tree.leaves, tree.parents, levels, phantom.truths)
        scores["tree"] = whole
        tables.append(f"## tree\n\n{hierarchy_markdown({'tree': whole})}")
    (folder / _TABLE).write_text("\n".join(tables), encoding="utf-8")
    by_name = {name: one.to_dict() for name, one in scores.items()}
    (folder / SCORES).write_text(json.dumps(by_name, indent=2) + "\n", encoding="utf-8")
    return scores


def _table(evaluation: "Evaluation | HierarchyEvaluation") -> "RenderableType":
    from gyrovox.evaluation import Evaluation
    from gyrovox.report import evaluation_table, hierarchy_table

    if isinstance(evaluation, Evaluation):
        return evaluation_table(evaluation)
    return hierarchy_table(evaluation)
