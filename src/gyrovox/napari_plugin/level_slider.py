"""The slider of the levels: numbers of classes on a logarithmic scale, with marks."""

from collections.abc import Sequence
from typing import final

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QVBoxLayout, QWidget

from .level_scale import STEPS, LevelScale

_MARK = 16
"""Height of the numbers below the slider, and half the width that each may take, in pixels."""

_HANDLE = 12
"""Width of the slider's handle, of which half lies beyond each end of its way, in pixels."""


@final
class LevelSlider(QWidget):
    """A slider and a field for the number of classes; below, marks to click on.

    `chosen` tells the number whenever a person changes it.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._scale = LevelScale(2)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.slider.setAccessibleName("level of detail")
        self.field = QSpinBox()
        self.field.setAccessibleName("number of classes")
        self.field.setKeyboardTracking(False)
        self.field.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.field.setFixedWidth(60)
        self.marks = LevelMarks(self.slider)
        self.slider.valueChanged.connect(self._slid)
        self.field.valueChanged.connect(self._choose)
        self.marks.chosen.connect(self._choose)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.slider)
        left.addWidget(self.marks)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(left, 1)
        layout.addWidget(self.field, 0, Qt.AlignmentFlag.AlignTop)

    def set_tree(self, n_leaves: int, marks: Sequence[int]) -> None:
        """Show the levels of another tree.

        Args:
            n_leaves: Its leaves.
            marks: Numbers of classes that are marked.
        """
        self._scale = LevelScale(n_leaves)
        self.field.blockSignals(True)
        self.field.setRange(self._scale.fewest, n_leaves)
        self.field.blockSignals(False)
        self.marks.set_marks(self._scale, marks)

    def show_classes(self, classes: int) -> None:
        """Show a number of classes that was chosen elsewhere; nothing is told.

        Args:
            classes: The number.
        """
        for part in (self.slider, self.field):
            part.blockSignals(True)
        # A position that means this number may stay: the slider does not jump below a hand.
        if self._scale.classes(self.slider.value()) != classes:
            self.slider.setValue(self._scale.position(classes))
        self.field.setValue(classes)
        for part in (self.slider, self.field):
            part.blockSignals(False)

    def _slid(self, position: int) -> None:
        classes = self._scale.classes(position)
        if classes != self.field.value():
            self._choose(classes)

    def _choose(self, classes: int) -> None:
        self.show_classes(classes)
        self.chosen.emit(classes)


@final
class LevelMarks(QWidget):
    """Numbers below a slider, each where the slider stands for it; a click on one chooses it.

    Args:
        slider: The slider above.
    """

    chosen = Signal(int)

    def __init__(self, slider: QSlider) -> None:
        super().__init__()
        self._slider = slider
        self._scale = LevelScale(2)
        self._marks: tuple[int, ...] = ()
        self.setToolTip("levels that this tree suggests, and those that were written")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt calls it so
        return QSize(120, 2 * _MARK)

    def set_marks(self, scale: LevelScale, marks: Sequence[int]) -> None:
        """Show other numbers.

        Args:
            scale: Where numbers lie along the slider.
            marks: The numbers.
        """
        self._scale = scale
        self._marks = tuple(sorted({mark for mark in marks if mark <= scale.n_leaves}))
        self.update()

    def place(self, mark: int) -> float:
        """Where a number lies, in pixels from the left."""
        share = self._scale.position(mark) / STEPS
        left = self._slider.x() - self.x() + _HANDLE / 2
        return float(left + share * (self._slider.width() - _HANDLE))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt calls it so
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        font = painter.font()
        font.setPointSizeF(0.85 * font.pointSizeF())
        painter.setFont(font)
        free = [-_MARK, -_MARK]  # where each of two lines of numbers has room again
        for mark in self._marks:
            place = self.place(mark)
            painter.drawLine(round(place), 0, round(place), 3)
            line = 0 if free[0] <= place else 1
            if free[line] > place:
                continue
            width = painter.fontMetrics().horizontalAdvance(str(mark))
            free[line] = round(place + width + 6)
            left = min(max(0.0, place - width / 2), self.width() - width)
            painter.drawText(QRectF(left, 3 + line * 12, width + 1, 14), str(mark))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt calls it so
        if not self._marks:
            return
        x = event.position().x()
        nearest = min(self._marks, key=lambda mark: abs(self.place(mark) - x))
        if abs(self.place(nearest) - x) <= _MARK:
            self.chosen.emit(nearest)
