"""The reader: folders of results as an image layer and a labels layer of the tree's leaves."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyrovox.results import ResultFolder
    from gyrovox.volumes import Volume

LayerData = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, keyword arguments, type of the layer."""

_TREE = "tree.json"
_OURS = b'"gyrovox segmentation tree"'
_LOOKED_AT = 4096  # bytes of a file, in which ours say what they are


def reader_of(
    path: str | os.PathLike[str] | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """The function that reads a path, if it is a result of ours.

    Args:
        path: A folder of one result or of several, or a `tree.json`; of a list of paths, which
            napari takes for a stack, only one.

    Returns:
        `read_results`; None for whatever else there is, which is left to other readers.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    return read_results if len(paths) == 1 and _trees(Path(paths[0])) else None


def read_results(path: str | Sequence[str]) -> list[LayerData]:
    """The layers of one result or of several.

    Args:
        path: As for `reader_of`.

    Returns:
        For each result its image, if that is found, and its leaves, coloured as its cut.

    Raises:
        MissingFileError: If a file of a result is not there.
        ResultError: If a result has no tree.
        TreeFileError: If the tree of one is damaged.
        EditError: If the edits of one are damaged.
    """
    # Imported here: they load torch, and napari asks every reader about every file.
    from gyrovox.results import ResultFolder

    first = path if isinstance(path, str) else path[0]
    results = [ResultFolder.open(tree.parent) for tree in _trees(Path(first))]
    return [layer for result in results for layer in layers_of(result)]


def layers_of(result: "ResultFolder") -> list[LayerData]:
    """The layers of a result, all on one grid.

    Args:
        result: The result.

    Returns:
        One image layer for each channel of the source, if that is found, then the labels layer.
    """
    from .lazy_voxels import shown_voxels
    from .leaf_layer import leaf_layer, placement
    from .shown_tree import ShownTree

    shown, image = ShownTree.of_result(result), result.image()
    where = placement(shown.trunk.voxel_size_nm)
    layers = [] if image is None else _image_layers(image, result.name, where)
    return [*layers, leaf_layer(shown_voxels(result.leaves()), shown, result.name, where)]


def _image_layers(image: "Volume", name: str, where: dict[str, Any]) -> list[LayerData]:
    """A layer for each channel of the volume that was segmented."""
    from .image_look import contrast_limits
    from .lazy_voxels import shown_voxels

    layers: list[LayerData] = []
    for channel in range(image.channels):
        voxels = shown_voxels(image, channel)
        look = {
            "name": f"{name} [{channel}]" if image.channels > 1 else name,
            "contrast_limits": contrast_limits(voxels),
            "multiscale": False,
            "blending": "additive" if channel else "translucent_no_depth",
        }
        layers.append((voxels, {**where, **look}, "image"))
    return layers


def _trees(path: Path) -> list[Path]:
    """The tree files of ours that a path stands for."""
    if path.is_dir():
        here = path / _TREE
        candidates = [here] if here.is_file() else sorted(path.glob(f"[!.]*/{_TREE}"))
    else:
        candidates = [path] if path.name == _TREE else []
    return [candidate for candidate in candidates if _is_ours(candidate)]


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return _OURS in stream.read(_LOOKED_AT)
    except OSError:
        return False
