"""The Poincaré disk: where codes and nodes lie, by class, intensity, scale and reliability."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Float64, Integer

from gyrovox.report.geodesics import voronoi_borders
from gyrovox.report.latent_plane import LatentPlane
from gyrovox.report.pictures.disk_outline import draw_edges, draw_rim
from gyrovox.report.pictures.level import Level, level
from gyrovox.report.pictures.look import (
    GAP,
    INK,
    MARGIN,
    TOP,
    Box,
    axes_in,
    page,
    write,
)
from gyrovox.results import DiskMap, disk_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.report.pictures.voxel_codes import VoxelCodes
    from gyrovox.results import ResultFolder

_SIDE, _NAME, _SCALE = 2.75, 0.24, 0.38  # inches: a disk, its name above, a colour scale below
_COLUMNS = 3
_MOST_POINTS = 400_000
_MOST_NODES = 64  # classes of the finest cut whose nodes are all drawn
_NUMBERED = 12  # classes that still have room for their numbers
_GREY = (0.62, 0.64, 0.67)
_RAMP = "cividis"  # the same to every colour vision
_ENLARGED = 0.55  # of the radius: if all lies nearer to the middle, no more than that is shown
_LEAST = 0.15


def disk(
    result: "ResultFolder",
    *,
    codes: "VoxelCodes | None" = None,
    levels: "Sequence[int] | None" = None,
) -> "Figure":
    """Where the codes of voxels and the nodes of the tree lie.

    A panel for each level shows the density of the voxels' codes in the colours of its classes,
    the nodes that are its classes, the edges of the tree above them, which are geodesics, and
    dashed the borders between the points that are nearest to each centre, as k-means would draw
    them. Three more panels are coloured by the image's intensity, by the scale at which nodes
    form, and by how far the voxels of a node lie from its mean.

    Args:
        result: The result. Codes of two dimensions are shown as they are, others by
            `gyrovox.results.disk_map`, and without borders.
        codes: Codes of its voxels; without them, only nodes are shown.
        levels: Numbers of classes; by default those of the level files, or 2, 4 and 8.

    Returns:
        A page with three panels in a row.

    Raises:
        SettingsError: If the tree has not so many leaves.
    """
    space = _Space.of(result, codes)
    chosen = [level(result.trunk, k) for k in levels or list(result.levels) or (2, 4, 8)]
    painters = [_ClassPanel(space, one) for one in chosen]
    by_value: list[_ValuePanel] = [_intensities(space)] if space.intensities is not None else []
    by_value += [_scales(space), _spreads(space)]
    count = len(painters) + len(by_value)
    columns, rows = min(_COLUMNS, count), -(-count // _COLUMNS)
    # Only rows with values have room for a colour scale.
    first_scale = len(painters) // columns
    cell = _NAME + _SIDE + GAP
    figure = page(
        2 * MARGIN + columns * (_SIDE + GAP) - GAP,
        TOP + rows * cell + (rows - first_scale) * _SCALE,
        result.name,
        space.said,
    )
    panels: list[_ClassPanel | _ValuePanel] = [*painters, *by_value]
    for index, panel in enumerate(panels):
        left = MARGIN + index % columns * (_SIDE + GAP)
        row = index // columns
        top = TOP + row * cell + max(0, row - first_scale) * _SCALE
        write(figure, left, top, panel.name, size=9.5)
        axes = axes_in(figure, Box(left, top + _NAME, _SIDE, _SIDE))
        draw_rim(axes, is_disk=space.is_disk, reach=space.reach)
        panel.draw(axes)
        if isinstance(panel, _ValuePanel):
            box = Box(left + 0.55, top + _NAME + _SIDE + 0.09, _SIDE - 1.1, 0.08)
            panel.draw_scale(axes_in(figure, box))
    return figure


@final
@dataclass(frozen=True, eq=False)
class _Space:
    """What all panels of a page share: the tree, and where its nodes and the voxels lie."""

    result: "ResultFolder"
    map: DiskMap
    nodes: Float64[np.ndarray, "nodes 2"]
    reach: float
    """Half the side of what is shown, in radii of the disk."""
    plane: LatentPlane | None
    """The voxels, scaled so that what is shown spans −1 to 1."""
    leaves: Integer[np.ndarray, "voxels"] | None
    intensities: Float[np.ndarray, "voxels"] | None
    said: str

    @classmethod
    def of(cls, result: "ResultFolder", codes: "VoxelCodes | None") -> "_Space":
        space = disk_map(result.trunk)
        nodes = space.positions(result.trunk.codes)
        what = "Poincaré disk" if result.trunk.curvature < 0 else "latent plane"
        if not space.is_exact:
            what += f" of {result.trunk.codes.shape[1]} dimensions, by tangent PCA"
        is_disk = result.trunk.curvature < 0
        if codes is None:
            reach = _reach(nodes) if is_disk else 1.0
            said = f"{what}: nodes of the tree{_enlarged(result, reach)}"
            return cls(result, space, nodes, reach, None, None, None, said)
        some = codes.some(_MOST_POINTS)
        points = space.positions(codes.codes[some])
        reach = _reach(np.concatenate([nodes, points])) if is_disk else 1.0
        within = np.abs(points).max(axis=1) <= reach
        some, points = some[within], points[within]
        plane = LatentPlane(points / reach, np.arange(len(some)), is_disk=is_disk)
        values = None if codes.intensities is None else codes.intensities[some]
        said = f"{what}: density of the codes of {codes.said}, logarithmic"
        said += _enlarged(result, reach)
        return cls(result, space, nodes, reach, plane, codes.leaves[some], values, said)

    @property
    def is_disk(self) -> bool:
        """Whether it is hyperbolic."""
        return self.result.trunk.curvature < 0

    def draw_density(
        self,
        axes: "Axes",
        classes: Integer[np.ndarray, "voxels"],
        colours: Float[np.ndarray, "classes 3"],
        *,
        opaque: bool = False,
    ) -> None:
        """The density of the voxels, each in the colour of its class."""
        if self.plane is None:
            return
        picture = self.plane.density(classes.reshape(1, 1, -1), colours)
        if opaque:  # what the colour says counts, and not how many voxels there are
            picture[..., 3] = np.sqrt(picture[..., 3])
        reach = self.reach
        axes.imshow(
            picture,
            extent=(-reach, reach, -reach, reach),
            origin="lower",
            interpolation="nearest",
            zorder=1.5,
        )

    def draw_edges(self, axes: "Axes", cut: tuple[int, ...]) -> None:
        """The edges of the tree at and above a cut."""
        parents = self.result.trunk.parents
        above = _at_and_above(parents, cut)
        draw_edges(
            axes, parents, self.nodes, above[above != len(parents) - 1], is_disk=self.is_disk
        )

    def sizes(self, nodes: Integer[np.ndarray, "shown"]) -> Float64[np.ndarray, "shown"]:
        """Areas of the marks of nodes, in square points: as the cube root of their voxels."""
        sizes = self.result.trunk.sizes
        return np.asarray(12 + 130 * np.cbrt(sizes[nodes] / sizes[-1]))


@final
@dataclass(frozen=True, eq=False)
class _ClassPanel:
    """Voxels in the colours of a level's classes, its nodes, its tree and its borders."""

    space: _Space
    level: Level

    @property
    def name(self) -> str:
        count = len(self.level.nodes)
        return f"{count} class{'' if count == 1 else 'es'}"

    def draw(self, axes: "Axes") -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.patches import Rectangle

        space, one = self.space, self.level
        if space.leaves is not None:
            space.draw_density(axes, one.of_leaf[space.leaves], one.colours)
        centres = space.nodes[list(one.nodes)]
        if space.map.is_exact and 1 < len(centres) <= _MOST_NODES:
            borders = voronoi_borders(centres, flat=not space.is_disk)
            lines = LineCollection(borders, colors=INK, linewidths=0.8, linestyles=[(0, (3, 2))])
            axes.add_collection(lines)
            side = 2 * space.reach
            square = Rectangle((-space.reach, -space.reach), side, side, transform=axes.transData)
            lines.set_clip_path(square)
        if len(centres) <= _MOST_NODES:
            space.draw_edges(axes, one.nodes)
        numbered = len(centres) <= _NUMBERED
        for index in range(len(centres))[::-1]:  # the largest on top
            x, y = centres[index].tolist()
            size = 95.0 if numbered else 16.0
            axes.scatter(
                [x],
                [y],
                s=size,
                color=[one.colours[index]],
                edgecolors="white",
                linewidths=1,
                zorder=4,
            )
            if numbered:
                dark = float(one.colours[index] @ np.array([0.3, 0.59, 0.11])) < 0.55
                axes.annotate(
                    str(one.label(index)),
                    (x, y),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="white" if dark else INK,
                    zorder=5,
                )


@final
@dataclass(frozen=True, eq=False)
class _ValuePanel:
    """Voxels, or nodes, in the colours of a value, with the scale of these colours."""

    space: _Space
    name: str
    ends: tuple[str, str]
    """What the first and the last colour mean."""
    voxels: Float64[np.ndarray, "voxels"] | None
    """Values of the voxels in 0..1; None where nodes have them."""
    nodes: Integer[np.ndarray, "shown"]
    values: Float64[np.ndarray, "shown"]
    """Values of these nodes in 0..1."""

    def draw(self, axes: "Axes") -> None:
        from matplotlib import colormaps

        ramp = colormaps[_RAMP]
        if self.voxels is not None:
            colours = np.asarray(ramp(np.arange(256) / 255))[:, :3]
            classes = (self.voxels * 255).astype(np.int64)
            self.space.draw_density(axes, classes, colours, opaque=True)
            return
        if self.space.leaves is not None:
            grey = np.array([_GREY])
            self.space.draw_density(axes, np.zeros(len(self.space.leaves), np.int64), grey)
        self.space.draw_edges(axes, tuple(self.nodes.tolist()))
        order = np.argsort(-self.space.sizes(self.nodes), kind="stable")  # small ones on top
        shown = self.nodes[order]
        x, y = self.space.nodes[shown].T
        axes.scatter(
            x,
            y,
            s=self.space.sizes(shown),
            c=np.asarray(ramp(self.values[order])),
            edgecolors="white",
            linewidths=0.6,
            zorder=4,
        )

    def draw_scale(self, axes: "Axes") -> None:
        """A bar of all colours, with what its ends mean beside it."""
        axes.imshow(np.linspace(0, 1, 256)[np.newaxis], cmap=_RAMP, aspect="auto")
        for place, side, text in ((-0.04, "right", self.ends[0]), (1.04, "left", self.ends[1])):
            axes.text(
                place,
                0.5,
                text,
                transform=axes.transAxes,
                ha=side,
                va="center",
                fontsize=7.5,
                color=INK,
            )


def _intensities(space: _Space) -> _ValuePanel:
    """Voxels by the image's intensity."""
    values = np.zeros(0) if space.intensities is None else space.intensities.astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (0.5, 99.5)).tolist() if len(finite) else (0.0, 1.0)
    room = max(high - low, np.finfo(np.float32).tiny)
    shown = np.clip((np.nan_to_num(values, nan=low) - low) / room, 0, 1)
    nothing = np.zeros(0, np.int64)
    largest = max(abs(low), abs(high))
    ends = _short(low, largest), _short(high, largest)
    return _ValuePanel(space, "intensity of the image", ends, shown, nothing, np.zeros(0))


def _scales(space: _Space) -> _ValuePanel:
    """The coarsest merges by the scale at which they form."""
    trunk = space.result.trunk
    nodes = _coarsest(space)
    nodes = nodes[trunk.altitudes[nodes] > 0]
    return _by_nodes(space, "scale at which a node forms", nodes, trunk.altitudes, log=True)


def _spreads(space: _Space) -> _ValuePanel:
    """The coarsest nodes by how far their voxels lie from their means."""
    spreads = space.result.trunk.spreads.astype(np.float64)
    name = "spread of a node: its voxels to its mean"
    return _by_nodes(space, name, _coarsest(space), spreads, log=False)


def _by_nodes(
    space: _Space,
    name: str,
    nodes: Integer[np.ndarray, "shown"],
    of_all: Float64[np.ndarray, "nodes"],
    *,
    log: bool,
) -> _ValuePanel:
    """A panel of nodes by a value that all nodes have."""
    if not len(nodes):
        return _ValuePanel(space, name, ("", ""), None, nodes, np.zeros(0))
    values = of_all[nodes]
    low, high = float(values.min()), float(values.max())
    scaled = np.log(values) if log else values
    room = max(float(np.ptp(scaled)), np.finfo(np.float64).tiny)
    ends = _short(low, high), _short(high, high)
    return _ValuePanel(space, name, ends, None, nodes, (scaled - scaled.min()) / room)


def _coarsest(space: _Space) -> Integer[np.ndarray, "shown"]:
    """The nodes of the cut into 64 classes, and those above."""
    trunk = space.result.trunk
    cut = level(trunk, min(_MOST_NODES, trunk.n_leaves)).nodes
    return _at_and_above(trunk.parents, cut)


def _at_and_above(
    parents: Integer[np.ndarray, "nodes"], cut: tuple[int, ...]
) -> Integer[np.ndarray, "shown"]:
    """The nodes of a cut and all above them, ascending."""
    found, rising = set(cut), set(cut)
    while rising := {int(parents[node]) for node in rising} - found:
        found |= rising
    return np.array(sorted(found), np.int64)


def _reach(points: Float64[np.ndarray, "points 2"]) -> float:
    """How far from the middle of the disk there is something to see; 1 for all of it."""
    farthest = 1.15 * float(np.percentile(np.linalg.norm(points, axis=1), 99.9))
    return 1.0 if farthest > _ENLARGED else max(farthest, _LEAST)


def _enlarged(result: "ResultFolder", reach: float) -> str:
    """What a caption says where only the middle is shown."""
    if reach == 1:
        return ""
    distance = 2 * np.arctanh(reach) / np.sqrt(-result.trunk.curvature)
    return f"; enlarged, to a distance of {distance:.2g} from the middle"


def _short(value: float, largest: float) -> str:
    """A number in about six letters; what is nothing beside the largest is 0."""
    if abs(value) < 1e-5 * largest:
        return "0"
    return f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.2g}"
