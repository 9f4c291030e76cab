"""Label-free, multi-level segmentation of 3-D biomedical volumes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gyrovox.segmentation import Cleaning as Cleaning
    from gyrovox.segmentation import Segmentation as Segmentation
    from gyrovox.segmenter import HierarchicalSegmenter as HierarchicalSegmenter

__all__ = ["Cleaning", "HierarchicalSegmenter", "Segmentation"]


def __getattr__(name: str) -> object:
    """Load the segmenter, and torch with it, when it is first asked for.

    Raises:
        AttributeError: If there is no public name like this.
    """
    if name not in __all__:
        raise AttributeError(f"module 'gyrovox' has no attribute {name!r}")
    from gyrovox import segmenter

    return vars(segmenter)[name]


def __dir__() -> list[str]:
    """The public names, and not whatever modules have been imported by now."""
    return sorted(__all__)
