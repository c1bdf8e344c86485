"""The dock "Grain sizes": table, distribution and methods for a layer of grains, linked with the image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from temgrains.errors import sentence
from temgrains.gui import _widgets
from temgrains.gui._worker import Runner
from temgrains.gui.sizes_doubt import UncertaintyPage
from temgrains.gui.sizes_layers import SizeLayers
from temgrains.gui.sizes_link import Link
from temgrains.gui.sizes_pages import DistributionPage, GrainsPage, MethodsPage
from temgrains.gui.sizes_parts import FilterBar
from temgrains.gui.sizes_state import EMPTY, Shown, columns_of, kept, unit_of, weights_of_kept
from temgrains.gui.sizes_views import Views
from temgrains.gui.sizes_work import Fitting, Measuring, Telling, wording, writing
from temgrains.statistics import report
from temgrains.statistics.report import Choices

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QHideEvent, QShowEvent

    from temgrains.gui._chores import Chore
    from temgrains.gui._desk import Desk
    from temgrains.gui._worker import Work
    from temgrains.statistics.distribution import Lognormal
    from temgrains.statistics.report import Measured

FILES = ";;".join(
    (
        "HTML report (*.html)",
        "PDF report (*.pdf)",
        "CSV table (*.csv)",
        "XLSX workbook (*.xlsx)",
        "JSON (*.json)",
        "GeoJSON polygons (*.geojson)",
        "COCO polygons (*.coco.json)",
        "PNG figure (*.png)",
        "SVG figure (*.svg)",
    )
)

SOON_MS, LATER_MS = 20, 300
"""How long changes are collected before grains are measured, and before the fit is tried in full."""
FLUSH_MS = 15
"""Time between two looks at what was measured: the table is to follow an edit within 200 ms."""


class SizesPanel(QWidget):
    """Statistics of one layer of grains; works only while it is in view."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.link = Link(desk, self)
        self.layers = SizeLayers(desk.viewer, desk.watch.quietly)
        self.runner = Runner(self, alone=False, flush_ms=FLUSH_MS)
        self.found: Measured | None = None
        self.shown: Shown | None = None
        self._kept = np.zeros(0, np.bool_)
        self._waiting: Work | None = None
        self.choice = QComboBox()
        self.bar, self.message = FilterBar(), QLabel()
        self.save = _widgets.button(
            "Save…",
            "Write table, polygons, figure or report; all grains are in it, whatever the filters leave",
        )
        self.copy = _widgets.button("Copy text", "Copy a paragraph on methods and results for a paper")
        self.views = Views(desk, self)
        self.grains, self.distribution, self.methods = GrainsPage(), DistributionPage(), MethodsPage()
        self.doubt = UncertaintyPage(self.views)
        self.tabs = QTabWidget()
        self._soon, self._later, self._away = QTimer(self), QTimer(self), QTimer(self)
        self._build()
        self._connect()
        self._show()

    # What there is

    @property
    def busy(self) -> bool:
        """Whether something is measured or about to be."""
        return self.runner.busy or self._soon.isActive() or self._later.isActive()

    @property
    def choices(self) -> Choices:
        """What the user stated, as `temgrains measure` takes it."""
        return Choices(
            calibration_error=self.doubt.calibration_error,
            member_means=self.views.means,
            specimen=self.distribution.specimen.currentData(),
            unfold=self.distribution.unfold.isChecked(),
        )

    def choose_grain(self, grain: int, *, centre: bool = False) -> None:
        """Outline a grain and choose its row; say so where the filters leave it out."""
        layer = self.link.layer
        if layer is None or self.found is None:
            return
        in_table = self.grains.table.select(grain)
        self.layers.outline(layer, grain, centre=centre)
        self.message.setText("" if in_table else f"grain {grain} is left out by the filters")

    def save_to(self, path: Path) -> None:
        """Write what was found, in the format that the file's name ends in."""
        if self.found is not None:
            told = Telling(self.found, self.choices, self.link.context())
            self._begin(writing(told, path, lambda done: self._tell(f"saved {done}")))

    def copy_text(self) -> None:
        """Put a paragraph on methods and results into the clipboard."""
        if self.found is not None:
            self._begin(wording(Telling(self.found, self.choices, self.link.context()), self._take_text))

    def begin(self) -> None:
        """Follow the viewer, and measure what is there now."""
        self.link.follow(True)
        self._offer_layers()
        self._soon.start()

    def end(self) -> None:
        """Leave the viewer alone; its layers go when this is not only for a moment."""
        self.link.follow(False)
        self._away.start()

    # Events of Qt

    def showEvent(self, event: QShowEvent | None) -> None:
        """Begin when the panel comes into view."""
        super().showEvent(event)
        self.begin()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """End when it is hidden."""
        super().hideEvent(event)
        self.end()

    # Inside

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(4)
        self.choice.setToolTip("The layer of labels that is measured")
        self.choice.setPlaceholderText("no layer of grains")
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.message.setWordWrap(True)
        for page, title in (
            (self.grains, "Grains"),
            (self.distribution, "Distribution"),
            (self.methods, "Methods"),
            (self.doubt, "Uncertainty"),
        ):
            self.tabs.addTab(page, title)
        layout.addWidget(_widgets.row([_widgets.label("Grains"), self.choice]))
        layout.addWidget(self.bar)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(_widgets.row([self.save, self.copy, 1]))
        layout.addWidget(self.message)

    def _connect(self) -> None:
        for timer, after_ms, then in (
            (self._soon, SOON_MS, self._measure),
            (self._later, LATER_MS, self._fit),
            (self._away, 0, self._leave),
        ):
            timer.setSingleShot(True)
            timer.setInterval(after_ms)
            timer.timeout.connect(then)
        self.link.listed.connect(self._offer_layers)
        self.link.edited.connect(self._soon.start)
        self.link.clicked.connect(self._on_clicked)
        self.choice.activated.connect(lambda _: self._choose_layer(self.choice.currentData()))
        self.bar.changed.connect(self._show)
        for stated in (self.distribution.stated, self.doubt.stated, self.views.changed, self._desk.changed):
            stated.connect(self._show_stated)
        self.grains.table.chosen.connect(lambda grain: self.choose_grain(grain, centre=True))
        self.grains.coloured.connect(lambda _: self._colour())
        self.methods.lines.connect(lambda _: self._draw_lines())
        self.save.clicked.connect(self._ask_file)
        self.copy.clicked.connect(self.copy_text)
        self.runner.delivered.connect(self._on_delivered)
        self.runner.ended.connect(self._on_ended)

    def _offer_layers(self) -> None:
        layers = self.link.layers()
        names = [(layer.name, str(layer.unique_id)) for layer in layers]
        if names != [(self.choice.itemText(k), self.choice.itemData(k)) for k in range(self.choice.count())]:
            self.choice.clear()
            for name, layer_id in names:
                self.choice.addItem(name, layer_id)
        before = self.link.layer
        chosen = before if before in layers else self.link.likeliest()
        self.choice.setCurrentIndex(layers.index(chosen) if chosen in layers else -1)
        if chosen is not before:
            self._choose_layer(str(chosen.unique_id) if chosen is not None else None)

    def _choose_layer(self, layer_id: str | None) -> None:
        self.layers.clear()
        self.link.choose(layer_id)
        self._soon.start()

    def _measure(self) -> None:
        self._later.stop()
        source = self.link.source()
        if source is None:
            self.found = None
            self.layers.clear()
            self._show()
        else:
            self._start(Measuring(source))

    def _fit(self) -> None:
        if self.shown is not None and len(self.shown.diameters) > 2:
            self._start(Fitting(self.shown.diameters, self._weights()))

    def _start(self, work: Work) -> None:
        """Begin a piece of work, or keep it until the one at work is done; a newer one takes its place."""
        if not self.runner.start(work):
            self._waiting = work
            if isinstance(self.runner.work, Fitting):
                self.runner.cancel()

    def _on_delivered(self, work: Work, results: list[Any]) -> None:
        if isinstance(work, Measuring):
            before, self.found = self.found, results[-1]
            if before is not None and before.table is results[-1].table:
                self._show_methods(results[-1])
            else:
                self._show()
        elif isinstance(work, Fitting) and self.shown and work.diameters is self.shown.diameters:
            self._show_distribution(results[-1])

    def _on_ended(self, _work: Work, error: Exception | None) -> None:
        if error is not None:
            self.found = None
            self._show()
            self.message.setText(f"These labels cannot be measured: {sentence(error)}")
        work, self._waiting = self._waiting, None
        if work is not None:
            self._start(work)

    def _on_clicked(self, grain: int) -> None:
        self.choose_grain(grain)

    def _show(self) -> None:
        """Show what was found, as far as the filters leave it."""
        found = self.found
        for part in (self.tabs, self.save, self.copy):
            part.setEnabled(found is not None)
        _widgets.highlight(self.save, on=found is not None)
        self.message.setText("" if found is not None else EMPTY)
        self._later.stop()
        if found is None:
            self.shown = None
            self.bar.left.setText("")
            return
        self.bar.suit(unit_of(found.table), confidence="confidence" in found.table)
        self._kept, text = kept(found, self.bar.filters)
        self.bar.left.setText(text)
        self.grains.offer(columns_of(found.table))
        self.grains.table.show_grains(found.table, self._kept)
        self._show_methods(found)
        self._show_distribution()
        self._later.start()
        self._colour()
        self._draw_lines()

    def _show_methods(self, found: Measured) -> None:
        """Show what is known of the methods; until they are done, what was known before stays."""
        methods, content = getattr(found, "methods", None), getattr(found, "content", None)
        if methods is not None and content is not None:
            self.methods.show_methods(methods)
            self.message.setText("; ".join(content["notes"]))

    def _show_distribution(self, fit: Lognormal | None = None) -> None:
        """Show the grains that are kept, anew or with a fit that is tried in full now."""
        if fit is not None and self.shown is not None:
            self.shown = replace(self.shown, fit=fit)
        else:
            self.shown = Shown.of(self.found, self._kept, self.choices, weighted=self.bar.whole.isChecked())
        self.distribution.show_distribution(self.shown)
        self.doubt.show_uncertainty(self.shown.summary, self.choices, self.shown.unit)

    def _show_stated(self) -> None:
        """Show what follows from what the user stated of the specimen and its scale."""
        if self.shown is not None:
            unfolded = report.unfolded(self.shown.diameters, self.choices)
            self.shown = replace(self.shown, unfolded=unfolded)
            self._show_distribution(self.shown.fit)

    def _weights(self) -> NDArray[np.float64] | None:
        if self.found is None or not self.bar.whole.isChecked():
            return None
        return weights_of_kept(self.found, self._kept)

    def _colour(self) -> None:
        layer, found, name = self.link.layer, self.found, self.grains.colour.currentData()
        if layer is None or found is None:
            return
        values = None
        if name:
            shades = np.full(len(found.table) + 1, np.nan, np.float32)
            shades[1:][self._kept] = found.table[name].to_numpy(np.float32)[self._kept]
            values = shades[found.labelled.grains.labels]
        self.layers.colour(layer, self.grains.colour.currentText(), values)

    def _draw_lines(self) -> None:
        if self.link.layer is not None and self.found is not None:
            self.layers.test_lines(self.link.layer, self.found.counted, self.methods.draw.currentText())

    def _ask_file(self) -> None:
        start = f"{self.choice.currentText().removesuffix(' grains')}.report.html"
        path, _ = QFileDialog.getSaveFileName(self, "Save grain sizes", start, FILES)
        if path:
            self.save_to(Path(path))

    def _begin(self, chore: Chore) -> None:
        began = self._desk.side_work.start(chore)
        self._tell(f"{chore.title}: at work" if began else "something else is being saved or read; try again")

    def _take_text(self, text: str) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)
        self._tell("the paragraph is in the clipboard")

    def _tell(self, text: str) -> None:
        self.message.setText(text)

    def _leave(self) -> None:
        if not self.link.following:
            self.layers.clear()
