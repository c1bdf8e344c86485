"""The pages of the panel "Grain sizes": table, distribution, methods. They show and emit; nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from temgrains.gui import _widgets
from temgrains.gui.sizes_layers import LINE_KINDS
from temgrains.gui.sizes_parts import column_of, scrolling, text_label
from temgrains.gui.sizes_plot import KINDS, DistributionPlot
from temgrains.gui.sizes_state import distribution_text, method_text, number, why_text, with_unit
from temgrains.gui.sizes_table import GrainTable
from temgrains.statistics.unfolding import FILM, SECTION

if TYPE_CHECKING:
    from temgrains.gui.sizes_state import Column, Shown
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
        layout = column_of(self)
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
    """Histogram, fit and cumulative share, and what they show in numbers; whether sections are unfolded."""

    stated = Signal()
    """The user stated another specimen, or wants spheres or none."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = DistributionPlot()
        self.kind, self.specimen = QComboBox(), QComboBox()
        self.kind.addItems(KINDS)
        self.kind.setToolTip(
            "Shares by number or by area, the area by ASTM G, where two kinds of grain show as two peaks, or "
            "quantiles against those of a lognormal distribution"
        )
        for name, kind in (("columnar film", "film"), ("section", "section")):
            self.specimen.addItem(name, kind)
        self.specimen.setToolTip(
            "A film whose grains reach through it, or a section through grains much smaller than the specimen"
            "  (--specimen)"
        )
        self.unfold = QCheckBox("spheres")
        self.unfold.setToolTip(
            "Estimate the spheres behind the circles of a section, by number (Saltykov); takes grains as "
            "spheres that do not touch, and gives no error  (--unfold)"
        )
        self.banner, self.text = text_label(), text_label()
        content = QWidget()
        layout = column_of(content)
        layout.addWidget(_widgets.row([_widgets.label("Specimen"), self.specimen, self.unfold, 1]))
        layout.addWidget(self.banner)
        layout.addWidget(_widgets.row([_widgets.label("Show"), self.kind, 1]))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.text)
        column_of(self).addWidget(scrolling(content))
        self.kind.currentTextChanged.connect(self.plot.show_kind)
        self.specimen.currentIndexChanged.connect(lambda _: self._on_specimen())
        self.unfold.toggled.connect(lambda _: self.stated.emit())
        self._on_specimen()

    def show_distribution(self, shown: Shown) -> None:
        """Show diameters, their statistics and their fit."""
        self.plot.show_distribution(shown)
        self.text.setText(distribution_text(shown))

    def _on_specimen(self) -> None:
        """Say what a film and a section are; nothing is to be unfolded in a film."""
        film = self.specimen.currentData() == "film"
        if film:
            self.unfold.setChecked(False)
        self.unfold.setEnabled(not film)
        self.banner.setText(f"<i>{FILM if film else SECTION}</i>")
        self.stated.emit()


class MethodsPage(QWidget):
    """Grain size by each method; the chosen one with its formula and counts; why they differ."""

    lines = Signal(str)
    """Which test lines are to be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: list[GrainSize] = []
        self.table = _method_table()
        self.table.currentCellChanged.connect(lambda row, *_: self._show_method(row))
        self.detail, self.why = text_label(), text_label()
        self.fold = _widgets.Fold("Why do these differ?", self.why)
        self.draw = QComboBox()
        self.draw.addItems(LINE_KINDS)
        self.draw.setToolTip(
            "Draw what the intercept methods count crossings on; of Heyn's lines, one pixel apart, only a few"
        )
        self.draw.textActivated.connect(self.lines)
        content = QWidget()
        layout = column_of(content)
        layout.addWidget(self.table)
        layout.addWidget(_widgets.row([_widgets.label("Test lines"), self.draw, 1]))
        layout.addWidget(self.detail)
        layout.addWidget(self.fold)
        layout.addStretch(1)
        column_of(self).addWidget(scrolling(content))

    def show_methods(self, methods: list[GrainSize]) -> None:
        """Show the results of all methods."""
        self._methods = methods
        row = max(self.table.currentRow(), 0)
        self.table.blockSignals(True)
        self.table.setRowCount(len(methods))
        for k, found in enumerate(methods):
            texts = (found.method, with_unit(found.size, found.unit), number(round(found.g, 2)))
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
