"""Histogram with fit and cumulative share, shares by G, or a Q-Q plot; painted by hand, for speed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

    from temgrains.gui.sizes_state import Shown
    from temgrains.statistics.distribution import Lognormal
    from temgrains.statistics.unfolding import Unfolded

KINDS = ("by number", "by area", "area by ASTM G", "Q-Q plot")

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 38, 18, 34
_BARS, _FIT, _CUMULATIVE, _SPHERES = (QColor(name) for name in ("#4fa8ff", "#ff5c5c", "#f0b429", "#4fd06b"))


class DistributionPlot(QWidget):
    """How the diameters are distributed."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Shown | None = None
        self._kind = KINDS[0]
        self.setMinimumHeight(190)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(
            "Bars: share of the grains or of their area per class; red: lognormal fit; yellow: cumulative; "
            "green: spheres behind the sections. By ASTM G two kinds of grain show as two peaks"
        )

    def sizeHint(self) -> QSize:
        """Give the wanted size."""
        return QSize(330, 210)

    def show_distribution(self, shown: Shown) -> None:
        """Show another distribution."""
        self._shown = shown
        self.update()

    def show_kind(self, kind: str) -> None:
        """Show one of the `KINDS`."""
        self._kind = kind
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint the plot."""
        painter = _widgets.plot_painter(self)
        painter.setPen(self.palette().text().color())
        shown = self._shown
        if shown is None or len(shown.diameters) < 2:
            self._say(painter, "too few grains for a distribution")
        elif self._kind == "Q-Q plot":
            self._paint_quantiles(painter, shown)
        elif self._kind == "area by ASTM G":
            self._paint_kinds(painter, shown.shares)
        else:
            self._paint_histogram(painter, shown, by_area=self._kind == "by area")
        painter.end()  # whoever looks at this frame must not keep the painter alive

    def _say(self, painter: QPainter, text: str) -> None:
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _paint_histogram(self, painter: QPainter, shown: Shown, *, by_area: bool) -> None:
        from temgrains.statistics.distribution import cumulative, histogram  # noqa: PLC0415

        bins, fit = histogram(shown.diameters), shown.fit
        shares = bins.by_area if by_area else bins.by_number
        right, width = float(bins.edges[-1]), float(bins.edges[1])
        x = np.linspace(right / 400, right, 200)
        law = density(fit, x, by_area=by_area) * width
        top = 1.08 * max(float(shares.max()), float(np.nan_to_num(law).max()))
        area = self._area()
        self._paint_axes(painter, right, top)
        painter.setPen(QPen(self.palette().base().color(), 0.5))
        painter.setBrush(_BARS)
        for share, low, high in zip(shares, bins.edges[:-1], bins.edges[1:], strict=True):
            corner, base = self._at(low / right, share / top), self._at(high / right, 0)
            painter.drawRect(QRectF(corner, base))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_line(painter, _FIT, x / right, law / top)
        if shown.unfolded is not None and not by_area:
            self._paint_spheres(painter, shown.unfolded, width, right, top)
        rising, number_share, area_share = cumulative(shown.diameters)
        step = max(1, len(rising) // 300)
        share = (area_share if by_area else number_share)[::step]
        self._paint_line(painter, _CUMULATIVE, rising[::step] / right, share)
        painter.setPen(_CUMULATIVE)
        for percent in (0, 50, 100):
            y = self._at(1, percent / 100).y()
            label = QRectF(area.right() + 4, y - 7, _RIGHT - 5, 14)
            painter.drawText(
                label, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{percent} %"
            )
        self._paint_titles(painter, f"ECD [{shown.unit}]", f"share {self._kind}", "lognormal", "cumulative")

    def _paint_spheres(
        self, painter: QPainter, unfolded: Unfolded, width: float, right: float, top: float
    ) -> None:
        """Draw the spheres as steps, on the scale of the histogram's classes."""
        heights = unfolded.shares * width / np.diff(unfolded.edges) / top
        edges = np.repeat(unfolded.edges, 2)[1:-1] / right
        self._paint_line(painter, _SPHERES, edges, np.minimum(np.repeat(heights, 2), 1.05))

    def _paint_kinds(self, painter: QPainter, shares: dict[int, float] | None) -> None:
        if not shares:
            self._say(painter, "G is undefined: the size of a pixel is not known; type it above")
            return
        coarse, fine = min(shares), max(shares)
        span, top = fine - coarse + 1, 1.08 * max(shares.values())
        area, every = self._area(), math.ceil((fine - coarse + 1) / 12)
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        self._paint_percents(painter, top)
        for g, share in shares.items():
            left = (fine - g) / span  # coarse grains to the right, as in the histograms
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_BARS)
            painter.drawRect(
                QRectF(self._at(left + 0.05 / span, share / top), self._at(left + 0.95 / span, 0))
            )
            painter.setPen(self.palette().text().color())
            if (fine - g) % every == 0:
                place = QRectF(self._at(left + 0.5 / span, 0).x() - 25, area.bottom() + 4, 50, 13)
                painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, str(g))
        self._paint_titles(painter, "ASTM G, whole numbers; coarse to the right", "share of the area")

    def _paint_quantiles(self, painter: QPainter, shown: Shown) -> None:
        from temgrains.statistics.distribution import quantiles  # noqa: PLC0415

        fit = shown.fit
        normal, logs = quantiles(shown.diameters)
        low, high = float(normal[0]) - 0.2, float(normal[-1]) + 0.2
        line = fit.mu + fit.sigma * np.array([low, high])
        bottom, top = min(logs[0], line[0]), max(logs[-1], line[1])
        span = max(float(top - bottom), 1e-9)
        area = self._area()
        painter.drawRect(area)
        for value in round_values(math.exp(bottom), math.exp(top)):
            y = self._at(0, (math.log(value) - bottom) / span).y()
            place = QRectF(0, y - 7, _LEFT - 4, 14)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        for value in range(math.ceil(low), math.floor(high) + 1):
            place = QRectF(self._at((value - low) / (high - low), 0).x() - 15, area.bottom() + 2, 30, 14)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, str(value))
        self._paint_line(painter, _FIT, np.array([0, 1]), (line - bottom) / span)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_BARS)
        for across, up in zip((normal - low) / (high - low), (logs - bottom) / span, strict=True):
            painter.drawEllipse(self._at(float(across), float(up)), 1.8, 1.8)
        self._paint_titles(
            painter, "quantile of the normal distribution", f"ECD [{shown.unit}], log", "lognormal"
        )

    def _paint_axes(self, painter: QPainter, right: float, top: float) -> None:
        area = self._area()
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for tick in ticks(right):
            x = self._at(tick / right, 0).x()
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 3))
            place = QRectF(x - 25, area.bottom() + 4, 50, 13)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, f"{tick:g}")
        self._paint_percents(painter, top)

    def _paint_percents(self, painter: QPainter, top: float) -> None:
        for tick in ticks(100 * top):
            y = self._at(0, tick / (100 * top)).y()
            place = QRectF(0, y - 7, _LEFT - 4, 14)
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{tick:g} %"
            )

    def _paint_titles(
        self, painter: QPainter, below: str, above: str, fit: str = "", cumulative: str = ""
    ) -> None:
        area = self._area()
        painter.setPen(self.palette().text().color())
        under = QRectF(0, area.bottom() + 17, self.width(), 15)
        painter.drawText(under, Qt.AlignmentFlag.AlignHCenter, below)
        over = QRectF(4, 1, self.width() - 8, 14)
        painter.drawText(over, Qt.AlignmentFlag.AlignLeft, above)
        painter.setPen(_FIT)
        painter.drawText(over, Qt.AlignmentFlag.AlignHCenter, fit)
        painter.setPen(_CUMULATIVE)
        painter.drawText(over, Qt.AlignmentFlag.AlignRight, cumulative)

    def _paint_line(
        self, painter: QPainter, colour: QColor, across: NDArray[np.float64], up: NDArray[np.float64]
    ) -> None:
        painter.setPen(QPen(colour, 1.6))
        finite = np.isfinite(up)
        points = [self._at(float(x), float(y)) for x, y in zip(across[finite], up[finite], strict=True)]
        painter.drawPolyline(QPolygonF(points))

    def _at(self, across: float, up: float) -> QPointF:
        area = self._area()
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), self.height() - _TOP - _BOTTOM)


def density(fit: Lognormal, x: NDArray[np.float64], *, by_area: bool) -> NDArray[np.float64]:
    """Give the fitted density; by area it is a lognormal one too, whose mu is 2 sigma^2 larger."""
    if not fit.sigma > 0:
        return np.full_like(x, np.nan)
    mu = fit.mu + (2 * fit.sigma**2 if by_area else 0)
    heights: NDArray[np.float64] = np.exp(-(((np.log(x) - mu) / fit.sigma) ** 2) / 2)
    return heights / (x * fit.sigma * math.sqrt(2 * math.pi))


def round_values(low: float, high: float) -> list[float]:
    """Give values for a logarithmic axis: 1, 2, 3 and 5 of each decade."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**k for k in decades for m in (1, 2, 3, 5) if low <= m * 10.0**k <= high]


def ticks(top: float) -> list[float]:
    """Give round values from 0 up to about five of them."""
    if not top > 0:
        return [0.0]
    rough = top / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    return [k * step for k in range(int(top / step * 1.0001) + 1)]
