"""Real volumes with expert labels, and how labels found without any are scored beside them.

They are read from ``../shared/data``, which is no part of the repository.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import entropy
from skimage.measure import label as connected_components
from skimage.metrics import adapted_rand_error, contingency_table

from gyrovox import io
from gyrovox.evaluation import contingency, evaluate
from gyrovox.evaluation.partition import adjusted_rand
from gyrovox.volumes import Volume

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"

FEW = (2, 3, 4, 8)
"""Numbers of classes that every method is asked for where the truth is instances."""

MANY = (64, 256, 512)
"""More of them, for methods whose classes are regions in space and not groups of values. Our tree
begins with 1024 regions at most, and of a small volume with fewer."""

SMALL = 24  # side of the crop of a smoke run

Labels = Mapping[int, NDArray[np.integer]]


@dataclass(frozen=True)
class Measure:
    """One column of a table.

    Args:
        name: What it is called, with its unit.
        higher: Whether more is better.
    """

    name: str
    higher: bool = True


@dataclass(frozen=True)
class Found:
    """The value of a measure, and with how many classes.

    Args:
        value: The value.
        how: Which labels it is of, in words.
    """

    value: float
    how: str


class RealData(ABC):
    """A volume, its truth, and the score of labels beside it.

    Args:
        small: Whether to take but a small crop.
    """

    name: ClassVar[str]
    """What it is called in tables."""

    folder: ClassVar[str]
    """Where it lies in the data."""

    about: ClassVar[str]
    """What it is and how it is scored, in a sentence or two."""

    measures: ClassVar[tuple[Measure, ...]]
    """What is measured; the first decides which method is best."""

    def __init__(self, *, small: bool = False) -> None:
        self.small = small

    image: ClassVar[str]
    """The file of the voxels, and the data set in it if it has several."""

    def volume(self) -> Volume:
        """The voxels, with their size where the file says it."""
        size = io.read(f"{DATA / self.folder / self.image}").voxel_size_nm
        voxels = self.read(self.image)[None]
        return Volume.from_array(voxels, voxel_size_nm=size, name=self.name)

    @abstractmethod
    def levels(self, *, regions: bool) -> tuple[int, ...]:
        """Numbers of classes to ask a method for; `regions` if its classes are regions in space."""

    @abstractmethod
    def scores(self, labels: Labels) -> list[Found]:
        """The value of every measure, for labels at all levels."""

    def read(self, name: str) -> NDArray[np.generic]:
        """A file, or a data set of one, shape (z, y, x); the middle of it for a smoke run."""
        voxels = io.read(f"{DATA / self.folder / name}").read()[0]
        if self.small:
            voxels = voxels[
                tuple(
                    slice((side - SMALL) // 2, (side + SMALL) // 2) if side > SMALL else slice(None)
                    for side in voxels.shape
                )
            ]
        return voxels


class Classes(RealData):
    """A volume whose voxels belong to classes, scored by Dice after a one-to-one match."""

    def levels(self, *, regions: bool) -> tuple[int, ...]:
        """As many classes as the truths have."""
        return tuple(self._truths())

    def scores(self, labels: Labels) -> list[Found]:
        """Mean Dice over the classes of every truth, background included."""
        return [
            Found(evaluate(labels[k], truth).mean_dice, f"k = {k}")
            for k, truth in self._truths().items()
        ]

    @abstractmethod
    def _truths(self) -> dict[int, NDArray[np.integer]]:
        """Number of classes -> class of every voxel, coarse to fine."""


class Instances(RealData):
    """A volume of many objects of a kind: neurons, cells, nuclei.

    A class may hold many objects. So labels count as they are, and split into their connected
    components (neighbours across faces); the best number of classes is chosen with the truth, for
    every method alike.
    """

    def levels(self, *, regions: bool) -> tuple[int, ...]:
        """Some numbers of classes, the same for every truth."""
        return FEW[:2] if self.small else FEW + MANY * regions

    def scores(self, labels: Labels) -> list[Found]:
        """The best value of every measure."""
        truths = self._truths()
        tried = []
        for k, one in labels.items():
            tried.append(self._found(one, truths, f"k = {k}"))
            parts = connected_components(one.astype(np.int32), background=-1, connectivity=1)
            tried.append(self._found(parts, truths, f"parts of k = {k}"))
        return [
            (max if measure.higher else min)(column, key=lambda found: found.value)
            for measure, column in zip(self.measures, zip(*tried, strict=True), strict=True)
        ]

    @abstractmethod
    def _truths(self) -> list[NDArray[np.integer]]:
        """Object of every voxel, one or more truths."""

    def _found(
        self, labels: NDArray[np.integer], truths: list[NDArray[np.integer]], how: str
    ) -> list[Found]:
        """The value of every measure: of all voxels, the adjusted Rand index."""
        return [Found(adjusted_rand(contingency(labels, truth)), how) for truth in truths]


class NeuronsOfFlies(Instances):
    """FIB-25: neurons, and the finer supervoxels that they were put together from."""

    name = "FIB-25, neurons"
    folder = "em_fib25_medulla_labelled"
    image = "fib25_z000-124.h5::raw"
    about = (
        "Fly medulla in FIB-SEM, 125 x 250 x 250 voxels. Variation of information (bits) and "
        "adapted Rand error, beside the neurons and beside the supervoxels that they were put "
        "together from."
    )
    measures = (
        Measure("VI, neurons", higher=False),
        Measure("Rand error", higher=False),
        Measure("VI, supervoxels", higher=False),
        Measure("Rand error ", higher=False),
    )

    def _truths(self) -> list[NDArray[np.integer]]:
        names = ("gt_neurons", "gt_supervoxels")
        return [_counted(self.read(f"fib25_z000-124.h5::{name}")) for name in names]

    def _found(
        self, labels: NDArray[np.integer], truths: list[NDArray[np.integer]], how: str
    ) -> list[Found]:
        found = []
        # Sparse: clusters of noisy values have hundreds of thousands of parts.
        for truth in truths:
            table = csr_array(contingency_table(truth, labels))
            joint = entropy(table.data, base=2)
            split = joint - entropy(table.sum(axis=1), base=2)
            merged = joint - entropy(table.sum(axis=0), base=2)
            said = f"{how}; {split:.2f} split, {merged:.2f} merged"
            found += [
                Found(float(split + merged), said),
                Found(float(adapted_rand_error(table=table)[0]), how),
            ]
        return found


class Brain(Classes):
    """A T1 brain with the structures of FreeSurfer, in the three levels of their hierarchy."""

    name = "T1 brain, structures"
    folder = "mri_t1_brain_freesurfer_voxelmorph"
    image = "t1_u8.nii.gz"
    about = (
        "T1 brain, 224 x 192 x 160 voxels, labels by FreeSurfer. Mean Dice over classes at 2 "
        "classes (background, brain), at 5 (background, cerebrum, cerebellum, brain stem, "
        "ventricles) and at all 46 (background and structures)."
    )
    measures = (Measure("Dice, 2"), Measure("Dice, 5"), Measure("Dice, all"))

    PARTS: ClassVar[tuple[tuple[int, ...], ...]] = (
        (0,),
        # Cerebrum: all of the forebrain but its ventricles.
        (
            *(2, 3, 10, 11, 12, 13, 17, 18, 26, 28, 30, 77, 80, 85, 251, 252, 253, 254, 255),
            *(41, 42, 49, 50, 51, 52, 53, 54, 58, 60, 62),  # right
        ),
        (7, 8, 46, 47),
        (16,),
        (4, 5, 14, 15, 24, 31, 43, 44, 63, 72),
    )

    def _truths(self) -> dict[int, NDArray[np.integer]]:
        structures = self.read("aseg.nii.gz").astype(np.int64)
        part_of = np.zeros(int(structures.max()) + 1, np.int64)
        for part, members in enumerate(self.PARTS):
            part_of[[one for one in members if one < len(part_of)]] = part
        finest = _counted(structures)
        return {
            2: (structures > 0).astype(np.int64),
            5: part_of[structures],
            max(int(finest.max()) + 1, 6): finest,
        }


class Macromolecules(Classes):
    """DeepFinder's simulated tomogram."""

    name = "DeepFinder tomogram"
    folder = "cryoet_sim_deepfinder"
    image = "tomo1_data.h5::dataset"
    about = (
        "A simulated tomogram of 100³ voxels, very noisy: mean Dice over background and nine kinds "
        "of macromolecules, which fill 2.5 % of it."
    )
    measures = (Measure("Dice, 10"),)

    def _truths(self) -> dict[int, NDArray[np.integer]]:
        return {10: self.read("tomo1_target.h5::dataset").astype(np.int64)}


class OvuleNuclei(Instances):
    """Nuclei of an Arabidopsis ovule."""

    name = "ovule, nuclei"
    folder = "fluo_arabidopsis_ovule_nuclei"
    image = "1135_mini.h5::raw"
    about = "Confocal, 100³ voxels, 54 nuclei and background. Adjusted Rand index of all voxels."
    measures = (Measure("ARI"),)

    def _truths(self) -> list[NDArray[np.integer]]:
        return [_counted(self.read("1135_mini.h5::label"))]


class StarDistNuclei(Instances):
    """The nuclei of StarDist's demonstration."""

    name = "StarDist demo, nuclei"
    folder = "fluo_stardist3d_demo"
    image = "img3d.tif"
    about = "31 x 61 x 57 voxels, 51 nuclei and background. Adjusted Rand index of all voxels."
    measures = (Measure("ARI"),)

    def _truths(self) -> list[NDArray[np.integer]]:
        return [_counted(self.read("mask3d.tif"))]


class OvuleCells(Instances):
    """Cells of an Arabidopsis ovule, whose membranes are stained."""

    name = "ovule, cells"
    folder = "fluo_arabidopsis_ovule_membrane"
    image = "sample_ovule.h5::raw"
    about = (
        "Confocal, stained membranes, 32 x 128 x 128 voxels, 50 cells. Adjusted Rand index of "
        "all voxels."
    )
    measures = (Measure("ARI"),)

    def _truths(self) -> list[NDArray[np.integer]]:
        return [_counted(self.read("sample_ovule.h5::label"))]


def _counted(labels: NDArray[np.generic]) -> NDArray[np.int32]:
    """The same classes, numbered from 0 without gaps."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


DATASETS: dict[str, type[RealData]] = {
    "stardist": StarDistNuclei,
    "cells": OvuleCells,
    "nuclei": OvuleNuclei,
    "deepfinder": Macromolecules,
    "brain": Brain,
    "neurons": NeuronsOfFlies,
}
"""Data sets by short names, the smallest first."""
