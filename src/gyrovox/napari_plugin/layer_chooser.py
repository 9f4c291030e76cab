"""A box to choose one of those layers of a viewer that fit a purpose."""

from collections.abc import Callable
from functools import partial
from typing import final

from napari.components import LayerList
from napari.layers import Layer
from napari.utils.events import Event, EventEmitter
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox


@final
class LayerChooser(QComboBox):
    """The names of the layers that fit; `chosen` tells whenever it is another layer.

    Args:
        layers: The layers of a viewer.
        fits: Whether a layer is one to choose.
    """

    chosen = Signal()

    def __init__(self, layers: LayerList, fits: Callable[[Layer], bool]) -> None:
        super().__init__()
        self._layers = layers
        self._fits = fits
        self._last: Layer | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.currentIndexChanged.connect(self._tell)
        changes = (layers.events.inserted, layers.events.removed, layers.events.reordered)
        for change in changes:
            change.connect(self._refresh)
        # The viewer outlives this box, and would go on to call it.
        self.destroyed.connect(partial(_disconnect, changes, self._refresh))
        self._refresh()

    @property
    def layer(self) -> Layer | None:
        """The layer that is chosen; None where none fits."""
        return self.currentData()

    def choose(self, layer: Layer) -> None:
        """Choose a layer; nothing happens where it is none of those that fit."""
        index = self.findData(layer)
        if index >= 0:
            self.setCurrentIndex(index)

    def showPopup(self) -> None:  # noqa: N802 - Qt calls it so
        self._refresh()  # layers may have other names by now
        super().showPopup()

    def _refresh(self, event: Event | None = None) -> None:
        chosen = self.layer
        self.blockSignals(True)
        self.clear()
        # The topmost layer of the viewer first, as in its own list.
        for layer in reversed(self._layers):
            if self._fits(layer):
                self.addItem(layer.name, layer)
        self.setCurrentIndex(max(0, self.findData(chosen)) if self.count() else -1)
        self.blockSignals(False)
        self._tell()

    def _tell(self, index: int = 0) -> None:
        if self.layer is not self._last:
            self._last = self.layer
            self.chosen.emit()


def _disconnect(
    changes: tuple[EventEmitter, ...], callback: Callable[[Event | None], None], *_: object
) -> None:
    for change in changes:
        change.disconnect(callback)
