"""A finished segmentation as a page needs it, with a tree or, from k-means, without."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float64, Int64

from gyrovox import io
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import ResultError
from gyrovox.report.page.subject import ClassRow, Subject, cut_nodes
from gyrovox.report.page.views import Views, views
from gyrovox.report.palette import class_colours
from gyrovox.results import (
    HandEdits,
    ResultFolder,
    level_files,
    node_colours,
    read_edits,
    run_record,
    source_volume,
)
from gyrovox.volumes import Volume

SCORES = "evaluation.json"
"""Name of the file of the scores, where a truth was given."""

_TREE = "tree.json"


@final
@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a segmentation left in a folder, opened without a look at any voxel.

    Args:
        folder: The folder.
        record: What ``run.json`` says.
        levels: Label volumes by number of classes, coarse to fine.
        image: The volume that was segmented; None if it is gone.
        trunk: The tree; None for the levels of k-means.
        edits: What was named and coloured by hand.
        scores: What ``evaluation.json`` says; empty where there is none.
    """

    folder: Path
    record: Mapping[str, Any] = field(repr=False)
    levels: Mapping[int, Volume]
    image: Volume | None
    trunk: Trunk | None = field(repr=False)
    edits: HandEdits = field(repr=False)
    scores: Mapping[str, Any] = field(repr=False)

    @classmethod
    def open(cls, folder: Path, *, image: Volume | None = None) -> "FinishedRun":
        """What is in a folder.

        Args:
            folder: The folder of one volume.
            image: The volume; by default it is looked for as the record says.

        Returns:
            The run.

        Raises:
            ResultError: If the folder holds no result, or no levels.
            GyrovoxError: If a file of it is damaged or may not be read.
        """
        record = run_record(folder)
        levels = {k: io.read(path) for k, path in level_files(folder).items()}
        if not levels:
            raise ResultError(
                f"{folder}: a result must hold level-K files to be reported on, and this folder "
                f"has none. Pass the folder of one volume that `gyrovox segment -o` wrote"
            )
        trunk, edits = None, HandEdits()
        if (folder / _TREE).is_file():
            result = ResultFolder.open(folder)
            trunk, edits = result.trunk, read_edits(result)
        shape = next(iter(levels.values())).spatial_shape
        return cls(
            folder,
            record,
            levels,
            image or source_volume(record, folder, shape),
            trunk,
            edits,
            _scores(folder),
        )

    def views(self) -> Views:
        """The slices that are shown of it; every file is read once."""
        return views(self.levels, self.image)

    def subject(self, seen: Views, *, place: str) -> Subject:
        """What there is to say of it.

        Args:
            seen: Its slices, with the counts of all labels.
            place: What to call the folder in commands.

        Returns:
            All of that, without voxels.
        """
        masked = self._is_masked(seen)
        colours = self._node_colours()
        level = next(iter(self.levels.values()))
        size = level.voxel_size_nm if self.image is None else self.image.voxel_size_nm
        return Subject(
            name=self._name,
            place=place,
            shape=level.spatial_shape,
            voxel_size_nm=size,
            record=self.record,
            trunk=self.trunk,
            levels={
                k: self._rows(k, counts, colours, seen, first=int(masked))
                for k, counts in sorted(seen.counts.items())
            },
            node_colours=colours,
            node_names=self.edits.names,
            masked=masked,
            scores=self.scores,
            not_finite=seen.not_finite,
            steps=seen.steps,
        )

    @property
    def _name(self) -> str:
        inputs = self.record.get("inputs")
        if isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], dict):
            return str(inputs[0].get("name") or self.folder.resolve().name)
        return self.folder.resolve().name

    def _is_masked(self, seen: Views) -> bool:
        """Whether labels count from 1: a mask of everything is none."""
        if self.trunk is not None:
            return self.trunk.masked
        return bool(self.record.get("mask")) and any(
            len(counts) > k for k, counts in seen.counts.items()
        )

    def _node_colours(self) -> tuple[str, ...]:
        if self.trunk is None:
            return ()
        found = [
            f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in node_colours(self.trunk)
        ]
        for node, colour in self.edits.colours.items():
            found[node] = colour.lower()
        return tuple(found)

    def _rows(
        self,
        k: int,
        counts: Int64[np.ndarray, "_"],
        colours: tuple[str, ...],
        seen: Views,
        *,
        first: int,
    ) -> tuple[ClassRow, ...]:
        """The classes of a level, in the order of their labels."""
        nodes: tuple[int | None, ...] = (None,) * k
        shades = colours
        if self.trunk is not None:
            nodes = cut_nodes(self.trunk, k)
        else:
            shades = _colours_apart(seen, first)[k]
        voxels = np.zeros(first + k, np.int64)
        voxels[: len(counts)] = counts[: first + k]
        total = max(1, int(voxels[first:].sum()))
        return tuple(
            ClassRow(
                label=first + i,
                node=node,
                name="" if node is None else self.edits.names.get(node, ""),
                colour=shades[i if node is None else node],
                voxels=int(voxels[first + i]),
                share=int(voxels[first + i]) / total,
            )
            for i, node in enumerate(nodes)
        )


def _colours_apart(seen: Views, first: int) -> dict[int, tuple[str, ...]]:
    """Colours of levels that have no tree, from what is seen of them."""
    flat = {
        k: np.concatenate([one.reshape(-1) for row in rows for one in row]).astype(np.int64)
        for k, rows in seen.labels.items()
    }
    inside = next(iter(flat.values())) >= first
    brightness = None
    if seen.greys:
        grey = np.concatenate([one.reshape(-1) for row in seen.greys for one in row])
        brightness = grey[inside].astype(np.float64)
    classes = {k: np.clip(labels[inside] - first, 0, k - 1) for k, labels in flat.items()}
    return {
        k: tuple(_hex(colour) for colour in colours)
        for k, colours in class_colours(classes, brightness).items()
    }


def _hex(colour: Float64[np.ndarray, "3"]) -> str:
    red, green, blue = np.round(255 * colour).astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def _scores(folder: Path) -> dict[str, Any]:
    """What the file of the scores says.

    Raises:
        ResultError: If it is damaged.
    """
    path = folder / SCORES
    if not path.is_file():
        return {}
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ResultError(
            f"{path}: scores must be JSON, and are not: {error}. Take the file away, or score anew "
            f"with gyrovox report --truth"
        ) from error
    return scores if isinstance(scores, dict) else {}
