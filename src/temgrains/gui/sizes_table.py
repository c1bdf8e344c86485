"""The table of grains: a model over the measured table, sorted and filtered by numpy, and its view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView

from temgrains.gui.sizes_state import cell, columns_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from temgrains.gui.sizes_state import Column

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class GrainModel(QAbstractTableModel):
    """The grains that the filters leave, in the order of one column; undefined values come last."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, NDArray[Any]] = {"grain": np.zeros(0, np.int64)}
        self._columns: list[Column] = []
        self._kept = np.zeros(0, np.intp)
        self._order = np.zeros(0, np.intp)
        self._sorting = (0, Qt.SortOrder.AscendingOrder)

    def show_grains(self, table: pd.DataFrame, kept: NDArray[np.bool_]) -> None:
        """Show the rows of a table that are kept."""
        self.beginResetModel()
        self._values = {str(name): table[name].to_numpy() for name in table}
        self._columns = columns_of(table)
        self._kept = np.flatnonzero(kept)
        self._sort()
        self.endResetModel()

    def grain(self, row: int) -> int:
        """Give the number of the grain in a row."""
        return int(self._values["grain"][self._order[row]])

    def row_of(self, grain: int) -> int | None:
        """Give the row of a grain, None where it is left out."""
        rows = np.flatnonzero(self._values["grain"][self._order] == grain)
        return int(rows[0]) if len(rows) else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Give the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Give the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give what a cell shows."""
        value = self._values[self._columns[index.column()].name][self._order[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell(value)
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(self._values["remark"][self._order[index.row()]]) or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if isinstance(value, str) else _RIGHT
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Give a column's title with its unit, or what it means."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        column = self._columns[section]
        return {Qt.ItemDataRole.DisplayRole: column.title, Qt.ItemDataRole.ToolTipRole: column.tip}.get(role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the rows into the order of a column."""
        self.layoutAboutToBeChanged.emit()
        self._sorting = (column, order)
        self._sort()
        self.layoutChanged.emit()

    def _sort(self) -> None:
        column, order = self._sorting
        self._order = self._kept
        if not 0 <= column < len(self._columns):
            return
        values = self._values[self._columns[column].name][self._kept]
        falling = order == Qt.SortOrder.DescendingOrder
        if values.dtype == object:
            by_value = np.argsort(values.astype(str), kind="stable")[:: -1 if falling else 1]
        else:
            by_value = np.argsort(-values.astype(float) if falling else values, kind="stable")
        self._order = self._kept[by_value]


class GrainTable(QTableView):
    """The table of grains; one grain at a time is chosen."""

    chosen = Signal(int)
    """The number of the grain whose row the user chose."""

    def __init__(self) -> None:
        super().__init__()
        self.grains = GrainModel()
        self.setModel(self.grains)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(22)
        self.horizontalHeader().setHighlightSections(False)
        self._silent = False
        self._grain: int | None = None
        self._titles: list[str] = []
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def show_grains(self, table: pd.DataFrame, kept: NDArray[np.bool_]) -> None:
        """Show other grains; the chosen one stays chosen where it is still there."""
        grain = self._grain
        self._silent = True
        self.grains.show_grains(table, kept)
        self._silent = False
        titles = [column.title for column in columns_of(table)]
        if titles != self._titles:
            self._titles = titles
            self._fit_columns()
        self.select(grain)

    def select(self, grain: int | None) -> bool:
        """Choose a grain's row without telling of it; say whether it is in the table."""
        row = None if grain is None else self.grains.row_of(grain)
        self._grain = grain if row is not None else None
        self._silent = True
        if row is None:
            self.clearSelection()
            self.selectionModel().clearCurrentIndex()
        else:
            index = self.grains.index(row, 0)
            rows = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(index, rows)
            self.scrollTo(index)
        self._silent = False
        return row is not None

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if not self._silent and current.isValid():
            self._grain = self.grains.grain(current.row())
            self.chosen.emit(self._grain)

    def _fit_columns(self) -> None:
        header = self.horizontalHeader()
        metrics = header.fontMetrics()
        for k, title in enumerate(self._titles):
            self.setColumnWidth(
                k, 300 if title == "Remark" else max(metrics.horizontalAdvance(title) + 30, 64)
            )
