"""The Poincaré disk of a tree on the screen: nodes, the geodesics between them, clicks."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float64, UInt8
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from .disk_figure import DiskFigure

_MARGIN = 8
_REACH = 12  # pixels around a node in which a click means it
_SMALLEST, _LARGEST = 2.0, 8.0  # radii of nodes


@final
class DiskView(QWidget):
    """The nodes of a tree where their codes lie.

    `pressed` tells the node that was clicked, or −1 where none was near.
    """

    pressed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._figure: DiskFigure | None = None
        self._colours: UInt8[np.ndarray, "nodes 3"] = np.zeros((0, 3), np.uint8)
        self._lit: tuple[int, ...] = ()
        self._path: tuple[int, ...] = ()
        self.setMinimumSize(180, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAccessibleName("tree in the latent disk")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt calls it so
        return QSize(280, 280)

    def show_figure(
        self,
        figure: DiskFigure | None,
        colours: UInt8[np.ndarray, "nodes 3"],
        lit: Sequence[int],
    ) -> None:
        """Show a tree down to a cut.

        Args:
            figure: The nodes and where they lie; None for an empty disk.
            colours: Colour of every node, sRGB, shape ``(nodes, 3)``.
            lit: Nodes that are ringed.
        """
        self._figure = figure
        self._colours = colours
        self._lit = tuple(lit)
        self._path = ()
        self.update()

    def show_path(self, path: Sequence[int]) -> None:
        """Draw the way between nodes, such as that from the root to what the mouse is over.

        Args:
            path: The nodes, one after the other; empty for none.
        """
        if tuple(path) != self._path:
            self._path = tuple(path)
            self.update()

    def place(self, node: int) -> QPointF:
        """Where a node is in this widget, in pixels.

        Raises:
            ValueError: If no tree is shown.
        """
        if self._figure is None:
            raise ValueError("a node has a place once a tree is shown, and none is.")
        x, y = self._figure.positions[node].tolist()
        return self._pixel(x, y)

    @property
    def _radius(self) -> float:
        return max(1.0, float(min(self.width(), self.height())) / 2 - _MARGIN)

    def _pixel(self, x: float, y: float) -> QPointF:
        return QPointF(
            self.width() / 2 + self._radius * x,
            self.height() / 2 - self._radius * y,
        )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt calls it so
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(self.foregroundRole())
        faint = QColor(text)
        faint.setAlphaF(0.35)
        middle, reach = QPointF(self.width() / 2, self.height() / 2), self._radius
        painter.setPen(QPen(faint, 1.2))
        if self._figure is None:
            painter.drawEllipse(middle, reach, reach)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "no tree is chosen")
        else:
            if self._figure.is_disk:
                painter.drawEllipse(middle, reach, reach)
            else:
                painter.drawRect(
                    QRectF(middle.x() - reach, middle.y() - reach, 2 * reach, 2 * reach)
                )
            painter.setPen(QPen(faint, 1.0))
            for edge in self._figure.edges.values():
                painter.drawPath(self._line(edge))
            self._draw_nodes(painter, self._figure, text)
            self._draw_path(painter, self._figure, text)
        painter.end()

    def _draw_nodes(self, painter: QPainter, figure: DiskFigure, text: QColor) -> None:
        cut, lit = set(figure.cut), set(self._lit)
        sizes = np.cbrt(figure.trunk.sizes / figure.trunk.sizes[-1])
        # Small ones on top of large ones.
        for node in figure.nodes.tolist():
            radius = _SMALLEST + (_LARGEST - _SMALLEST) * float(sizes[node])
            if node in cut:
                painter.setPen(QPen(text, 0.8))
                painter.setBrush(QColor(*self._colours[node].tolist()))
            else:
                radius = _SMALLEST
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(text)
            painter.drawEllipse(self.place(node), radius, radius)
            if node in lit:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(text, 2.0))
                painter.drawEllipse(self.place(node), radius + 4, radius + 4)

    def _draw_path(self, painter: QPainter, figure: DiskFigure, text: QColor) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(text, 2.2))
        for start, end in zip(self._path, self._path[1:], strict=False):
            painter.drawPath(self._line(figure.way(start, end)))
        if self._path:
            painter.setBrush(QColor(*self._colours[self._path[-1]].tolist()))
            painter.drawEllipse(self.place(self._path[-1]), 4.0, 4.0)

    def _line(self, points: Float64[np.ndarray, "points 2"]) -> QPainterPath:
        first, *others = points.tolist()
        path = QPainterPath(self._pixel(*first))
        for x, y in others:
            path.lineTo(self._pixel(x, y))
        return path

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt calls it so
        self.pressed.emit(-1 if (node := self._at(event.position())) is None else node)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt calls it so
        node = self._at(event.position())
        self.setToolTip("" if node is None else f"node {node}")

    def _at(self, pixel: QPointF) -> int | None:
        """The node that a pixel means; None if it is near none."""
        if self._figure is None:
            return None
        x = (pixel.x() - self.width() / 2) / self._radius
        y = (self.height() / 2 - pixel.y()) / self._radius
        return self._figure.nearest(x, y, _REACH / self._radius)
