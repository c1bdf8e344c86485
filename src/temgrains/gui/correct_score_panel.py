"""The part "Score" of the Correct panel: a reference, the figures, the curve, the lines in three colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog, QFormLayout, QLabel, QVBoxLayout, QWidget

from temgrains.errors import sentence
from temgrains.gui import _widgets
from temgrains.gui._chores import Chore
from temgrains.gui._image import about
from temgrains.gui._side_work import SideWork
from temgrains.gui.correct_score import (
    COLOURS,
    CORRECT,
    FALSE,
    MISSED,
    Judge,
    Shown,
    save,
    table_of,
    text_of,
    tolerance_text,
)
from temgrains.gui.correct_score_layer import ScoreLayer
from temgrains.gui.correct_score_plot import CurvePlot

if TYPE_CHECKING:
    from temgrains.gui._bench import Bench
    from temgrains.gui.correct_link import Corrections
    from temgrains.gui.correct_score import Comparison

MINE = "my corrected result"
"""The reference that is always there: how good the program was before its boundaries were corrected."""

WAIT_MS = 20


class ScorePanel(QWidget):
    """Compares the boundaries with a reference, again after each correction while it is open."""

    def __init__(self, corrections: Corrections) -> None:
        super().__init__()
        self._corrections = corrections
        self._desk = corrections.desk
        self.comparison: Comparison | None = None
        self._judge: Judge | None = None
        self._picture = ScoreLayer(self._desk.viewer)
        self._work = SideWork(self)
        self.reference = QComboBox()
        self.tolerance = _widgets.number(
            "Distance up to which a line counts as found [px]", (0, 50), 4.0, decimals=1, suffix=" px"
        )
        self.figures = QLabel()
        self.legend = QLabel(
            " &nbsp; ".join(
                f"<span style='color:{COLOURS[mark]}'>■</span> {name}"
                for mark, name in ((MISSED, "missed"), (CORRECT, "correct"), (FALSE, "false"))
            )
        )
        self.curve = CurvePlot()
        self.open = _widgets.button("Open…", "Take a reference from a file: a mask of boundaries, or labels")
        self.compare = _widgets.button("Compare", "Score the boundaries, and again after each correction")
        self.copy = _widgets.button("Copy", "Copy the figures as text")
        self.save = _widgets.button(
            "Save…", "Save figures and curve as JSON or CSV, or the curve as PNG or SVG"
        )
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(WAIT_MS)
        self._live = False
        self._build()
        self._connect()
        self.show_references()

    def show_references(self) -> None:
        """List what may be the reference, the chosen one kept."""
        chosen = self.reference.currentData()
        self.reference.clear()
        self.reference.addItem(MINE, None)
        shape = None if self._desk.bench is None else self._desk.bench.grid.shape
        for layer in self._desk.viewer.layers:
            ours = "role" in about(layer) or layer is self._desk.watch.image
            flat = isinstance(layer, Labels | Image) and layer.ndim == 2 and not layer.multiscale
            if flat and not ours and tuple(layer.data.shape[:2]) == shape:
                self.reference.addItem(layer.name, layer.unique_id)
        self.reference.setCurrentIndex(max(self.reference.findData(chosen), 0))
        self.copy.setEnabled(self.comparison is not None)
        self.save.setEnabled(self.comparison is not None)
        self.compare.setEnabled(self._corrections.corrector is not None)

    def start(self) -> None:
        """Compare now, and after each correction from now on."""
        self._live = True
        self._run()

    def save_to(self, path: Path) -> None:
        """Save the figures and the curve."""
        if self.comparison is None:
            return
        try:
            save(self.comparison, path)
        except (ValueError, OSError) as error:
            show_error(sentence(error, path))

    def open_reference(self, path: str) -> None:
        """Open a reference as a layer on the image, and choose it."""
        from temgrains.score import read_reference  # noqa: PLC0415

        bench = self._desk.bench
        if bench is None:
            return
        try:
            pixels, numbers = read_reference(path)
        except (ValueError, OSError) as error:
            show_error(sentence(error, Path(path)))
            return
        if pixels.shape != bench.grid.shape:
            show_error(
                f"{path} is {pixels.shape[0]} x {pixels.shape[1]} px but the image "
                f"{bench.grid.shape[0]} x {bench.grid.shape[1]}; a reference must be of the same image"
            )
            return
        painted = pixels.astype(np.int32) if numbers else (pixels ^ (pixels.mean() > 0.5)).astype(np.uint8)
        layer = Labels(painted, name=f"{Path(path).stem} reference", **bench.grid.place(painted.shape))
        layer.visible = False
        active = self._desk.viewer.layers.selection.active
        self._desk.viewer.layers.append(layer)
        self._desk.viewer.layers.selection.active = active
        self.show_references()
        self.reference.setCurrentIndex(self.reference.findData(layer.unique_id))

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.reference.setMinimumContentsLength(14)
        self.reference.setToolTip(
            "What is taken as true: a layer of this image, or your corrected boundaries"
        )
        form = QFormLayout()
        form.addRow("Reference", _widgets.row([self.reference, self.open, 1]))
        form.addRow("Tolerance", _widgets.row([self.tolerance, self.compare, 1]))
        layout.addLayout(form)
        self.figures.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures.setWordWrap(True)
        for part in (self.figures, self.legend, self.curve, _widgets.row([self.copy, self.save, 1])):
            layout.addWidget(part)
        self.legend.setVisible(False)
        self.curve.setVisible(False)

    def _connect(self) -> None:
        self.compare.clicked.connect(self.start)
        self.open.clicked.connect(self._ask_reference)
        self.copy.clicked.connect(self._copy)
        self.save.clicked.connect(self._ask_path)
        self.tolerance.valueChanged.connect(self._later)
        self.reference.activated.connect(self._later)
        self._wait.timeout.connect(self._run)
        self._corrections.changed.connect(self._later)
        for event in ("inserted", "removed", "renamed"):
            getattr(self._desk.viewer.layers.events, event).connect(self._on_layers)
        self._desk.left.connect(self._stop)

    def _on_layers(self, _event: object = None) -> None:
        self.show_references()

    def _stop(self) -> None:
        self._live = False
        self._wait.stop()
        self._work.abandon()

    def _later(self, _value: object = None) -> None:
        self.compare.setEnabled(self._corrections.corrector is not None)
        if self._live:
            self._wait.start()

    def _run(self) -> None:
        corrector, session, bench = self._corrections.corrector, self._desk.session, self._desk.bench
        if corrector is None or session is None or bench is None:
            return
        if self._work.busy:
            self._wait.start()
            return
        labels, before = corrector.history.labels, corrector.analysis.boundaries.mask
        layers = {layer.unique_id: layer for layer in self._desk.viewer.layers}
        layer = layers.get(self.reference.currentData())
        truth = None if layer is None else Shown(layer.name, isinstance(layer, Labels), layer.data)
        tolerance, size, analysis = self.tolerance.value(), session.pixel_size, corrector.analysis

        def call() -> Comparison | str:
            if self._judge is None:
                self._judge = Judge()
            now = labels == 0
            if truth is None:
                reference, judged = (MINE, now), ("boundaries before corrections", before)
            else:
                reference, judged = (truth.name, truth.lines()), ("boundaries", now)
            try:
                return self._judge.compare(
                    reference, judged, tolerance_px=tolerance, pixel_size=size, analysis=analysis
                )
            except ValueError as error:  # said where the figures stand: it may come with each correction
                return f"{reference[0]} is no reference: {error}."

        self._work.start(Chore("Score", call, lambda found: self._show(found, bench)))

    def _show(self, comparison: Comparison | str, bench: Bench) -> None:
        if isinstance(comparison, str):
            self.figures.setText(comparison)
            return
        self.comparison = comparison
        heading = f"{comparison.judged} against {comparison.reference}, within {tolerance_text(comparison)}"
        self.figures.setText(f"{heading}{table_of(comparison)}")
        self.legend.setVisible(True)
        self.curve.setVisible(True)
        self.curve.show_curve(comparison)
        self.copy.setEnabled(True)
        self.save.setEnabled(True)
        if bench is self._desk.bench and comparison.picture.shape == bench.grid.shape:
            self._picture.show(comparison.picture, bench)

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self.comparison is not None and clipboard is not None:
            clipboard.setText(text_of(self.comparison))

    def _ask_reference(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a reference", "", "Images (*.png *.tif *.tiff)")
        if path:
            self.open_reference(path)

    def _ask_path(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the score", "score.json", "*.json *.csv *.png *.svg"
        )
        if path:
            self.save_to(Path(path))
