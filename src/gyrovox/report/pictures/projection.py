"""Codes seen flat: by principal components, and by UMAP in the plane and in the disk."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64, Integer

from gyrovox.errors import MissingExtraError, PictureError
from gyrovox.report.pictures.disk_outline import draw_rim
from gyrovox.report.pictures.level import Level
from gyrovox.report.pictures.look import GAP, MARGIN, TOP, Box, axes_in, page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.report.pictures.voxel_codes import VoxelCodes
    from gyrovox.results import ResultFolder

_SIDE, _NAME, _NOTE = 2.75, 0.24, 0.3  # inches
_MOST_POINTS = 3000  # which can still be seen apart
_FEWEST = 32
_NEIGHBOURS = 15
_PLANE, _DISK = "UMAP in the plane", "UMAP in the Poincaré disk"


def projection(
    result: "ResultFolder",
    one: Level,
    codes: "VoxelCodes",
    *,
    by_umap: bool = False,
    seed: int = 0,
) -> "Figure":
    """Codes of voxels in two dimensions: by principal components, and by UMAP.

    Codes are tangent vectors at the origin and taken as points of flat space, as of a Euclidean
    latent space. UMAP lays them out twice, in the plane and, by `output_metric="hyperboloid"`, in
    the Poincaré disk.

    Args:
        result: The result.
        one: The level whose classes colour the voxels.
        codes: Codes of at least 32 voxels; at most 3000 are shown.
        by_umap: Whether UMAP lays them out too, which takes minutes, of which it compiles most.
        seed: Seed of UMAP.

    Returns:
        A page with one panel, or three.

    Raises:
        PictureError: If there are too few voxels, or codes have fewer than two dimensions.
        MissingExtraError: If UMAP is asked for and is not installed.
    """
    some = codes.some(_MOST_POINTS)
    if len(some) < _FEWEST or codes.codes.shape[1] < 2:
        raise PictureError(
            f"codes of at least {_FEWEST} voxels and 2 dimensions are needed to be projected, and "
            f"{len(some)} of {codes.codes.shape[1]} came."
        )
    vectors = codes.codes[some].astype(np.float64)
    points, shares = principal_components(vectors)
    panels: dict[str, Float64[np.ndarray, "voxels 2"]] = {"principal components": points}
    if by_umap:
        panels |= umap_layouts(vectors, seed=seed)
    columns = len(panels)
    figure = page(
        max(2 * MARGIN + columns * (_SIDE + GAP) - GAP, 4.2),
        TOP + _NAME + _SIDE + _NOTE + MARGIN,
        result.name,
        f"{len(some)} codes, drawn from {codes.said}; colours of {len(one.nodes)} classes",
    )
    classes = one.of_leaf[codes.leaves[some]]
    for index, (name, places) in enumerate(panels.items()):
        left = MARGIN + index * (_SIDE + GAP)
        write(figure, left, TOP, name, size=9.5)
        axes = axes_in(figure, Box(left, TOP + _NAME, _SIDE, _SIDE))
        draw_rim(axes, is_disk=name == _DISK)
        _draw_points(axes, places if name == _DISK else _fitted(places), classes, one)
    said = ", ".join(f"{100 * share:.0f} %" for share in shares)
    write(figure, MARGIN, TOP + _NAME + _SIDE + 0.08, f"share of the variance: {said}")
    return figure


def principal_components(
    vectors: Float64[np.ndarray, "voxels dim"],
) -> tuple[Float64[np.ndarray, "voxels 2"], tuple[float, float]]:
    """Vectors along the two axes of most variance.

    Args:
        vectors: Shape ``(voxels, dim)``, of at least two dimensions.

    Returns:
        Coordinates, shape ``(voxels, 2)``, and the share of the variance that each axis has.
    """
    centred = vectors - vectors.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    # An axis has no sign of its own: its largest coordinate is positive.
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    shares = np.square(sizes) / max(float(np.square(sizes).sum()), 1e-300)
    return centred @ (axes * signs[:, np.newaxis])[:2].T, (float(shares[0]), float(shares[1]))


def umap_layouts(
    vectors: Float64[np.ndarray, "voxels dim"], *, seed: int = 0
) -> Mapping[str, Float64[np.ndarray, "voxels 2"]]:
    r"""Vectors laid out by UMAP, in the plane and in the disk.

    A point (x, y) of the second is on the hyperboloid at the height z = √(1 + x² + y²), and in
    the disk at

    .. math:: \frac{(x, y)}{1 + z}

    Args:
        vectors: Shape ``(voxels, dim)``.
        seed: Seed of the layout.

    Returns:
        Points by name of the layout, shape ``(voxels, 2)``.

    Raises:
        MissingExtraError: If UMAP is not installed.

    Source:
        McInnes, Healy & Melville (2018). https://arxiv.org/abs/1802.03426
        Hyperboloid: umap-learn, "UMAP on non-Euclidean embedding spaces".
        https://umap-learn.readthedocs.io/en/latest/embedding_space.html
    """
    import warnings

    try:
        # Imported here: what it compiles takes half a minute, and only this picture needs it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP
    except ImportError as error:
        raise MissingExtraError(
            "UMAP must be installed to lay out codes, and is not. Install gyrovox[umap]."
        ) from error
    neighbours = min(_NEIGHBOURS, len(vectors) - 1)
    layouts = {}
    for name, metric in ((_PLANE, "euclidean"), (_DISK, "hyperboloid")):
        made = UMAP(
            n_components=2,
            n_neighbors=neighbours,
            output_metric=metric,
            random_state=seed,
            n_jobs=1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numba, about itself
            points = np.asarray(made.fit_transform(vectors.astype(np.float32)), np.float64)
        layouts[name] = hyperboloid_to_disk(points) if name == _DISK else points
    return layouts


def hyperboloid_to_disk(points: Float64[np.ndarray, "points 2"]) -> Float64[np.ndarray, "points 2"]:
    """Points of the hyperboloid, given without their height, in the Poincaré disk.

    Args:
        points: Shape ``(points, 2)``.

    Returns:
        Shape ``(points, 2)``, of lengths below 1.
    """
    height = np.sqrt(1 + np.square(points).sum(axis=1, keepdims=True))
    return np.asarray(points / (1 + height))


def _fitted(points: Float64[np.ndarray, "voxels 2"]) -> Float64[np.ndarray, "voxels 2"]:
    """Points of a plane, about their middle and within the panel."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - (low + high) / 2) / max(float((high - low).max()) / 1.9, 1e-300))


def _draw_points(
    axes: "Axes",
    points: Float[np.ndarray, "voxels 2"],
    classes: Integer[np.ndarray, "voxels"],
    one: Level,
) -> None:
    # In an order that has nothing to do with classes: none lies on top of all others.
    order = np.random.default_rng(0).permutation(len(points))
    x, y = points[order].T
    axes.scatter(
        x,
        y,
        s=4,
        c=one.colours[classes[order]],
        edgecolors="#00000030",
        linewidths=0.3,
        zorder=2,
        rasterized=True,
    )
