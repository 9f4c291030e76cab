"""Data that methods are compared on: training cases, and test cases whose truths stay out of sight.

A case is read when it is asked for, its volume and its truth apart: whoever runs a method asks the
test cases for volumes only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.binned import means_of_cubes
from benchmarks.quality.comparison.method import Truth
from gyrovox import io
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import Variant, cell_phantom

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
PHANTOM_LEVELS = (2, 4, 8)
TRAIN_SEEDS = range(100, 180)
TEST_SEEDS = range(1000, 1020)
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """A volume and what is known of it.

    Args:
        name: Unique among the cases of its data.
        volume: Reads what methods see.
        truth: Reads the classes; its voxels may be finer than the volume's.
    """

    name: str
    volume: Callable[[], Volume]
    truth: Callable[[], Truth]


@dataclass(frozen=True)
class Fold:
    """What is trained on, and what is tested on; no case is in both."""

    name: str
    train: tuple[Case, ...]
    tests: tuple[Case, ...]


@dataclass(frozen=True)
class Data:
    """A set of cases, cut into folds.

    Args:
        name: As on the command line; also the name of its files of results.
        levels: Numbers of classes that are asked for.
        level_titles: What each level is.
        folds: One for data that come cut, one a case where each is left out in turn.
        about: A sentence for the page.
        published: Of which published table the methods' numbers stand beside; empty: of none.
        one_class: Whether the last class of each level is scored, and not the mean over classes.
    """

    name: str
    levels: tuple[int, ...]
    level_titles: tuple[str, ...]
    folds: tuple[Fold, ...]
    about: str
    published: str = ""
    one_class: bool = False


def data_of(word: str, *, small: bool = False) -> Data:
    """The data that a word on the command line means.

    Args:
        word: `phantom-regular`, `phantom-irregular`, `phantom-texture`, `brats`, `brats-flair`,
            either with `:FOLDER`, or `folder:FOLDER`.
        small: Few and small phantoms, to show that the code runs.

    Returns:
        The data; nothing large is read yet.

    Raises:
        ValueError: If the word means none, or the folder is not there or holds no cases.
    """
    kind, _, rest = word.partition(":")
    if kind.startswith("phantom-") and not rest:
        for variant in get_args(Variant):
            if kind == f"phantom-{variant}":
                return _phantoms(variant, small=small)
    if kind in {"brats", "brats-flair"}:
        folder = Path(rest) if rest else SHARED / "mri_brats2013"
        return _tumours(folder) if kind == "brats" else _whole_tumours(folder)
    if kind == "folder" and rest:
        return _pairs(Path(rest))
    raise ValueError(
        "data must be phantom-regular, phantom-irregular, phantom-texture, brats, brats-flair "
        f"(either may name a folder, brats:FOLDER) or folder:FOLDER, got {word!r}."
    )


def _phantoms(variant: Variant, *, small: bool) -> Data:
    shape = (20, 20, 20) if small else (50, 50, 50)

    def case(seed: int) -> Case:
        def truth() -> Truth:
            made = cell_phantom(seed, shape=shape, variant=variant)
            return dict(zip(PHANTOM_LEVELS, made.truths, strict=True))

        def volume() -> Volume:
            return Volume.from_array(cell_phantom(seed, shape=shape, variant=variant).image)

        return Case(str(seed), volume, truth)

    train, tests = (range(100, 102), range(1000, 1002)) if small else (TRAIN_SEEDS, TEST_SEEDS)
    return Data(
        name=f"phantom-{variant}{'-small' if small else ''}",
        levels=PHANTOM_LEVELS,
        level_titles=("level 1", "level 2", "level 3"),
        folds=(Fold("", tuple(map(case, train)), tuple(map(case, tests))),),
        about=(
            f"The cell phantom, variant `{variant}`: {len(tests)} test volumes of 50³ voxels "
            f"(seeds {tests[0]} to {tests[-1]}), {len(train)} for training (seeds {train[0]} to "
            f"{train[-1]}); 2, 4 and 8 classes against levels 1, 2 and 3."
        ),
        published="phantom",
    )


BRATS_LEVELS = (3, 4, 5)
_COARSER = 2  # voxels of a side that methods see as one


def _tumours(folder: Path) -> Data:
    """Cases as BraTS 2013 has them: nested whole tumour, core and enhancing core."""
    cases = _patients(folder, "*_subtrMeanDivStd.nii.gz", BRATS_LEVELS)  # FLAIR comes first
    return Data(
        name="brats",
        levels=BRATS_LEVELS,
        level_titles=("whole tumour (k = 3)", "core (k = 4)", "enhancing (k = 5)"),
        folds=_left_out(cases, folder),
        about=(
            f"{_patients_told(cases)}, FLAIR and T1c. Outside, brain and whole tumour at k = 3; of "
            f"it the core at k = 4; of that the enhancing core at k = 5. {_MATCHED} the table has "
            "that of the innermost class alone. Published numbers are of other patients, and of "
            "the whole tumour in FLAIR alone (`brats-flair`)."
        ),
        published="brats",
        one_class=True,
    )


def _whole_tumours(folder: Path) -> Data:
    """The same patients as the published table has others: FLAIR alone, the whole tumour alone."""
    cases = _patients(folder, "Flair_subtrMeanDivStd.nii.gz", BRATS_LEVELS[:1])
    return Data(
        name="brats-flair",
        levels=BRATS_LEVELS[:1],
        level_titles=("whole tumour (k = 3)",),
        folds=_left_out(cases, folder),
        about=(
            f"{_patients_told(cases)}, FLAIR alone. Outside, brain and whole tumour. {_MATCHED} "
            "the table has that of the tumour alone. Published numbers are of BraTS 2019, of other "
            "patients therefore, and of all modalities where a method was shown labels."
        ),
        published="brats",
        one_class=True,
    )


_MATCHED = "Labels and classes are matched one to one (Hungarian) by the sum of all Dice;"


def _patients_told(cases: Sequence[Case]) -> str:
    return (
        f"BraTS 2013, high-grade patients {', '.join(case.name for case in cases)}, 240 x 240 x "
        f"155 voxels; methods see means of {_COARSER}³ voxels, and are scored in full. Folds leave "
        "one out: trained on the others, tested on it"
    )


def _patients(folder: Path, modalities: str, levels: Sequence[int]) -> list[Case]:
    """A case for every patient of a folder: what files of a pattern show, and its tumour."""
    cases = []
    for place in sorted(path.parent for path in folder.glob("*/OTMultiClass.nii.gz")):

        def volume(place: Path = place) -> Volume:
            files = sorted(place.glob(modalities))
            read = io.read(",".join(map(str, files)))
            return Volume.from_array(means_of_cubes(read.read().astype(np.float32), _COARSER))

        def truth(place: Path = place) -> Truth:
            parts = io.read(place / "OTMultiClass.nii.gz").read()[0].astype(np.uint8)
            brain = io.read(place / "brainmask.nii.gz").read()[0] > 0
            nested = nested_tumour(parts, brain)
            return {k: nested[k] for k in levels}

        cases.append(Case(place.name, volume, truth))
    return cases


def nested_tumour(
    parts: NDArray[np.integer], brain: NDArray[np.bool_]
) -> dict[int, NDArray[np.integer]]:
    """Levels of a tumour, the innermost class last, from BraTS 2013's labels.

    Args:
        parts: 1 necrosis, 2 oedema, 3 non-enhancing and 4 enhancing core, shape (z, y, x).
        brain: Where brain is, shape (z, y, x).

    Returns:
        3: outside, brain, whole tumour; 4: and its core (1, 3, 4); 5: and its enhancing part (4).
    """
    whole = np.where(parts > 0, 2, brain).astype(np.uint8)
    core = np.where(np.isin(parts, (1, 3, 4)), 3, whole).astype(np.uint8)
    enhancing = np.where(parts == 4, 4, core).astype(np.uint8)
    return {3: whole, 4: core, 5: enhancing}


def _pairs(folder: Path) -> Data:
    """Volumes and truths of any folder; every case is left out once."""
    volumes = sorted(path for path in (folder / "volumes").glob("*") if path.name[0] != ".")
    cases = []
    for path in volumes:
        name = io.stem(path)
        files = sorted((folder / "truths").glob(f"{name}.*"))
        files += sorted((folder / "truths").glob(f"{name}-level*"))
        if not files:
            raise ValueError(
                f"every volume must have a truth, got none for {path.name!r}: put "
                f"{name}.EXT, or {name}-level1.EXT and so on, into {str(folder / 'truths')!r}."
            )

        def truth(files: list[Path] = files) -> Truth:
            found = {}
            for file in files:
                labels = io.read(file).read()[0]
                values, classes = np.unique(labels, return_inverse=True)
                found[len(values)] = classes.reshape(labels.shape)
            return found

        cases.append(Case(name, lambda path=path: io.read(path), truth))
    folds = _left_out(cases, folder)
    levels = tuple(sorted(cases[0].truth()))
    for case in cases:
        if tuple(sorted(case.truth())) != levels:
            raise ValueError(
                f"all truths must have the same numbers of classes, {levels} in {cases[0].name}, "
                f"got {tuple(sorted(case.truth()))} in {case.name}."
            )
    return Data(
        name=folder.resolve().name,
        levels=levels,
        level_titles=tuple(f"k = {k}" for k in levels),
        folds=folds,
        about=f"{len(cases)} volumes with truths of a folder; each is tested on in turn, and the "
        "others are trained on.",
    )


def _left_out(cases: list[Case], folder: Path) -> tuple[Fold, ...]:
    """A fold for each case, which tests it and trains on the others."""
    if len(cases) < 2:
        raise ValueError(
            f"a folder of cases must hold two at least, got {len(cases)} in {str(folder)!r}."
        )
    return tuple(
        Fold(case.name, tuple(other for other in cases if other is not case), (case,))
        for case in cases
    )


def on_grid(labels: NDArray[np.integer], shape: Shape) -> NDArray[np.integer]:
    """Labels of a coarser grid on a finer one that they were pooled from, shape (z, y, x)."""
    for axis, side in enumerate(shape):
        if labels.shape[axis] != side:
            by = -(-side // labels.shape[axis])
            labels = np.repeat(labels, by, axis=axis).take(range(side), axis=axis)
    return labels


def coarse_truth(truth: Truth, shape: Shape) -> dict[int, NDArray[np.integer]]:
    """A truth on the grid of the volume that a method sees: each voxel's first of its cube."""
    coarse = {}
    for k, classes in truth.items():
        steps = [-(-fine // side) for fine, side in zip(classes.shape, shape, strict=True)]
        z, y, x = (slice(None, None, step) for step in steps)
        coarse[k] = classes[z, y, x]
    return coarse
