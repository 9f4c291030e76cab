"""Train on an image layer and segment it, without a window that stands still meanwhile."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from napari.components import LayerList
from napari.layers import Image, Layer
from napari.qt.threading import FunctionWorker, create_worker
from napari.utils.notifications import Notification, notification_manager, show_error
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gyrovox.clustering import SegmentationTree
from gyrovox.errors import GyrovoxError

from .layer_chooser import LayerChooser
from .layer_volume import UnreadImage
from .training_task import Report, TrainingChoices, train_and_segment


@final
@dataclass(frozen=True, eq=False)
class Outcome:
    """What the work ends with: a tree, an error, or neither where it was cancelled.

    Args:
        tree: The tree.
        error: What went wrong. Napari's workers would raise an error that is given back bare.
    """

    tree: SegmentationTree | None = None
    error: Exception | None = None


@final
@dataclass(frozen=True, eq=False)
class Segmented:
    """What a training ended with.

    Args:
        tree: The tree of the layer.
        name: Name that the layer had.
        where: Where it lay, as keyword arguments of a layer.
        classes: How many classes to show first.
    """

    tree: SegmentationTree
    name: str
    where: dict[str, Any]
    classes: int


@final
class Teller(QObject):
    """Brings what the working thread says to the thread of the window."""

    told = Signal(object)


@final
class TrainingPanel(QWidget):
    """Choices, a button to begin, one to cancel, and how far the work has come.

    `segmented` tells what came out.

    Args:
        layers: The layers of a viewer.
    """

    segmented = Signal(object)

    def __init__(self, layers: LayerList) -> None:
        super().__init__()
        self._cancel = threading.Event()
        self._worker: FunctionWorker | None = None
        self._name = ""
        self._where: dict[str, Any] = {}
        self.images = LayerChooser(layers, lambda layer: isinstance(layer, Image))
        self.steps = _field(1, 1_000_000, 400, "updates of the network; more take longer")
        self.steps.setSingleStep(100)
        self.classes = _field(2, 65_535, 8, "classes to show first; the slider shows any other")
        self.seed = _field(0, 2**31 - 1, 0, "seed of everything random")
        self.run_button = QPushButton("Train and segment this layer")
        self.cancel_button = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.status = QLabel("The network learns from this layer alone; no labels are needed.")
        self.status.setWordWrap(True)
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.run_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self.images.chosen.connect(self._set_buttons)
        self._arrange()
        self._set_buttons()

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow("layer", self.images)
        form.addRow("steps", self.steps)
        form.addRow("classes", self.classes)
        form.addRow("seed", self.seed)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 1)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.status, 1)

    @property
    def is_working(self) -> bool:
        """Whether a training is under way."""
        return self._worker is not None

    def start(self, _checked: bool = False) -> None:
        """Begin with the layer that is chosen; what cannot be segmented is refused in words."""
        layer = self.images.layer
        if layer is None or self.is_working:
            return
        try:
            image = UnreadImage(layer)
            choices = TrainingChoices(steps=self.steps.value(), seed=self.seed.value())
        except GyrovoxError as error:
            self._fail(error)
            return
        cancel = self._cancel = threading.Event()
        # A panel that is closed wants no result; the work ends with its present step.
        self.destroyed.connect(lambda *_: cancel.set())
        teller = Teller()
        teller.told.connect(self._report)
        worker = create_worker(_outcome, image, choices, teller, cancel.is_set, _start_thread=False)
        worker.returned.connect(self._finish)
        self._worker = worker
        self._where = placement_of(layer)
        self._name = layer.name
        self._report(Report("starting"))
        self._set_buttons()
        worker.start()

    def cancel(self, _checked: bool = False) -> None:
        """Ask the work to end; it does after its present step, or stage."""
        if self.is_working:
            self._cancel.set()
            self.status.setText("cancelling: this step, or stage, is finished first")
            self.cancel_button.setEnabled(False)

    def _report(self, report: Report) -> None:
        if self._cancel.is_set():
            return
        self.bar.setRange(0, report.total)  # from 0 to 0, it shows that something is going on
        self.bar.setValue(report.done)
        self.status.setText(report.text)

    def _finish(self, outcome: Outcome) -> None:
        self._worker = None
        self._set_buttons()
        tree = outcome.tree
        if outcome.error is not None:
            self._fail(outcome.error)
        elif tree is None or self._cancel.is_set():
            self.status.setText("cancelled; nothing was changed")
        else:
            self.status.setText(f"{self._name}: a tree of {tree.n_leaves} leaves")
            self.segmented.emit(Segmented(tree, self._name, self._where, self.classes.value()))

    def _fail(self, error: Exception) -> None:
        """Say what went wrong: in words where it is one of ours, else with its traceback."""
        if isinstance(error, GyrovoxError):
            self.status.setText(str(error))
            show_error(str(error))
        else:
            self.status.setText(f"unexpected {type(error).__name__}: {error}")
            notification_manager.dispatch(Notification.from_exception(error))

    def _set_buttons(self) -> None:
        self.run_button.setEnabled(self.images.layer is not None and not self.is_working)
        self.cancel_button.setEnabled(self.is_working)
        self.bar.setVisible(self.is_working)


def placement_of(layer: Layer) -> dict[str, Any]:
    """Where a layer lies, for another one that is to lie exactly over it.

    Args:
        layer: The layer.

    Returns:
        Keyword arguments of a layer.
    """
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "units": layer.units,
    }


def _outcome(
    image: UnreadImage,
    choices: TrainingChoices,
    teller: Teller,
    is_cancelled: Callable[[], bool],
) -> Outcome:
    """The tree of a layer; an error is given back, since in a thread nobody would catch it."""
    try:
        tree = train_and_segment(image, choices, tell=teller.told.emit, is_cancelled=is_cancelled)
    except Exception as error:
        return Outcome(error=error)
    return Outcome(tree=tree)


def _field(lowest: int, highest: int, value: int, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(lowest, highest)
    field.setValue(value)
    field.setToolTip(tip)
    return field
