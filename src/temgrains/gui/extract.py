"""The dock "Extract boundaries": edges, guess, refinement, grains."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from temgrains.gui import _widgets
from temgrains.gui._controls import SettingControls
from temgrains.gui._image import notes_of
from temgrains.gui._plot import ChangePlot
from temgrains.gui._state import PanelState, panel_state, progress_text

if TYPE_CHECKING:
    from temgrains.gui._desk import Desk

DETECTORS = (
    ("Sobel", "#c03030", "steep grey steps"),
    ("LoG", "#1d7f3c", "zero crossings of the Laplacian of Gaussian"),
    ("Canny", "#2a5fc0", "ridges of the smoothed gradient, with hysteresis"),
)


class ExtractPanel(QWidget):
    """The steps from edges to grains; shows the desk's session and tells it what was pressed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.controls = SettingControls()
        self.buttons = _buttons()
        self.detectors = [_detector(*detector) for detector in DETECTORS]
        self.iteration = QLabel()
        self.plot = ChangePlot()
        self.changes = QCheckBox("colour what changed")
        self.progress = QProgressBar()
        self.summary = QLabel()
        self.message = QLabel()
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(300)
        self._build()
        self._connect()
        self._take_theme()
        self.show_desk()

    def show_desk(self) -> None:
        """Show the session as it is now."""
        desk = self._desk
        note = desk.note or "; ".join(self._notes())
        state = panel_state(
            desk.session, busy=desk.busy, running=desk.running, refusal=desk.refusal, note=note
        )
        for name, button in self.buttons.items():
            button.setEnabled(name in state.enabled)
            _widgets.highlight(button, on=name == state.next)
        self._show_run(state)
        self.iteration.setText(state.iteration)
        self.plot.show_course(state.changes, state.threshold, state.cursor)
        self.summary.setText(state.summary)
        self.summary.setVisible(bool(state.summary))
        self.message.setText(state.message)
        self.controls.setEnabled(desk.session is not None)
        if desk.session is not None and not self._debounce.isActive():
            self.controls.show_settings(desk.session.settings)
        if not desk.busy:
            self._rest()

    def _notes(self) -> list[str]:
        """Give what was noticed while the file was read, before the first step; the hints tell it later."""
        image, session = self._desk.watch.image, self._desk.session
        return [] if image is None or session is None or session.edges is not None else notes_of(image)

    def show_progress(self, stage: str, done: int, total: int) -> None:
        """Show what the job at work is doing."""
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(min(done, max(total, 1)))
        self.progress.setFormat(progress_text(stage, done, total))

    def save_to(self, folder: Path) -> None:
        """Write all files of the analysis into a folder."""
        self._desk.save(folder)

    def _build(self) -> None:
        press, fields = self.buttons, self.controls
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(5)
        transport = [press[name] for name in ("reset", "back", "run", "step", "last")]
        self.iteration.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.changes.setToolTip("Show boundary that appeared in the last iteration green, what vanished blue")
        self.message.setWordWrap(True)
        self.summary.setWordWrap(True)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for part in (
            _widgets.row([_title("① Edges"), press["edges"], 1, *self.detectors]),
            fields.edges,
            _widgets.row([_title("② Guess"), press["guess"], 1, fields.scale]),
            _widgets.row([_title("③ Refine"), *transport, 1]),
            _widgets.row([self.iteration, self.changes]),
            self.plot,
            fields.refine,
            _widgets.row([_title("④ Grains"), press["grains"], 1]),
            fields.boundaries,
            _widgets.row([press["all"], press["cancel"], 1, press["save"]]),
            self.progress,
            self.summary,
            self.message,
        ):
            layout.addWidget(part)
        keys = _widgets.label("Keys in the image:  .  step    ,  back    R  run / pause")
        keys.setEnabled(False)
        layout.addWidget(keys)
        layout.addStretch(1)

    def _connect(self) -> None:
        desk = self._desk
        desk.changed.connect(self.show_desk)
        desk.progressed.connect(self.show_progress)
        desk.viewer.events.theme.connect(self._take_theme)
        special = {"run": desk.run_or_pause, "cancel": desk.cancel, "save": self._ask_folder}
        for name, button in self.buttons.items():
            button.clicked.connect(special.get(name) or partial(self._do, name))
        for detector in self.detectors:
            detector.clicked.connect(self._take_detectors)
        self.changes.clicked.connect(desk.show_changes)
        self.plot.chosen.connect(desk.show_iterate)
        self.controls.changed.connect(self._debounce.start)
        self._debounce.timeout.connect(self._take_settings)

    def _take_theme(self, _event: object = None) -> None:
        theme = self._desk.viewer.theme
        for name in ("reset", "back", "run", "step", "last"):
            self.buttons[name].setIcon(_widgets.icon(name, theme))

    def _do(self, step: str, _checked: bool = False) -> None:
        self._desk.do(step)

    def _take_settings(self) -> None:
        session = self._desk.session
        if session is None:
            return
        try:
            self._desk.change(self.controls.settings(session.settings))
        except ValueError as error:
            show_error(str(error))
            self.controls.show_settings(session.settings)

    def _take_detectors(self) -> None:
        red, green, blue = (detector.isChecked() for detector in self.detectors)
        self._desk.show_detectors((red, green, blue))

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save all files of this analysis in a folder")
        if folder:
            self.save_to(Path(folder))

    def _show_run(self, state: PanelState) -> None:
        run = self.buttons["run"]
        text = "Pause" if state.running else "Run"
        if run.text() != text:
            run.setText(text)
            run.setIcon(_widgets.icon("pause" if state.running else "run", self._desk.viewer.theme))

    def _rest(self) -> None:
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.progress.setFormat("")


def _title(text: str) -> QLabel:
    title = _widgets.label(text, bold=True)
    title.setMinimumWidth(64)
    return title


def _detector(name: str, colour: str, tip: str) -> QPushButton:
    button = _widgets.button(name, f"Show {name} edges: {tip}")
    button.setCheckable(True)
    button.setChecked(True)
    button.setStyleSheet(f"QPushButton:checked {{ background-color: {colour}; color: white; }}")
    return button


def _buttons() -> dict[str, QPushButton]:
    make = _widgets.button
    return {
        "edges": make("Find edges", "Sobel, LoG and Canny edges as one red, green and blue image"),
        "guess": make("Initial guess", "Let Net1 guess the boundaries from the edges"),
        "reset": make("", "Back to the initial guess; what was computed stays"),
        "back": make("Back", "One iteration back   [,]"),
        "run": make("Run", "Repeat Net2 until the change is below the threshold   [R]"),
        "step": make("Step", "One iteration on   [.]"),
        "last": make("", "To the last iteration that was computed"),
        "grains": make(
            "Find grains", "Close the boundaries of the shown iteration, label and measure the grains"
        ),
        "all": make("Run all", "Do every step that is still missing, to the grains"),
        "cancel": make("Cancel", "Stop what is running; what was found before stays"),
        "save": make(
            "Save…", "Write overlay, boundaries, labels, iterates, table and settings into a folder"
        ),
    }
