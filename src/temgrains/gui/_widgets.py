"""Small parts that the docks are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

if TYPE_CHECKING:
    from collections.abc import Iterable

NEXT_STYLE = "QPushButton { background-color: #007acc; color: white; font-weight: bold; }"

_SHAPES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "reset": (((3, 3), (5, 3), (5, 13), (3, 13)), ((14, 3), (14, 13), (6, 8))),
    "back": (((12, 3), (12, 13), (4, 8)),),
    "run": (((4, 2), (4, 14), (13, 8)),),
    "pause": (((4, 3), (7, 3), (7, 13), (4, 13)), ((9, 3), (12, 3), (12, 13), (9, 13))),
    "step": (((4, 3), (4, 13), (12, 8)),),
    "last": (((2, 3), (2, 13), (10, 8)), ((11, 3), (13, 3), (13, 13), (11, 13))),
}


def icon(kind: str, theme: str) -> QIcon:
    """Draw one of the transport symbols in a theme's colour of text; fonts do not have them everywhere."""
    colour = QColor(get_theme(theme).text.as_hex())
    faint = QColor(colour)
    faint.setAlpha(80)
    made = QIcon()
    made.addPixmap(_symbol(kind, colour), QIcon.Mode.Normal)
    made.addPixmap(_symbol(kind, faint), QIcon.Mode.Disabled)
    return made


def _symbol(kind: str, colour: QColor) -> QPixmap:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for corners in _SHAPES[kind]:
        painter.drawPolygon(QPolygonF([QPointF(2 * x, 2 * y) for x, y in corners]))
    painter.end()
    return pixmap


def button(text: str, tip: str) -> QPushButton:
    """Make a button with a tooltip."""
    made = QPushButton(text)
    made.setToolTip(tip)
    return made


def highlight(widget: QPushButton, on: bool) -> None:
    """Mark a button as the next one to press, or as any other."""
    style = NEXT_STYLE if on else ""
    if widget.styleSheet() != style:
        widget.setStyleSheet(style)


def row(parts: Iterable[QWidget | int]) -> QWidget:
    """Lay widgets side by side; a number is a stretch."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for part in parts:
        if isinstance(part, int):
            layout.addStretch(part)
        else:
            layout.addWidget(part)
    return made


def label(text: str, tip: str = "", *, bold: bool = False) -> QLabel:
    """Make a label."""
    made = QLabel(f"<b>{text}</b>" if bold else text)
    made.setToolTip(tip)
    return made


class Fold(QWidget):
    """A part that is folded away until its title is clicked."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title = QToolButton()
        self._title.setText(title)
        self._title.setCheckable(True)
        self._title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.setArrowType(Qt.ArrowType.RightArrow)
        self._title.setStyleSheet("QToolButton { border: none; background: transparent; }")
        self._title.toggled.connect(self._turn)
        self._content = content
        content.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._title)
        layout.addWidget(content)

    def title(self) -> str:
        """Give the title."""
        return str(self._title.text())

    def is_unfolded(self) -> bool:
        """Whether the content is shown."""
        return bool(self._title.isChecked())

    def rename(self, title: str) -> None:
        """Show another title."""
        self._title.setText(title)

    def unfold(self, on: bool = True) -> None:
        """Show or hide the content."""
        self._title.setChecked(on)

    def _turn(self, on: bool) -> None:
        self._title.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._content.setVisible(on)


class Threshold(QWidget):
    """A threshold that is found automatically, or set with a slider."""

    changed = Signal()
    """The value, or whether it is automatic, has changed."""

    def __init__(self, tip: str, top: float, start: float) -> None:
        super().__init__()
        self.automatic = QCheckBox("auto")
        self.automatic.setToolTip("Let the image decide, as MATLAB's edge does")
        self.automatic.setChecked(True)
        self.slider = slider(tip, top, start)
        self.slider.setEnabled(False)
        self.automatic.toggled.connect(self._turn)
        self.slider.valueChanged.connect(self.changed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.automatic)
        layout.addWidget(self.slider, 1)

    def value(self) -> float | None:
        """Give the value, None when it is automatic."""
        return None if self.automatic.isChecked() else float(self.slider.value())

    def set_value(self, value: float | None) -> None:
        """Show a value, None for automatic."""
        self.automatic.setChecked(value is None)
        if value is not None:
            self.slider.setValue(value)

    def _turn(self, automatic: bool) -> None:
        self.slider.setEnabled(not automatic)
        self.changed.emit()


def slider(tip: str, top: float, start: float, *, bottom: float = 0.0) -> QLabeledDoubleSlider:
    """Make a slider with a value that can be typed; the decimals follow the range."""
    made = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    made.setRange(bottom, top)
    made.setDecimals(4 if top < 0.1 else 3 if top < 0.5 else 2)
    made.setSingleStep(top / 100)
    made.setValue(start)
    made.setToolTip(tip)
    return made


def whole(tip: str, limits: tuple[int, int], start: int, *, suffix: str = "", step: int = 1) -> QSpinBox:
    """Make a field for a whole number."""
    made = QSpinBox()
    made.setRange(*limits)
    made.setSingleStep(step)
    made.setValue(start)
    return _finished(made, tip, suffix)


def number(
    tip: str,
    limits: tuple[float, float],
    start: float,
    *,
    decimals: int = 2,
    prefix: str = "",
    suffix: str = "",
) -> QDoubleSpinBox:
    """Make a field for a number."""
    made = QDoubleSpinBox()
    made.setDecimals(decimals)
    made.setRange(*limits)
    made.setSingleStep(10.0**-decimals)
    made.setValue(start)
    made.setPrefix(prefix)
    return _finished(made, tip, suffix)


def _finished(made: Any, tip: str, suffix: str) -> Any:
    made.setSuffix(suffix)
    made.setToolTip(tip)
    made.setKeyboardTracking(False)  # a number that is being typed is no value yet
    return made


def plot_painter(widget: QWidget) -> QPainter:
    """Give what paints a plot on a widget: smooth lines, small text."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = painter.font()
    font.setPixelSize(10)
    painter.setFont(font)
    return painter
