"""`gyrovox report`: the page of a finished segmentation, made anew."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.results import REPORT, SCORES
from gyrovox.cli.terminal import complain, note, say
from gyrovox.errors import SettingsError, VolumeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gyrovox.evaluation import Evaluation, HierarchyEvaluation
    from gyrovox.report.page import FinishedRun
    from gyrovox.volumes import Volume


@final
@dataclass(frozen=True, kw_only=True)
class Report(Command):
    """Make the report of a segmentation anew, with scores where a truth is given.

    The page, report.html, tells what is in the folder by then: names and colours given in the
    explorer, and the scores of evaluation.json.
    """

    folder: Annotated[Path, Positional, arg(metavar="DIR")]
    """Folder of one volume that `segment` or `demo` wrote, such as out/volume-000."""

    truth: Annotated[tuple[str, ...], arg(metavar="FILE...", help_behavior_hint="")] = ()
    """Label volumes taken for true, coarse to fine. The scores are kept as evaluation.json."""

    ignore: Annotated[tuple[int, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes of the truths to leave out, such as one for "not annotated"."""

    quiet: bool = False
    """Say nothing but the path of the page."""

    def run(self) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox.report.page import FinishedRun, write_report

        if self.ignore and not self.truth:
            raise SettingsError("--ignore leaves out classes of a truth: name one with --truth.")
        run = FinishedRun.open(self.folder)
        if self.truth:
            scores = _scores(run, self.truth, self.ignore)
            text = json.dumps({name: one.to_dict() for name, one in scores.items()}, indent=2)
            _replace(self.folder / SCORES, f"{text}\n")
        if run.image is None:
            note(
                f"the volume of {self.folder} is not where it was: labels are shown alone",
                quiet=self.quiet,
            )
        say(str(write_report(self.folder)))


def leave_report(folder: Path, volume: "Volume", *, place: str) -> None:
    """Write the page of a result that was just made; what is made stays, whatever happens.

    Args:
        folder: Where the result is.
        volume: What was segmented.
        place: Where the result will be found.
    """
    from gyrovox.report.page import write_report

    try:
        write_report(folder, image=volume, place=place)
    except Exception as error:  # labels that took hours must not go with a picture of them
        complain(
            f"warning: {REPORT} could not be made: {type(error).__name__}: {error}. All else is "
            f"there; gyrovox report {place} tries again."
        )


def _scores(
    run: "FinishedRun", truths: Sequence[str], ignore: tuple[int, ...]
) -> "dict[str, Evaluation | HierarchyEvaluation]":
    """The scores of the levels, or of cuts of the tree, beside truths; and those of the tree.

    Raises:
        VolumeError: If a truth has several channels.
        VolumeMismatchError: If a truth has another shape.
    """
    from gyrovox import io
    from gyrovox.evaluation import class_count, evaluate, evaluate_hierarchy

    wanted = [_labels(path) for path in truths]
    scores: dict[str, Evaluation | HierarchyEvaluation] = {}
    if run.trunk is None:
        for path, truth in zip(truths, wanted, strict=True):
            k = _nearest(run.levels, class_count(truth, truth, ignore=ignore))
            labels = run.levels[k].read()[0]
            scores[f"{_called(path)}, {k} classes"] = evaluate(labels, truth, ignore=ignore)
        return scores
    tree = io.read_tree(run.folder / "tree.json")
    cuts = []
    for path, truth in zip(truths, wanted, strict=True):
        k = class_count(tree.leaves, truth, ignore=ignore)
        # The file is what a user works with, and may have been cleaned.
        labels = run.levels[k].read()[0] if k in run.levels else tree.cut(k).labels
        cuts.append(labels)
        scores[f"{_called(path)}, {k} classes"] = evaluate(labels, truth, ignore=ignore)
    scores["tree"] = evaluate_hierarchy(tree.leaves, tree.parents, cuts, wanted, ignore=ignore)
    return scores


def _labels(path: str) -> "NDArray[Any]":
    """Voxels of a label volume, shape (z, y, x).

    Raises:
        VolumeError: If it has several channels.
    """
    import numpy as np

    from gyrovox import io

    volume = io.read(path)
    if volume.channels != 1:
        raise VolumeError(
            f"{volume.name}: a truth must have one channel of labels, got {volume.channels}."
        )
    return np.asarray(volume.read()[0])


def _nearest(levels: Collection[int], classes: int) -> int:
    """The level with as many classes, or the next finer one; the finest if there is none."""
    finer = [k for k in levels if k >= classes]
    return min(finer, default=max(levels))


def _called(path: str) -> str:
    return Path(path).name


def _replace(path: Path, text: str) -> None:
    from gyrovox.io.atomic import written_whole

    with written_whole(path, overwrite=True, suffix=path.suffix) as beside:
        beside.write_text(text, encoding="utf-8")
