"""Putting labels in order that come tile by tile: what `clean_labels` does with them as a whole.

Components are found in every tile by itself (`components.tile_components`). Here those that hang
together across tiles become one, and all decisions are taken, on the graph alone; then every tile
is written by itself (`cleaning.relabelled`).
"""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from gyrovox.clustering.cleaning import check_voxels, cleaned_classes
from gyrovox.clustering.components import ComponentSummary
from gyrovox.clustering.joined_components import joined_components
from gyrovox.volumes import Region


def cleaned_tables(
    tiles: Iterable[tuple[Region, ComponentSummary]],
    *,
    smallest: int = 0,
    fill_holes: int = 0,
    largest_component: bool = False,
) -> list[NDArray[Any]]:
    """The classes of the components of tiles after what `clean_labels` does with the whole.

    Args:
        tiles: The tiles of a lattice that covers the volume, each with its box, in order.
        smallest: As for `clean_labels`.
        fill_holes: As for `clean_labels`.
        largest_component: As for `clean_labels`.

    Returns:
        Class of every component, one array ``(components,)`` a tile. `cleaning.relabelled` makes
        labels of it: exactly those that `clean_labels` gives for the volume as a whole.

    Raises:
        SettingsError: If a number of voxels is negative.
        ValueError: If a tile comes before the one that it follows along an axis.
    """
    check_voxels(smallest, fill_holes)
    joined = joined_components(tiles)
    classes = cleaned_classes(
        joined.graph,
        smallest=smallest,
        fill_holes=fill_holes,
        largest_component=largest_component,
    )
    return [classes[numbers] for numbers in joined.numbers]
