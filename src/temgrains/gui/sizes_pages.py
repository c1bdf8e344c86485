"""The pages of the panel "Grain sizes": table, distribution, methods. They show and emit; nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from temgrains.gui import _widgets
from temgrains.gui.sizes_layers import LINE_KINDS
from temgrains.gui.sizes_plot import KINDS, DistributionPlot
from temgrains.gui.sizes_state import distribution_text, method_text, number, why_text
from temgrains.gui.sizes_table import GrainTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from temgrains.gui.sizes_state import Column
    from temgrains.statistics.distribution import Lognormal, Summary
    from temgrains.statistics.field import GrainSize

_NO_COLOUR = "their own colours"


class GrainsPage(QWidget):
    """The table, and by which measure the grains are coloured."""

    coloured = Signal(str)
    """The column by which grains are to be coloured, "" for none."""

    def __init__(self) -> None:
        super().__init__()
        self.table = GrainTable()
        self.colour = QComboBox()
        self.colour.setToolTip("Show one measure as a map over the grains, with a colour bar")
        self.colour.addItem(_NO_COLOUR, "")
        self.colour.activated.connect(lambda _: self.coloured.emit(self.colour.currentData()))
        layout = _column(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(_widgets.row([_widgets.label("Colour by"), self.colour, 1]))

    def offer(self, columns: list[Column]) -> None:
        """Offer the measures of a table; the chosen one stays chosen where it is still there."""
        names = ["", *(column.name for column in columns if column.coloured)]
        if names == [self.colour.itemData(k) for k in range(self.colour.count())]:
            return
        before = self.colour.currentData().rsplit("_", 1)[0]  # the unit may be another one now
        self.colour.clear()
        self.colour.addItem(_NO_COLOUR, "")
        for column in columns:
            if column.coloured:
                self.colour.addItem(column.title, column.name)
        stays = next((k for k, name in enumerate(names) if name and name.rsplit("_", 1)[0] == before), 0)
        self.colour.setCurrentIndex(stays)


class DistributionPage(QWidget):
    """Histogram, fit and cumulative share, and what they show in numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = DistributionPlot()
        self.kind = QComboBox()
        self.kind.addItems(KINDS)
        self.kind.setToolTip(
            "Shares by number or by area, or quantiles against those of a lognormal distribution"
        )
        self.kind.currentTextChanged.connect(self.plot.show_kind)
        self.text = _text()
        layout = _column(self)
        layout.addWidget(_widgets.row([_widgets.label("Show"), self.kind, 1]))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.text)

    def show_distribution(
        self, diameters: NDArray[np.float64], summary: Summary, fit: Lognormal, unit: str
    ) -> None:
        """Show diameters, their statistics and their fit."""
        self.plot.show_diameters(diameters, fit, unit)
        self.text.setText(distribution_text(summary, fit, unit))


class MethodsPage(QWidget):
    """Grain size by each method; the chosen one with its formula and counts; why they differ."""

    lines = Signal(str)
    """Which test lines are to be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: list[GrainSize] = []
        self.table = _method_table()
        self.table.currentCellChanged.connect(lambda row, *_: self._show_method(row))
        self.detail, self.why = _text(), _text()
        self.fold = _widgets.Fold("Why do these differ?", self.why)
        self.draw = QComboBox()
        self.draw.addItems(LINE_KINDS)
        self.draw.setToolTip(
            "Draw what the intercept methods count crossings on; of Heyn's lines, one pixel apart, only a few"
        )
        self.draw.textActivated.connect(self.lines)
        content = QWidget()
        layout = _column(content)
        layout.addWidget(self.table)
        layout.addWidget(_widgets.row([_widgets.label("Test lines"), self.draw, 1]))
        layout.addWidget(self.detail)
        layout.addWidget(self.fold)
        layout.addStretch(1)
        _column(self).addWidget(_scrolling(content))

    def show_methods(self, methods: list[GrainSize]) -> None:
        """Show the results of all methods."""
        self._methods = methods
        row = max(self.table.currentRow(), 0)
        self.table.blockSignals(True)
        self.table.setRowCount(len(methods))
        for k, found in enumerate(methods):
            texts = (found.method, f"{number(found.size)} {found.unit}", number(round(found.g, 2)))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip("; ".join((found.method, found.size_is, *found.notes)))
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(k, column, item)
        self.table.setCurrentCell(row, 0)
        self.table.blockSignals(False)
        self._show_method(row)
        self.why.setText(why_text(methods) if methods else "")

    def _show_method(self, row: int) -> None:
        if 0 <= row < len(self._methods):
            self.detail.setText(method_text(self._methods[row]))
        else:
            self.detail.setText("")


def _method_table() -> QTableWidget:
    table = QTableWidget(0, 3)
    table.setHorizontalHeaderLabels(["Method", "Size", "ASTM G"])
    table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column in (1, 2):
        table.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(20)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setFixedHeight(11 * 20 + 28)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setToolTip("Choose a method to see its formula, its counts and what limits it")
    return table


def _text() -> QLabel:
    text = QLabel()
    text.setWordWrap(True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
    return text


def _scrolling(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _column(widget: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(2, 4, 2, 2)
    layout.setSpacing(4)
    return layout
