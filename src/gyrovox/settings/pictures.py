"""The pictures of a result, by name, and the formats they are written in."""

from typing import Literal

PictureName = Literal[
    "slices",
    "disk",
    "projection",
    "components",
    "reconstructions",
    "patches",
    "surfaces",
    "curves",
    "reliability",
]
"""What can be drawn of a result; `gyrovox.report.pictures` has a function for each."""

PictureFormat = Literal["png", "svg", "pdf"]
"""Formats of pictures; surfaces are always a page, .html."""
