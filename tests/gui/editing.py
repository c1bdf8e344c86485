"""A window whose corrections are made with real mouse and key events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from conftest import Window


class Editor:
    """A window whose Correct tab is used with the mouse and the keyboard."""

    def __init__(self, window: Window) -> None:
        self.window, self.viewer, self.qtbot = window, window.viewer, window.qtbot
        self.panel = window.dock.correct
        self.link = self.panel.corrections
        self.canvas = self.viewer.window._qt_viewer.canvas

    @property
    def labels(self) -> np.ndarray:
        return self.link.corrector.history.labels

    @property
    def count(self) -> int:
        return len(np.unique(self.labels)) - 1

    def pos(self, row: float, column: float) -> QPoint:
        """Where a pixel of the image lies on the screen."""
        world = self.window.layer("film").data_to_world((row, column))
        camera = self.viewer.scene.camera
        height, width = self.viewer.canvas.size
        offset = (np.array(world) - camera.center[-2:]) * camera.zoom
        return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))

    def click(self, row: float, column: float, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        native = self.canvas.native
        self.qtbot.mouseMove(native, self.pos(row, column))
        self.qtbot.mouseClick(native, Qt.MouseButton.LeftButton, modifier, self.pos(row, column))

    def move_held(self, row: float, column: float) -> None:
        """Move with the left button and Shift held, which qtbot's moves do not."""
        self.qtbot.wait(15)  # vispy drops moves within 10 ms of the last one
        native, place = self.canvas.native, self.pos(row, column)
        left, shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
        where = QPointF(place), QPointF(native.mapToGlobal(place))
        move = QMouseEvent(QEvent.Type.MouseMove, *where, Qt.MouseButton.NoButton, left, shift)
        QApplication.sendEvent(native, move)

    def key(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.viewer.window._qt_viewer, key, modifier)

    def settle(self) -> None:
        self.window.until(lambda: self.link.settled and self.window.desk.settled)
