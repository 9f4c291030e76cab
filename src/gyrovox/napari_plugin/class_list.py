"""The classes of a cut as a table: colour, name, size. Names can be edited."""

from typing import final

from qtpy.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from gyrovox.progress import quantity

from .shown_tree import ShownTree

_NAME = 0
_TITLES = ("class", "voxels", "nm³")
_ROLE = Qt.ItemDataRole


@final
class ClassRows(QAbstractTableModel):
    """The rows: one per class, the largest first.

    `renamed` tells the row and the new name; the rows change once another tree is shown.
    """

    renamed = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self._shown: ShownTree | None = None

    def show_tree(self, shown: ShownTree | None) -> None:
        """Show the classes of a tree; none if None."""
        self.beginResetModel()
        self._shown = shown
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt calls it so
        return 0 if self._shown is None else len(self._shown.classes)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt calls it so
        is_known = self._shown is not None and self._shown.trunk.voxel_size_nm is not None
        return 3 if is_known else 2

    def headerData(  # noqa: N802 - Qt calls it so
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> str | None:
        is_title = orientation == Qt.Orientation.Horizontal and role == _ROLE.DisplayRole
        return _TITLES[section] if is_title else None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> object:
        if self._shown is None:
            return None
        if role in {_ROLE.DisplayRole, _ROLE.EditRole}:
            return self._text(self._shown, index.row(), index.column())
        if role == _ROLE.DecorationRole and index.column() == _NAME:
            return QColor(self._shown.classes.colours[index.row()])
        if role == _ROLE.TextAlignmentRole and index.column() != _NAME:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, shown: ShownTree, row: int, column: int) -> str:
        voxels = shown.classes.sizes[row]
        z, y, x = shown.trunk.voxel_size_nm or (1.0, 1.0, 1.0)
        return (shown.classes.names[row], f"{voxels:,}", quantity(voxels * z * y * x))[column]

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return plain | Qt.ItemFlag.ItemIsEditable if index.column() == _NAME else plain

    def setData(  # noqa: N802 - Qt calls it so
        self, index: QModelIndex, value: object, role: int = _ROLE.EditRole
    ) -> bool:
        if role == _ROLE.EditRole and value != self.data(index, role):
            self.renamed.emit(index.row(), str(value))
        return False  # what is shown changes once the name is saved


@final
class ClassList(QTableView):
    """The table of the classes.

    `picked` tells the row that a person selects, or −1 where it is none any more; `renamed` the row
    of a class and its new name.
    """

    picked = Signal(int)
    renamed = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.rows = ClassRows()
        self.rows.renamed.connect(self.renamed)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setAccessibleName("classes")
        self.setMinimumHeight(90)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.selectionModel().selectionChanged.connect(self._tell)

    def show_tree(self, shown: ShownTree | None) -> None:
        """Show the classes of a tree; that which is lit, if it is one, is selected."""
        self.selectionModel().blockSignals(True)
        self.rows.show_tree(shown)
        self.horizontalHeader().setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        if shown is not None and shown.lit in shown.classes.nodes:
            self.selectRow(shown.classes.nodes.index(shown.lit))
        self.selectionModel().blockSignals(False)

    @property
    def row(self) -> int:
        """The row that is selected; −1 where none is."""
        return min((index.row() for index in self.selectionModel().selectedRows()), default=-1)

    def _tell(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        self.picked.emit(self.row)
