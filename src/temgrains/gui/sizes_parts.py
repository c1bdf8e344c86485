"""Small parts of the pages of "Grain sizes": columns, texts, and which grains are shown."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from temgrains.gui import _widgets
from temgrains.gui.sizes_state import Filters


class FilterBar(QWidget):
    """Which grains count for the table, the distribution and the colours, and how many these are."""

    changed = Signal()
    """Another choice."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = QCheckBox("whole grains only")
        self.whole.setChecked(True)
        self.whole.setToolTip(
            "Leave out grains that the border or a left-out part cuts: what one sees is a part"
        )
        self.smallest = _widgets.number("Leave out grains of less area", (0, 1e12), 0, decimals=0)
        self.surest = _widgets.number("Leave out grains of less confidence, 0 to 1", (0, 1), 0)
        self.surest_name = _widgets.label("confidence from")
        self.left = QLabel()
        self.left.setWordWrap(True)
        layout = column_of(self, margins=(0, 0, 0, 0))
        layout.addWidget(_widgets.row([self.whole, 1, _widgets.label("area from"), self.smallest]))
        layout.addWidget(_widgets.row([self.surest_name, self.surest, 1]))
        layout.addWidget(self.left)
        for change in (self.whole.toggled, self.smallest.valueChanged, self.surest.valueChanged):
            change.connect(lambda _: self.changed.emit())

    @property
    def filters(self) -> Filters:
        """What the user left in."""
        return Filters(self.whole.isChecked(), self.smallest.value(), self.surest.value())

    def suit(self, unit: str, *, confidence: bool) -> None:
        """Show the unit of the areas, and offer the confidence only where it is known."""
        self.smallest.setSuffix(f" {unit}²")
        for widget in (self.surest, self.surest_name):
            widget.setVisible(confidence)


def text_label(text: str = "") -> QLabel:
    """Make a text that wraps and can be copied."""
    made = QLabel(text)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
    return made


def scrolling(content: QWidget) -> QScrollArea:
    """Put a page into an area that scrolls down."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def column_of(widget: QWidget, *, margins: tuple[int, int, int, int] = (2, 4, 2, 2)) -> QVBoxLayout:
    """Lay a page out from top to bottom."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(*margins)
    layout.setSpacing(4)
    return layout
