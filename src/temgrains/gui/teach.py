"""The panel "Teach": my training set, what was looked at, fine-tuning, before and after."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from temgrains.gui import _widgets
from temgrains.gui.teach_desk import TeachDesk, teaching_of
from temgrains.gui.teach_layers import candidates
from temgrains.gui.teach_plot import LossPlot
from temgrains.gui.teach_work import can_tune
from temgrains.training.settings import TuneSettings

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from temgrains.gui._desk import Desk

WHOLE = "the whole image"
ROUNDS = TuneSettings().epochs
NO_LIGHTNING = "Fine-tuning needs Lightning: pip install '.[train]'. Images can be added all the same."
START = "Correct an image (tab Correct), then add it: its boundaries teach the networks."

_STAGES = {
    "examples": "reading the images",
    "edges": "finding edges",
    "pairs": "synthetic micrograph",
    "tune": "step",
    "scores": "scoring",
}


class TeachPanel(QWidget):
    """Shows the training set and the fine-tuning, and tells them what was pressed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.teaching: TeachDesk = teaching_of(desk)
        self.table = QTableWidget(0, 3)
        self.count = QLabel()
        self.looked = QComboBox()
        self.buttons = _buttons()
        self.base = QComboBox()
        self.name = QLineEdit("own")
        self.rounds = _widgets.whole(
            "How often all is looked at; more learn more  (--epochs)", (1, 1000), ROUNDS
        )
        self.progress = QProgressBar()
        self.plot = LossPlot()
        self.scores = QLabel()
        self.message = QLabel()
        self._build()
        self._connect()
        self.show_layers()
        self.show_teaching()

    def show_teaching(self) -> None:
        """Show the training set and the fine-tuning as they are now."""
        teaching, press = self.teaching, self.buttons
        session = self._desk.session
        analysis = session.analysis if session is not None else None
        self._show_examples()
        tuning, ready = teaching.tuning, bool(teaching.examples) and can_tune()
        fresh = teaching.addable and analysis is not teaching.added
        press["add"].setEnabled(teaching.addable and not tuning)
        press["draw"].setEnabled(self._desk.bench is not None)
        press["remove"].setEnabled(bool(teaching.examples) and not tuning)
        press["tune"].setEnabled(ready and not tuning)
        press["cancel"].setEnabled(tuning)
        _widgets.highlight(press["add"], on=fresh and not tuning)
        _widgets.highlight(press["tune"], on=ready and not tuning and not fresh and teaching.tuned is None)
        for field in (self.base, self.name, self.rounds):
            field.setEnabled(not tuning)
        self._show_models()
        self.progress.setVisible(tuning)
        self.plot.setVisible(bool(teaching.curves))
        self.plot.show_curves(teaching.curves, self.rounds.value())
        self.scores.setVisible(teaching.tuned is not None)
        if teaching.tuned is not None:
            self.scores.setText(_html(teaching.tuned.table))
        texts = [*teaching.notes, teaching.note or ("" if teaching.examples else START)]
        texts += [] if can_tune() else [NO_LIGHTNING]
        self.message.setText("\n".join(filter(None, texts)))

    def show_layers(self) -> None:
        """List what may say which parts were looked at, the chosen one kept."""
        chosen = self.looked.currentData()
        self.looked.clear()
        self.looked.addItem(WHOLE, None)
        for layer in candidates(self._desk.viewer, self._desk.bench):
            self.looked.addItem(layer.name, layer.unique_id)
        self.looked.setCurrentIndex(max(self.looked.findData(chosen), 0))

    def show_progress(self, stage: str, done: int, total: int) -> None:
        """Show how far the fine-tuning is."""
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
        self.progress.setFormat(f"{_STAGES.get(stage, stage)} {done} of {total}")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Read the training set when the panel is seen: other windows may have changed it."""
        super().showEvent(event)
        self.teaching.refresh()

    # Making

    def _build(self) -> None:
        layout, press, label = QVBoxLayout(self), self.buttons, _widgets.label
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(5)
        self.table.setHorizontalHeaderLabels(["image", "looked at", "added"])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().setVisible(False)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setFixedHeight(120)
        for combo in (self.looked, self.base):
            combo.setMinimumContentsLength(10)
        self.looked.setToolTip("Only what was looked at teaches: where there are boundaries, and where none")
        self.base.setToolTip("The model to start from; it stays as it is  (--model)")
        self.name.setToolTip("Name of the new model: letters, digits, '.', '_' and '-'  (--name)")
        self.message.setWordWrap(True)
        for text in (self.message, self.scores, self.count):
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        looked = QFormLayout()
        looked.addRow("Looked at", _widgets.row([self.looked, press["draw"], 1]))
        form = QFormLayout()
        form.addRow("Start from", _widgets.row([self.base, 1]))
        form.addRow("New model", _widgets.row([self.name, label("rounds"), self.rounds]))
        layout.addWidget(label("My training set", "Corrected images, kept for all windows", bold=True))
        layout.addLayout(looked)
        layout.addWidget(press["add"])
        layout.addWidget(self.table)
        layout.addWidget(_widgets.row([self.count, 1, press["remove"]]))
        layout.addWidget(label("Fine-tune", "Let a model learn on from my training set", bold=True))
        layout.addLayout(form)
        layout.addWidget(_widgets.row([press["tune"], press["cancel"], 1]))
        for part in (self.progress, self.plot, self.scores, self.message):
            layout.addWidget(part)
        layout.addStretch(1)

    def _connect(self) -> None:
        teaching, press = self.teaching, self.buttons
        teaching.changed.connect(self.show_teaching)
        teaching.progressed.connect(self.show_progress)
        self._desk.changed.connect(self._on_desk)
        for event in ("inserted", "removed", "renamed"):
            getattr(self._desk.viewer.layers.events, event).connect(self._on_layers)
        press["add"].clicked.connect(lambda _=False: teaching.add(self.looked.currentData()))
        press["draw"].clicked.connect(self._draw_area)
        press["remove"].clicked.connect(self._remove)
        press["tune"].clicked.connect(self._tune)
        press["cancel"].clicked.connect(lambda _=False: teaching.cancel())

    # What the user does

    def _draw_area(self, _checked: bool = False) -> None:
        made = self.teaching.draw_area()
        self.show_layers()
        self.looked.setCurrentIndex(max(self.looked.findData(made), 0))

    def _remove(self, _checked: bool = False) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self.teaching.examples):
            self.teaching.remove(self.teaching.examples[row].digest)
        else:
            self.message.setText("Choose an image in the table first.")

    def _tune(self, _checked: bool = False) -> None:
        try:
            settings = TuneSettings(name=self.name.text().strip(), epochs=self.rounds.value())
        except ValueError as error:
            self.message.setText(str(error))
            return
        self.teaching.tune(str(self.base.currentData()), settings)

    # Inside

    def _on_desk(self) -> None:
        self.show_layers()
        self.show_teaching()

    def _on_layers(self, _event: object = None) -> None:
        self.show_layers()

    def _show_examples(self) -> None:
        examples = self.teaching.examples
        self.table.setRowCount(len(examples))
        for row, one in enumerate(examples):
            when = time.strftime("%d %b %Y", time.localtime(one.seconds))
            for column, text in enumerate((one.name, f"{100 * one.looked:.0f} %", when)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{one.shape[0]} × {one.shape[1]} px, working scale {one.scale:.2f}")  # noqa: RUF001
                self.table.setItem(row, column, item)
        area = sum(one.looked * one.shape[0] * one.shape[1] for one in examples) / 1e6
        images = "1 image" if len(examples) == 1 else f"{len(examples)} images"
        self.count.setText(f"{images}, {area:.2f} Mpx looked at" if examples else "no image yet")

    def _show_models(self) -> None:
        known = self._desk.side_work.models
        if [self.base.itemData(k) for k in range(self.base.count())] != known:
            chosen = self.base.currentData()
            self.base.clear()
            for name in known:
                self.base.addItem(Path(name).stem if name.endswith(".safetensors") else name, name)
            self.base.setCurrentIndex(max(self.base.findData(chosen), 0))


def _html(table: list[tuple[str, ...]]) -> str:
    """Show the scores with what was before and after side by side."""
    rows: list[tuple[str, ...]] = [("", "F1", "Eq. 1", "precision")]
    for what, *figures in table[1:]:
        pairs = zip(figures[::2], figures[1::2], strict=True)
        rows.append(
            (what.removesuffix(" corrections"), *(f"{before} → <b>{after}</b>" for before, after in pairs))
        )
    cells = "".join(
        "<tr>"
        + "".join(f"<td style='padding-right: 8px; white-space: nowrap'>{cell}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table>{cells}</table>"


def _buttons() -> dict[str, QPushButton]:
    make = _widgets.button
    return {
        "add": make(
            "Add to my training set",
            "Keep the image with its corrected boundaries; the same image again takes the place of the first",
        ),
        "draw": make("Draw an area", "Mark in a layer of shapes which parts of the image you looked at"),
        "remove": make("Remove", "Remove the chosen image from the training set"),
        "tune": make("Fine-tune", "Make a new model that has learnt from my training set; takes minutes"),
        "cancel": make("Cancel", "Stop; Fine-tune goes on after the last finished round"),
    }
