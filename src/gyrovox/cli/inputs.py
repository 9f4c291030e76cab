"""Volumes from the command line, all of them checked before any work begins."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gyrovox.errors import ClusterCountError, SettingsError, VolumeMismatchError
from gyrovox.settings import SegmentationSettings

if TYPE_CHECKING:
    from gyrovox.cli.results import Levels
    from gyrovox.execution import Ledger
    from gyrovox.volumes import Mask, NanPolicy, Normalisation, Volume

_MOST_CLASSES = 2**16  # label volumes are uint8 or uint16


def open_volumes(arguments: Sequence[str]) -> list["Volume"]:
    """Open the volumes by their headers, and see to it that one model can serve all of them.

    Args:
        arguments: What the user wrote, one VOLUME each.

    Returns:
        The volumes; their voxels are read when needed.

    Raises:
        SettingsError: If there is none, or one is given twice.
        VolumeMismatchError: If they differ in their number of channels.
    """
    # Imported here so that `--help` waits for no library.
    from gyrovox import io

    if not arguments:
        raise SettingsError("name at least one VOLUME to work on.")
    twice = [name for name, times in Counter(arguments).items() if times > 1]
    if twice:
        raise SettingsError(f"every VOLUME must be given once, and {twice[0]} came twice.")
    volumes = [io.read(argument) for argument in arguments]
    for volume in volumes[1:]:
        if volume.channels != volumes[0].channels:
            raise VolumeMismatchError(
                f"volumes that share a model must have the same number of channels, and "
                f"{volumes[0].name} has {volumes[0].channels}, {volume.name} {volume.channels}. "
                f"Segment them in separate runs."
            )
    return volumes


def files_of(arguments: Sequence[str]) -> list[Path]:
    """All files and folders that are read for what the user wrote, one VOLUME each."""
    from gyrovox.io.location import locations

    return [location.path for argument in arguments for location in locations(argument)]


def check_voxels(volumes: Sequence["Volume"], *, nan_policy: "NanPolicy") -> "list[Normalisation]":
    """Read every volume once to the end, so that nothing surprises the work after hours.

    Args:
        volumes: What is to be worked with.
        nan_policy: What to do with NaN and infinite voxels.

    Returns:
        How each is normalised, which no other reading need find.

    Raises:
        VolumeError: If a volume is not finite, is constant, or holds no real numbers.
    """
    from gyrovox.volumes import normalisation_of

    return [normalisation_of(volume, nan_policy=nan_policy) for volume in volumes]


def kept_normalisations(
    ledger: "Ledger",
    volumes: Sequence["Volume"],
    found: "Sequence[Normalisation] | None",
    *,
    nan_policy: "NanPolicy",
) -> "list[Normalisation]":
    """How the volumes of a run are normalised: as when it began, whenever it goes on.

    Args:
        ledger: The run's.
        volumes: What is worked with.
        found: What `check_voxels` found; None where it was left to an earlier part of the run.
        nan_policy: What to do with NaN and infinite voxels.

    Returns:
        How each is normalised.

    Raises:
        OutputSpaceError: If there is no room to keep it.
        VolumeError: As `check_voxels`, if a volume has to be read after all.
    """
    from gyrovox.pipeline import kept_normalisation

    def find(index: int) -> "Normalisation":
        return found[index] if found else check_voxels([volumes[index]], nan_policy=nan_policy)[0]

    return [
        kept_normalisation(ledger, str(index), partial(find, index))
        for index in range(len(volumes))
    ]


def read_masks(arguments: Sequence[str], volumes: Sequence["Volume"]) -> "list[Mask | None]":
    """Read the masks to work in once, slab by slab, and see to it that each lies over its volume.

    Args:
        arguments: What the user wrote, one file for each volume in order, or nothing.
        volumes: What will be segmented.

    Returns:
        The mask of each volume; None without masks.

    Raises:
        SettingsError: If there are masks, and not one for each volume.
        VolumeError: If a mask is none, or holds nothing but 0.
        VolumeMismatchError: If a mask differs from its volume in shape, voxel size or directions.
    """
    from gyrovox import io
    from gyrovox.volumes import mask_of

    if not arguments:
        return [None] * len(volumes)
    if len(arguments) != len(volumes):
        raise SettingsError(
            f"--mask must name one file for each VOLUME, in their order, and {len(arguments)} came "
            f"for {len(volumes)}."
        )
    return [
        mask_of(io.read(argument), volume)
        for argument, volume in zip(arguments, volumes, strict=True)
    ]


def check_levels(levels: "Levels", settings: SegmentationSettings) -> None:
    """See to it that the numbers of classes are possible ones, whatever the volumes.

    Args:
        levels: Numbers of classes, or ``auto``.
        settings: How they will be found.

    Raises:
        SettingsError: If one is less than 2, too many for a label file, or given twice, or if
            there is no tree to choose them.
        ClusterCountError: If the tree will have fewer regions.
    """
    if levels == "auto":
        if settings.clustering != "tree":
            raise SettingsError(
                "--levels auto asks the tree, and there is none with --clustering kmeans. Name the "
                "numbers of classes."
            )
        return
    if not levels:
        raise SettingsError("--levels must name at least one number of classes.")
    for k in levels:
        if not 2 <= k <= _MOST_CLASSES:
            raise SettingsError(f"--levels must be between 2 and {_MOST_CLASSES}, got {k}.")
    if len(set(levels)) != len(levels):
        raise SettingsError(f"--levels must differ from each other, got {_listed(levels)}.")
    if settings.clustering == "tree" and max(levels) > settings.regions:
        raise ClusterCountError(
            f"--levels must not exceed the number of regions that the tree begins with, got "
            f"{max(levels)}, and --regions is {settings.regions}. Ask for fewer classes, or for "
            f"more regions."
        )


def check_level_counts(
    levels: "Levels", volumes: Sequence["Volume"], masks: "Sequence[Mask | None]"
) -> None:
    """See to it that the volumes have enough voxels for the numbers of classes.

    Args:
        levels: Numbers of classes, or ``auto``.
        volumes: What will be segmented.
        masks: The mask of each volume; None for all of it.

    Raises:
        ClusterCountError: If a volume has fewer voxels, and so fewer distinct codes.
    """
    if levels == "auto":
        return
    for volume, mask in zip(volumes, masks, strict=True):
        depth, height, width = volume.spatial_shape
        voxels = depth * height * width if mask is None else mask.voxels
        if max(levels) > voxels:
            where = "" if mask is None else " inside its mask"
            raise ClusterCountError(
                f"--levels must not exceed the number of distinct codes, got {max(levels)} where "
                f"{volume.name} has only {voxels} voxels{where}."
            )


def result_names(arguments: Sequence[str]) -> list[str]:
    """What the results of each volume are called: its stem, unless two share it.

    Volumes with the same stem get the names of their parent folders in front, as many as it takes
    to tell them apart. Datasets of one file get the dataset's name behind, and files of one folder
    their suffix.

    Args:
        arguments: What the user wrote, one VOLUME each, all different.

    Returns:
        A name for each, all different.
    """
    from gyrovox import io
    from gyrovox.io.location import locations

    firsts = [locations(argument)[0] for argument in arguments]
    names = [io.stem(argument) for argument in arguments]
    beside = Counter(
        (first.path.absolute().parent, stem) for first, stem in zip(firsts, names, strict=True)
    )
    for index, (first, stem) in enumerate(zip(firsts, names, strict=True)):
        if sum(other.path == first.path for other in firsts) > 1:  # several datasets of one file
            names[index] += f"-{(first.dataset or str(index)).replace('/', '-')}"
        elif beside[first.path.absolute().parent, stem] > 1:  # several formats in one folder
            names[index] += first.path.name[len(stem) :].replace(".", "-")
    parents = [list(first.path.absolute().parent.parts[1:]) for first in firsts]
    while True:
        shared = {name for name in names if names.count(name) > 1}
        longer = [i for i, name in enumerate(names) if name in shared and parents[i]]
        if not longer:
            break
        for index in longer:
            names[index] = f"{parents[index].pop()}-{names[index]}"
    return [f"{name}-{i}" if name in shared else name for i, name in enumerate(names)]


def _listed(levels: Sequence[int]) -> str:
    return " ".join(str(k) for k in levels)
