"""Gold beads: where they are, in images and in tomograms, and what lies behind them."""

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy import ndimage, spatial

from gyrovox.errors import SettingsError

_DARKNESS = 3.0  # of a bead, in deviations of the pixels around it
_ERASED = 1.3  # radii: the edge of a bead is blurred
_SURROUNDINGS = 2.2  # radii


def find_gold(
    image: Float32[np.ndarray, "*shape"],
    diameter: float,
    *,
    least_darkness: float = _DARKNESS,
) -> Float64[np.ndarray, "beads axes"]:
    """Centres of dark discs (balls, in a tomogram) of a diameter, finer than a pixel.

    Args:
        image: An image (v, u), or a tomogram (z, y, x), dense matter dark.
        diameter: Of a bead, in pixels, at least 2.
        least_darkness: How much darker than its surroundings a bead is, in deviations of a pixel
            there.

    Returns:
        Positions in pixels from the first one, darkest first, shape (beads, axes).

    Raises:
        SettingsError: If the diameter is below 2 pixels.
    """
    if not diameter >= 2:
        raise SettingsError(
            f"a bead must be at least 2 pixels wide to be found, got {diameter:g}. Bin less."
        )
    radius = diameter / 2
    # The difference of Gaussians that answers most to a disc of this radius.
    narrow = radius / np.sqrt(image.ndim)
    values = image.astype(np.float64)
    answer = ndimage.gaussian_filter(values, 1.6 * narrow) - ndimage.gaussian_filter(values, narrow)
    highest = ndimage.maximum_filter(answer, footprint=_ball(radius, image.ndim)) == answer
    spread = 1.4826 * np.median(np.abs(answer - np.median(answer)))
    places = np.argwhere(highest & (answer > 4 * spread))
    places = places[np.argsort(-answer[tuple(places.T)], kind="stable")]
    dark = [place for place in places if _darkness(values, place, radius) >= least_darkness]
    if not dark:
        return np.empty((0, image.ndim))
    return np.array([_refined(answer, place) for place in _apart(np.array(dark), diameter)])


def erase_gold(
    image: Float32[np.ndarray, "*shape"],
    places: Float64[np.ndarray, "beads axes"],
    diameter: float,
    *,
    seed: int,
) -> Float32[np.ndarray, "*shape"]:
    """An image in which beads have become what lies around them.

    Each becomes the slope of its surroundings, with noise drawn from what they have beyond it.

    Args:
        image: An image (v, u), or a tomogram (z, y, x).
        places: Centres of beads in pixels from the first one, shape (beads, axes).
        diameter: Of a bead, in pixels.
        seed: Of the noise.

    Returns:
        A copy, in the shape of `image`.

    Raises:
        SettingsError: If the diameter is not positive.
    """
    if not diameter > 0:
        raise SettingsError(f"the diameter of a bead must be above 0 pixels, got {diameter:g}.")
    generator = np.random.default_rng(seed)
    out = image.copy()
    gold = _covered(image.shape, places, _ERASED * diameter / 2)
    for place in places:
        box = _box(image.shape, place, _SURROUNDINGS * diameter / 2)
        distance, grid = _distances(box, place)
        around = (distance <= _SURROUNDINGS * diameter / 2) & ~gold[box]
        inside = distance <= _ERASED * diameter / 2
        if not inside.any() or around.sum() <= 2 * (image.ndim + 1):
            continue
        slope, rest = _plane(image[box], grid, around)
        noise = generator.choice(rest, size=int(inside.sum()))
        out[box][inside] = (slope[inside] + noise).astype(image.dtype)
    return out


def _covered(
    shape: tuple[int, ...], places: Float64[np.ndarray, "beads axes"], radius: float
) -> np.ndarray:
    """Which pixels any bead covers."""
    gold = np.zeros(shape, bool)
    for place in places:
        box = _box(shape, place, radius)
        distance, _ = _distances(box, place)
        gold[box] |= distance <= radius
    return gold


def _box(
    shape: tuple[int, ...], place: Float[np.ndarray, " axes"], radius: float
) -> tuple[slice, ...]:
    low = np.maximum(np.floor(place - radius).astype(int), 0)
    high = np.minimum(np.ceil(place + radius).astype(int) + 1, shape)
    return tuple(slice(first, max(first, last)) for first, last in zip(low, high, strict=True))


def _distances(
    box: tuple[slice, ...], place: Float[np.ndarray, " axes"]
) -> tuple[Float64[np.ndarray, "*box"], list[np.ndarray]]:
    """How far the pixels of a box are from a place, and their offsets along each axis."""
    axes = [
        np.arange(part.start, part.stop) - centre for part, centre in zip(box, place, strict=True)
    ]
    grid = list(np.meshgrid(*axes, indexing="ij"))
    return np.sqrt(sum((axis**2 for axis in grid), start=np.zeros(grid[0].shape))), grid


def _plane(
    values: np.ndarray, grid: list[np.ndarray], around: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The linear function that fits what lies around best, and what remains there."""
    columns = np.stack([np.ones_like(grid[0]), *grid], axis=-1)
    wanted = values[around].astype(np.float64)
    fitted, *_ = np.linalg.lstsq(columns[around], wanted, rcond=None)
    return columns @ fitted, wanted - columns[around] @ fitted


def _darkness(values: np.ndarray, place: np.ndarray, radius: float) -> float:
    """How much darker the middle of a disc is than its surroundings, in their deviations."""
    middle_of_disc = place.astype(np.float64)
    box = _box(values.shape, middle_of_disc, _SURROUNDINGS * radius)
    distance, _ = _distances(box, middle_of_disc)
    around = values[box][distance > _ERASED * radius]
    middle = np.median(around)
    spread = 1.4826 * np.median(np.abs(around - middle))
    inside = values[box][distance <= max(0.7 * radius, 0.5)].mean()
    return (
        float((middle - inside) / spread) if spread > 0 else float(np.sign(middle - inside) * 1e9)
    )


def _apart(places: np.ndarray, distance: float) -> np.ndarray:
    """The places without those that are nearer than a distance to an earlier one."""
    tree, kept = spatial.cKDTree(places), np.ones(len(places), bool)
    for first, second in sorted(tree.query_pairs(0.8 * distance)):
        if kept[first]:
            kept[second] = False
    return places[kept]


def _refined(answer: np.ndarray, place: np.ndarray) -> Float64[np.ndarray, " axes"]:
    """The top of the parabola through a maximum and its two neighbours, along each axis."""
    refined = place.astype(np.float64)
    for axis, index in enumerate(place):
        if 0 < index < answer.shape[axis] - 1:
            step = np.zeros(len(place), int)
            step[axis] = 1
            before, here, after = (answer[tuple(place + k * step)] for k in (-1, 0, 1))
            bend = before - 2 * here + after
            refined[axis] += 0.5 * (before - after) / bend if bend < 0 else 0.0
    return refined


def _ball(radius: float, axes: int) -> np.ndarray:
    reach = int(np.ceil(radius))
    grid = np.indices((2 * reach + 1,) * axes) - reach
    return np.asarray((grid**2).sum(axis=0) <= max(radius, 1) ** 2)
