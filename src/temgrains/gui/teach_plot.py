"""The losses of a fine-tuning, painted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

LINES = {
    "train": ("learnt", "#4fa8ff"),
    "validation": ("held out", "#ff9f1c"),
    "synthetic": ("synthetic", "#23d160"),
}
"""Columns of the file of losses: their names here, and their colours."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 18, 18


class LossPlot(QWidget):
    """Error per round: what is learnt from, what is held out of the corrections, synthetic micrographs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[float]] = {}
        self._rounds = 1
        self.setFixedHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Error per pixel after each round.\nBlue: what is learnt from. Orange: corrections that are held "
            "out.\nGreen: synthetic micrographs; where it rises, something is being forgotten."
        )

    def show_curves(self, rows: list[dict[str, Any]], rounds: int) -> None:
        """Draw the rounds so far, of so many."""
        self.lines = {name: [float(row[name]) for row in rows if row.get(name)] for name in LINES}
        self._rounds = max(rounds, len(rows), 2)
        self.update()

    def position(self, k: int, error: float) -> QPointF:
        """Give where the error after round k (from 0) is drawn."""
        low, high = self._limits()
        area = self._area()
        up = (error - low) / (high - low)
        return QPointF(
            area.left() + k / (self._rounds - 1) * area.width(), area.bottom() - up * area.height()
        )

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint axes, legend and curves."""
        painter = _widgets.plot_painter(self)
        self._paint_axes(painter)
        for number, (name, (title, colour)) in enumerate(LINES.items()):
            painter.setPen(QPen(QColor(colour), 1.6))
            painter.drawText(QRectF(_LEFT + 85 * number, 2, 84, 14), Qt.AlignmentFlag.AlignLeft, f"― {title}")
            points = [self.position(k, error) for k, error in enumerate(self.lines.get(name, []))]
            painter.drawPolyline(QPolygonF(points))
            for point in points:
                painter.drawEllipse(point, 1.5, 1.5)
        painter.end()  # whoever looks at this frame must not keep the painter alive

    def _paint_axes(self, painter: QPainter) -> None:
        text = self.palette().text().color()
        faint = QColor(text)
        faint.setAlpha(60)
        area = self._area()
        for error in self._limits():
            y = self.position(0, error).y()
            painter.setPen(faint)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 7, _LEFT - 5, 14), right, f"{error:.3f}")
        below = QRectF(area.left(), area.bottom() + 3, area.width(), _BOTTOM - 3)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "1")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(self._rounds))
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "round")

    def _limits(self) -> tuple[float, float]:
        values = [value for line in self.lines.values() for value in line] or [0.0, 1.0]
        low, high = min(values), max(values)
        margin = max(0.05 * (high - low), 1e-3)
        return low - margin, high + margin

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), self.height() - _TOP - _BOTTOM)
