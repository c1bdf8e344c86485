"""The panel "Correct boundaries": tools with their keys, undo, what is least certain, refining again."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from temgrains.corrections.ledger import in_words
from temgrains.gui import _widgets
from temgrains.gui.correct_link import Corrections, corrections_of
from temgrains.gui.correct_score_panel import ScorePanel
from temgrains.gui.correct_state import UNCERTAIN, Corrector
from temgrains.gui.correct_tool import TOOLS

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent, QShowEvent

    from temgrains.gui._desk import Desk
    from temgrains.records import PixelSize

EMPTY = "Find the grains first (Extract, Run all); then their boundaries can be corrected here."
START = "Take up a tool, or go through what is least certain with N."


class CorrectPanel(QWidget):
    """Shows the corrections of the chosen image, and tells them what was pressed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.corrections: Corrections = corrections_of(desk)
        self.tools = {name: _tool(name) for name in TOOLS}
        self.buttons = _buttons()
        self.message = QLabel()
        self.doubt = QLabel()
        self._counted: tuple[Corrector, int] | None = None
        self.ledger = QLabel()
        self.score = ScorePanel(self.corrections)
        self.projects = self.corrections.projects
        self.kept = QLabel()
        self._build()
        self._connect()
        self.show_corrections()

    def show_corrections(self) -> None:
        """Show the corrections as they are now."""
        corrector, hand = self.corrections.corrector, self.corrections.hand
        idle = corrector is not None and not self._desk.busy
        for name, tool in self.tools.items():
            tool.setEnabled(idle)
            tool.setChecked(hand.tool == name)
        for name, button in self.buttons.items():
            button.setEnabled(idle and _possible(name, corrector))
        kept = corrector.kept if corrector is not None else None
        self._kept_row.setVisible(kept is not None)
        if kept is not None:
            when = time.strftime("%d %b %Y, %H:%M", time.localtime(kept.seconds))
            self.kept.setText(f"Corrections of this image were kept: {len(kept.operations)}, of {when}.")
        self.score.setEnabled(corrector is not None)
        self.buttons["open"].setEnabled(not self._desk.busy)
        _widgets.highlight(self.buttons["save"], on=corrector is not None and corrector.unsaved)
        for name in ("restore", "decline"):
            self.buttons[name].setEnabled(kept is not None)
        _widgets.highlight(self.buttons["restore"], on=kept is not None)
        hint = TOOLS[hand.tool].hint if hand.tool else START
        self.message.setText(EMPTY if corrector is None else self.corrections.note or hint)
        size = None if self._desk.session is None else self._desk.session.pixel_size
        self.ledger.setText("" if corrector is None else ledger_text(corrector, size))
        counted = None if corrector is None else (corrector, corrector.revision)
        if counted != self._counted:  # what was counted holds no more
            self._counted = None
            self.doubt.setText(f"below confidence {UNCERTAIN:g}: not counted yet")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Let the keys work from the first time on that the panel is seen."""
        super().showEvent(event)
        self.corrections.keys.bind()
        self.corrections.keys.show(id(self))
        self.corrections.closing.guard(self)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Give the selected layer its own keys back."""
        super().hideEvent(event)
        self.corrections.keys.hide(id(self))

    def show_doubt(self) -> None:
        """Say how much of the boundary is uncertain; it takes a moment, so only when asked."""
        corrector = self.corrections.corrector

        def tell(share: float) -> None:
            self._counted = None if corrector is None else (corrector, corrector.revision)
            some = f"{100 * share:.1f}" if share == 0 or share >= 0.0005 else "less than 0.1"
            self.doubt.setText(f"below confidence {UNCERTAIN:g}: {some} % of the length")

        self.corrections.doubt(tell)

    def _build(self) -> None:
        press = self.buttons
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(5)
        for text in (self.message, self.ledger, self.kept):
            text.setWordWrap(True)
        self.message.setMinimumHeight(3 * self.message.fontMetrics().height())
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._kept_row = _widgets.row([self.kept, 1, press["restore"], press["decline"]])
        grid = QGridLayout()
        grid.setSpacing(4)
        for k, tool in enumerate(self.tools.values()):
            grid.addWidget(tool, k // 2, k % 2)
        parts: tuple[QWidget | QGridLayout, ...] = (
            self._kept_row,
            grid,
            self.message,
            _widgets.row([press["undo"], press["redo"], 1]),
            _widgets.label("Least certain first", bold=True),
            _widgets.row([press["previous"], press["next"], press["accept"], press["reject"]]),
            _widgets.row([self.doubt, 1, press["doubt"]]),
            press["again"],
            self.ledger,
            _widgets.row([press["save"], press["open"], 1]),
            _widgets.Fold("Score against a reference", self.score),
        )
        for part in parts:
            (layout.addLayout if isinstance(part, QGridLayout) else layout.addWidget)(part)
        layout.addStretch(1)

    def _connect(self) -> None:
        corrections = self.corrections
        corrections.changed.connect(self.show_corrections)
        self._desk.changed.connect(self.show_corrections)
        for name, tool in self.tools.items():
            tool.clicked.connect(partial(self._take, name))
        actions = {
            "undo": corrections.undo,
            "redo": corrections.redo,
            "previous": partial(corrections.look, -1),
            "next": partial(corrections.look, 1),
            "accept": partial(corrections.judge, right=True),
            "reject": partial(corrections.judge, right=False),
            "again": corrections.refine_again,
            "restore": corrections.restore,
            "decline": corrections.decline,
            "doubt": self.show_doubt,
            "save": partial(self.projects.ask_and_save, self),
            "open": partial(self.projects.ask_and_open, self),
        }
        for name, action in actions.items():
            self.buttons[name].clicked.connect(lambda _checked=False, action=action: action())

    def _take(self, name: str, _checked: bool = False) -> None:
        self.corrections.take(name)
        self.show_corrections()


def ledger_text(corrector: Corrector, pixel_size: PixelSize | None) -> str:
    """Say what was done by hand, with units."""
    ledger = corrector.ledger(pixel_size)
    if not ledger.operations:
        return "no corrections yet"
    count = f"{ledger.operations} correction{'s' * (ledger.operations > 1)}"
    where = "journalled" if corrector.journal is not None else "only in memory"
    return f"{count}: {in_words(asdict(ledger))}; {where}"


def _possible(name: str, corrector: Corrector | None) -> bool:
    if corrector is None:
        return False
    needs = {"undo": corrector.operations, "redo": corrector.history.undone, "again": corrector.operations}
    return bool(needs.get(name, True))


def _tool(name: str) -> QPushButton:
    tool = TOOLS[name]
    made = _widgets.button(f"{tool.name}   [{tool.key}]", tool.hint)
    made.setCheckable(True)
    made.setStyleSheet("QPushButton:checked { background-color: #007acc; color: white; }")
    return made


def _buttons() -> dict[str, QPushButton]:
    make = _widgets.button
    return {
        "undo": make("Undo   [Ctrl+Z]", "Take the last correction back; there is no limit"),
        "redo": make("Redo   [Ctrl+Shift+Z]", "Do again what was taken back"),
        "previous": make("Back [P]", "The uncertain segment before"),
        "next": make("Next [N]", "Go to the next segment, least certain first"),
        "accept": make("Right [Enter]", "The segment shown is a boundary"),
        "reject": make("Wrong [Bksp]", "The segment shown is none: erase it"),
        "doubt": make("Count", "How much of the boundary's length is below a confidence of 0.6"),
        "again": make(
            "Refine again with my corrections",
            "Repeat Net2 from the shown iteration; what you drew and erased is imposed at every iteration",
        ),
        "save": make("Save project…", "Image, iterations, corrections and their history in one file"),
        "open": make("Open project…", "Go on with a project where it was left"),
        "restore": make("Restore", "Take over the corrections of the last session"),
        "decline": make("Not now", "Go on without them; they stay in the journal"),
    }
