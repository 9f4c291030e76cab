"""Families of colours that are told apart whatever the eyes: each of one hue, from dark to light.

Source:
    The hues are those of Wong (2011), Points of view: Color blindness, Nature Methods 8, 441.
    https://doi.org/10.1038/nmeth.1618
"""

import numpy as np
from jaxtyping import Float64

# From dark to light. The hue drifts on the way, so that neighbours differ in more than lightness.
# Blue and orange come first: the pair that is told apart best under every colour blindness.
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("#1d1a5c", "#2452a4", "#2a8cc4", "#6cc5dc", "#d2f2ee"),  # blue
    ("#64161a", "#bd3f1e", "#f08a24", "#ffc54a", "#fff2b3"),  # orange
    ("#00352f", "#006e57", "#1aa37e", "#74cf9a", "#d9f5cf"),  # green
    ("#3d0b4f", "#8f2f8c", "#cc5f9f", "#ee9fbd", "#ffe0e6"),  # purple
    ("#3d3a0a", "#7f7a10", "#bdb52a", "#ded86a", "#fbf9c9"),  # yellow
    ("#1f1f1f", "#555555", "#8c8c8c", "#bcbcbc", "#ececec"),  # grey
)


def shade(family: int, tone: float) -> Float64[np.ndarray, "3"]:
    """The colour of a family at a tone.

    Args:
        family: Which family; after the last one comes the first again.
        tone: From 0 (dark) to 1 (light).

    Returns:
        sRGB in 0..1, shape ``(3,)``.
    """
    stops = FAMILIES[family % len(FAMILIES)]
    places = np.linspace(0, 1, len(stops))
    return np.array([
        np.interp(tone, places, [int(stop[i : i + 2], 16) / 255 for stop in stops])
        for i in (1, 3, 5)
    ])
