"""The dock widget: levels, disk and classes of a tree, all linked to the layer of its leaves."""

from collections.abc import Callable
from contextlib import suppress
from typing import final

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gyrovox.errors import EditConflictError, GyrovoxError

from .class_list import ClassList
from .disk_figure import DiskFigure
from .disk_view import DiskView
from .hover import Hover
from .layer_chooser import LayerChooser
from .leaf_layer import colour_map, features, leaf_layer
from .level_slider import LevelSlider
from .shown_tree import KEY, ShownTree
from .training_panel import Segmented, TrainingPanel

_NOTHING = "Open a folder that gyrovox segment wrote, or train on an image layer."
_HOVER = "Move the mouse over the segments to see where they are in the tree."


@final
class Explorer(QWidget):
    """Levels, disk and classes of the tree whose leaves a labels layer shows.

    Args:
        napari_viewer: The viewer that it is docked to.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._figure: DiskFigure | None = None
        self.layers = LayerChooser(napari_viewer.layers, has_tree)
        self.levels = LevelSlider()
        self.disk = DiskView()
        self.classes = ClassList()
        self.split_button = QPushButton("Split")
        self.split_button.setToolTip("show the two parts of the selected class")
        self.join_button = QPushButton("Join")
        self.join_button.setToolTip("join the selected class with its sibling in the tree")
        self.path = QLabel()
        self.path.setWordWrap(True)
        self.path.setMinimumHeight(2 * self.path.fontMetrics().lineSpacing())
        self.path.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.training = TrainingPanel(napari_viewer.layers)
        self._arrange()
        self._connect()
        self._hover = Hover(napari_viewer, lambda: self.layers.layer, self)
        self._hover.over.connect(self._show_path)
        self._show_layer()

    def _arrange(self) -> None:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addWidget(self.layers)
        layout.addWidget(self.levels)
        layout.addWidget(self.disk, 3)
        layout.addWidget(self.path)
        layout.addWidget(self.classes, 2)
        buttons = QHBoxLayout()
        buttons.addWidget(self.split_button)
        buttons.addWidget(self.join_button)
        layout.addLayout(buttons)
        self.tabs = QTabWidget()
        self.tabs.addTab(page, "Explore")
        self.tabs.addTab(self.training, "Segment")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.tabs)
        self.setMinimumWidth(260)

    def _connect(self) -> None:
        self.layers.chosen.connect(self._show_layer)
        self.levels.chosen.connect(self._choose_level)
        self.disk.pressed.connect(self._light_node)
        self.classes.picked.connect(self._light_class)
        self.classes.renamed.connect(self._rename)
        self.split_button.clicked.connect(self._split)
        self.join_button.clicked.connect(self._join)
        self.training.segmented.connect(self._add)

    @property
    def shown(self) -> ShownTree | None:
        """The tree of the layer that is chosen, as it is looked at."""
        layer = self.layers.layer
        return None if layer is None else layer.metadata[KEY]

    def show_tree(self, shown: ShownTree) -> None:
        """Show the tree of the chosen layer in another way: in its colours, the disk, the list.

        Args:
            shown: The tree.
        """
        layer, before = self.layers.layer, self.shown
        if layer is None or before is None:
            return
        layer.metadata[KEY] = shown
        layer.colormap = colour_map(shown)
        if shown.edits != before.edits:
            is_same = shown.edits.names == before.edits.names
            layer.features = features(shown, dict(layer.features) if is_same else None)
        self._show_parts(shown)

    def _show_layer(self) -> None:
        """Another layer was chosen, or none is left."""
        shown = self.shown
        self.path.setText(_NOTHING if shown is None else _HOVER)
        if shown is not None:
            self.levels.set_tree(shown.trunk.n_leaves, shown.marks)
        self._show_parts(shown)

    def _show_parts(self, shown: ShownTree | None) -> None:
        for part in (self.levels, self.classes, self.split_button, self.join_button):
            part.setEnabled(shown is not None)
        self.classes.show_tree(shown)
        if shown is None:
            self.disk.show_figure(None, np.zeros((0, 3), np.uint8), ())
            return
        self.levels.show_classes(len(shown.cut))
        last = self._figure
        if last is None or last.trunk is not shown.trunk or last.cut != shown.cut:
            self._figure = DiskFigure(shown.trunk, shown.positions, shown.cut)
        self.disk.show_figure(self._figure, shown.node_colours, shown.lit)
        for button in (self.split_button, self.join_button):
            button.setEnabled(self.classes.row >= 0)

    def _choose_level(self, classes: int) -> None:
        if self.shown is not None:
            self.show_tree(self.shown.at_level(classes))

    def _light_node(self, node: int) -> None:
        if self.shown is not None:
            self.show_tree(self.shown.with_lit(() if node < 0 else (node,)))
            self._show_path_of(node)

    def _light_class(self, row: int) -> None:
        if self.shown is not None:
            self.show_tree(self.shown.with_lit(() if row < 0 else self.shown.classes.nodes[row]))

    def _split(self, _checked: bool = False) -> None:
        self._change(lambda shown: shown.expanded(self.classes.row))

    def _join(self, _checked: bool = False) -> None:
        self._change(lambda shown: shown.joined(self.classes.row))

    def _rename(self, row: int, name: str) -> None:
        self._change(lambda shown: shown.renamed(row, name))

    def _change(self, change: Callable[[ShownTree], ShownTree]) -> None:
        """Show a tree after a change, or say why that cannot be made."""
        shown = self.shown
        if shown is None:
            return
        try:
            self.show_tree(change(shown))
        except EditConflictError as error:
            show_error(f"{str(error).rstrip('.')}. They are shown now.")
            with suppress(GyrovoxError):
                self.show_tree(shown.reread())
        except GyrovoxError as error:
            show_error(str(error))

    def _show_path(self, label: int) -> None:
        self._show_path_of(label - 1)

    def _show_path_of(self, node: int) -> None:
        """Write and draw the path from the root to a node; none for −1."""
        shown = self.shown
        if shown is None:
            return
        self.path.setText(_HOVER if node < 0 else shown.path_text(node))
        self.disk.show_path(() if node < 0 else shown.path(node))

    def _add(self, segmented: Segmented) -> None:
        """Add the leaves of a new tree as a layer, and show it."""
        tree = segmented.tree
        leaves = (tree.leaves + 1).astype(np.min_scalar_type(tree.n_leaves))
        shown = ShownTree.of_tree(tree, segmented.classes)
        data, facts, _ = leaf_layer(leaves, shown, segmented.name, segmented.where)
        # Not add_labels: to plugins the viewer gives a stand-in for the layer that it adds.
        layer = Labels(data, **facts)
        self._viewer.add_layer(layer)
        self.layers.choose(layer)
        self.tabs.setCurrentIndex(0)
        show_info(f"{segmented.name}: segmented into a tree of {tree.n_leaves} leaves")


def has_tree(layer: Layer) -> bool:
    """Whether a layer shows the leaves of a tree.

    Args:
        layer: Any layer.

    Returns:
        Whether it does.
    """
    return isinstance(layer, Labels) and isinstance(layer.metadata.get(KEY), ShownTree)
