"""Eq. 1 and precision against the tolerance, painted by hand: live, a plot of matplotlib would be slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from temgrains.gui import _widgets
from temgrains.gui.correct_score import CURVES, LAST_PX, nm_per_px

if TYPE_CHECKING:
    from qtpy.QtGui import QPainter, QPaintEvent

    from temgrains.gui.correct_score import Comparison

_LEFT, _RIGHT, _TOP, _ROW = 34, 14, 20, 14
_BESIDE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CurvePlot(QWidget):
    """Eq. 1 and precision against the tolerance, 0 to 10 px, and in nm where the pixel size is known."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Any = np.zeros((0, 3))
        self._tolerance = 4.0
        self._nm: float | None = None
        self.setFixedHeight(150)
        self.setToolTip(
            "Share of the length within the tolerance: true lines (Eq. 1), found ones (precision)"
        )

    def show_curve(self, comparison: Comparison) -> None:
        """Draw another curve, with a mark at the tolerance."""
        self._rows, self._tolerance = comparison.curve, comparison.score.tolerance_px
        self._nm = nm_per_px(comparison)
        self.update()

    def position(self, tolerance_px: float, share: float) -> QPointF:
        """Give where a share is drawn."""
        area = self._area()
        across = area.left() + min(tolerance_px / LAST_PX, 1) * area.width()
        return QPointF(across, area.bottom() - share * area.height())

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint what the lines are, the axes, the mark and both lines."""
        painter = _widgets.plot_painter(self)
        text = self.palette().text().color()
        self._paint_legend(painter, text)
        self._paint_axes(painter, text)
        painter.setPen(QPen(text, 1, Qt.PenStyle.DotLine))
        painter.drawLine(self.position(self._tolerance, 0), self.position(self._tolerance, 1))
        for column, (_, colour, _) in enumerate(CURVES, start=1):
            painter.setPen(_pen(colour, dashed=column == 2))
            known = [row for row in self._rows if np.isfinite(row[column])]
            painter.drawPolyline(QPolygonF([self.position(row[0], row[column]) for row in known]))
        painter.end()

    def _paint_legend(self, painter: QPainter, text: QColor) -> None:
        """Say above the frame what the lines are: in it they would be covered."""
        across = float(_LEFT)
        for k, (name, colour, _) in enumerate(CURVES):
            painter.setPen(_pen(colour, dashed=k == 1))
            painter.drawLine(QPointF(across, _TOP / 2), QPointF(across + 22, _TOP / 2))
            painter.setPen(text)
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.drawText(QRectF(across + 26, 0, width + 2, _TOP), Qt.AlignmentFlag.AlignVCenter, name)
            across += 26 + width + 16
        rest = QRectF(across, 0, self.width() - _RIGHT - across, _TOP)
        painter.drawText(rest, _BESIDE, "against tolerance")

    def _paint_axes(self, painter: QPainter, text: QColor) -> None:
        area, faint = self._area(), QColor(text)
        faint.setAlpha(60)
        painter.setPen(text)
        painter.drawRect(area)
        for share in (0, 0.5, 1):
            y = self.position(0, share).y()
            painter.setPen(faint)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            painter.drawText(QRectF(0, y - 8, _LEFT - 4, 16), _BESIDE, f"{share:g}")
        scales = [("px", 1.0)] if self._nm is None else [("px", 1.0), ("nm", self._nm)]
        for k, (unit, size) in enumerate(scales):
            top = area.bottom() + 3 + k * _ROW
            painter.drawText(QRectF(0, top, _LEFT - 10, _ROW), _BESIDE, unit)
            for tolerance in range(0, LAST_PX + 1, 2):
                place = QRectF(self.position(tolerance, 0).x() - 24, top, 48, _ROW)
                painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, f"{tolerance * size:.3g}")

    def _area(self) -> QRectF:
        height = self.height() - _TOP - 2 * _ROW - 6
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), max(height, 1))


def _pen(colour: str, *, dashed: bool) -> QPen:
    return QPen(QColor(colour), 1.8, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
