"""A small plot of the change per iteration, painted by hand: a redraw takes well under a millisecond."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from qtpy.QtGui import QMouseEvent, QPaintEvent

FLOOR = 1e-6
"""Changes below this, zero included, are drawn here: the axis is logarithmic."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 6, 16
_LINE, _MARK, _LIMIT = QColor("#4fa8ff"), QColor("#ff5c5c"), QColor("#f0b429")


class ChangePlot(QWidget):
    """Change per iteration on a logarithmic axis, with the threshold and a mark at the shown iterate."""

    chosen = Signal(int)
    """The iteration that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._changes: tuple[float, ...] = ()
        self._threshold = 0.003
        self._cursor = 0
        self.setFixedHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Share of the grey range by which one iteration changed the state; click to go there")

    def sizeHint(self) -> QSize:
        """Give the wanted size."""
        return QSize(300, 96)

    def show_course(self, changes: tuple[float, ...], threshold: float, cursor: int) -> None:
        """Draw the changes of iterations 1, 2, ...; ``cursor`` is the iteration that is shown."""
        if (changes, threshold, cursor) != (self._changes, self._threshold, self._cursor):
            self._changes, self._threshold, self._cursor = changes, threshold, cursor
            self.update()

    def position(self, iteration: int, change: float) -> QPointF:
        """Give where a change is drawn."""
        low, high = self._decades()
        across = (iteration - 1) / max(self._last() - 1, 1)
        up = (math.log10(max(change, FLOOR)) - low) / (high - low)
        area = self._area()
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint decades, threshold, course and mark."""
        painter = _widgets.plot_painter(self)
        text = self.palette().text().color()
        faint = QColor(text)
        faint.setAlpha(60)
        self._paint_axes(painter, text, faint)
        self._paint_threshold(painter)
        if self._changes:
            self._paint_course(painter)
        else:
            painter.setPen(text)
            painter.drawText(self._area(), Qt.AlignmentFlag.AlignCenter, "change per iteration")
        painter.end()  # whoever looks at this frame must not keep the painter alive

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go to the iteration that was clicked."""
        if event is None or not self._changes:
            return
        area = self._area()
        share = (event.position().x() - area.left()) / area.width()
        iteration = round(1 + share * max(self._last() - 1, 1))
        self.chosen.emit(min(max(iteration, 1), len(self._changes)))

    def _paint_axes(self, painter: QPainter, text: QColor, faint: QColor) -> None:
        area, (low, high) = self._area(), self._decades()
        for decade in range(low, high + 1):
            y = self.position(1, 10.0**decade).y()
            painter.setPen(faint)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            label = QRectF(0, y - 7, _LEFT - 5, 14)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(label, right, f"{10.0**decade:g}")
        below = QRectF(area.left(), area.bottom() + 2, area.width(), _BOTTOM - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "1")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(self._last()))
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "iteration")

    def _paint_threshold(self, painter: QPainter) -> None:
        if self._threshold <= 0:  # nothing to see on a logarithmic axis
            return
        area = self._area()
        y = self.position(1, self._threshold).y()
        painter.setPen(QPen(_LIMIT, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        below = y + 14 < area.bottom()
        label = QRectF(area.left(), y + 1 if below else y - 14, area.width() - 3, 13)
        painter.drawText(label, Qt.AlignmentFlag.AlignRight, f"stop at {self._threshold:g}")

    def _paint_course(self, painter: QPainter) -> None:
        points = [self.position(k, change) for k, change in enumerate(self._changes, start=1)]
        painter.setPen(QPen(_LINE, 1.6))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_LINE)
        for point in points:
            painter.drawEllipse(point, 2.0, 2.0)
        if 1 <= self._cursor <= len(points):
            painter.setBrush(_MARK)
            painter.drawEllipse(points[self._cursor - 1], 4.0, 4.0)

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), self.height() - _TOP - _BOTTOM)

    def _last(self) -> int:
        return max(len(self._changes), 10)

    def _decades(self) -> tuple[int, int]:
        limit = [self._threshold] if self._threshold > 0 else []
        values = [max(value, FLOOR) for value in (*self._changes, *limit)] or [1e-2]
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return min(low, -3), max(high, low + 1, -1)
