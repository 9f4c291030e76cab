"""Which leaf of a tree the mouse is over, in the canvas of a viewer."""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, final, runtime_checkable

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget


@runtime_checkable
class MouseEvent(Protocol):
    """What napari tells of a mouse that moves."""

    position: Any
    view_direction: Any
    dims_displayed: Any


@final
class Hover(QObject):
    """Tells, by `over`, the label below the mouse whenever that changes; 0 for none.

    Args:
        viewer: The viewer.
        layer: The layer whose labels are meant; None while there is none.
        owner: The widget with which this ends.
    """

    over = Signal(int)

    def __init__(
        self, viewer: ViewerModel, layer: Callable[[], Layer | None], owner: QWidget
    ) -> None:
        super().__init__(owner)
        self._layer = layer
        self._last = 0
        # Not `self.moved`: the viewer outlives the widget, and would keep it.
        callback = partial(_moved, weakref.ref(self))
        callbacks = viewer.mouse_move_callbacks
        callbacks.append(callback)
        # Whichever goes first: Python's object, or the one of Qt that it stands for.
        forget = weakref.finalize(self, callbacks.remove, callback)
        owner.destroyed.connect(lambda *_: forget())

    def moved(self, position: object, direction: object, displayed: object) -> None:
        """Look what is at a position.

        Args:
            position: Where the mouse is, in the world.
            direction: Where the eye looks to, in the world; of no meaning in a slice.
            displayed: The axes that are displayed.
        """
        layer = self._layer()
        label = None
        if layer is not None and layer.visible:
            label = layer.get_value(
                position, view_direction=direction, dims_displayed=displayed, world=True
            )
        found = int(label or 0)
        if found != self._last:
            self._last = found
            self.over.emit(found)


def _moved(hover: "weakref.ref[Hover]", _viewer: ViewerModel, event: MouseEvent) -> None:
    found = hover()
    if found is not None:
        found.moved(event.position, event.view_direction, event.dims_displayed)
