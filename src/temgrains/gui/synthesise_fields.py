"""Fields of the Synthesise dock: sliders and switches made from the settings that concepts have."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from temgrains.gui.synthesise_draft import Slot
    from temgrains.synthesis.catalogue import Strength

BOX_WIDTH = 98
"""Width of a field for a number [px]: three of them fit side by side into a narrow dock."""

_TICKS = 100


class StrengthField:
    """A setting as a slider and a field to type in; the slider ends where values are no longer usual."""

    def __init__(self, strength: Strength, tip: str) -> None:
        self.strength = strength
        self.decimals = decimals_of(strength)
        self.top = top_of(strength)
        ticks = int((self.top - strength.low) / strength.step) if strength.step else _TICKS
        self.label = _widgets.label(words(strength), tip)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, ticks)
        self.slider.setToolTip(tip)
        self.box = self._box(tip)
        self.box.setFixedWidth(BOX_WIDTH)

    def value_at(self, tick: int) -> float:
        """Give the value where the slider stands."""
        strength = self.strength
        step = strength.step or (self.top - strength.low) / _TICKS
        return round(strength.low + tick * step, self.decimals)

    def show(self, value: float) -> None:
        """Show a value, without telling of it."""
        step = self.strength.step or (self.top - self.strength.low) / _TICKS
        for widget, shown in (
            (self.slider, round((value - self.strength.low) / step)),
            (self.box, int(value) if self.strength.step else value),
        ):
            widget.blockSignals(True)
            widget.setValue(shown)
            widget.blockSignals(False)

    def _box(self, tip: str) -> Any:
        strength = self.strength
        if strength.step:
            limits = (int(strength.low), int(strength.high))
            return _widgets.whole(tip, limits, int(strength.default), step=strength.step)
        return _widgets.number(tip, (strength.low, strength.high), strength.default, decimals=self.decimals)


class ConceptRow(QWidget):
    """A concept: a switch, and its settings folded away below it."""

    switched = Signal(bool)
    """The user switched it on or off."""
    changed = Signal(str, float)
    """The user moved a setting: its name and value."""

    def __init__(self, slot: Slot, kind: str) -> None:
        super().__init__()
        self.slot = slot
        self._kind = kind
        self.fields: dict[str, StrengthField] = {}
        concept = type(slot.concept)
        self.switch = QCheckBox(title(concept))
        self.switch.setToolTip(f'{about(concept)}\n[[{kind}]] step = "{concept.__name__}"')
        self.switch.clicked.connect(self.switched)
        self.absent = QLabel("not in this sample")
        self.absent.setEnabled(False)
        self.absent.setToolTip("Not all images show it: see the next ones, or raise its share of images")
        self.arrow = QToolButton()
        self.arrow.setCheckable(True)
        self.arrow.setArrowType(Qt.ArrowType.RightArrow)
        self.arrow.setStyleSheet("QToolButton { border: none; background: transparent; }")
        self.arrow.setToolTip("Show how strong it is")
        self.arrow.toggled.connect(self._unfold)
        self._content = QWidget()
        self._content.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(_widgets.row([self.arrow, self.switch, 1, self.absent]))
        layout.addWidget(self._content)
        self.show_slot()

    def show_slot(self, *, absent: bool = False) -> None:
        """Show the slot as it is now."""
        self.switch.setChecked(self.slot.on)
        self.absent.setVisible(absent)
        for name, field in self.fields.items():
            field.show(self.slot.value(name))

    def _unfold(self, on: bool) -> None:
        if on and not self.fields:
            self._make_fields()
        self.arrow.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._content.setVisible(on)

    def _make_fields(self) -> None:
        """Make the fields when they are first looked at: those of all concepts would take a while."""
        grid = QGridLayout(self._content)
        grid.setContentsMargins(24, 0, 0, 4)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, 96)
        grid.setColumnStretch(1, 1)
        for row, strength in enumerate(self.slot.strengths):
            field = StrengthField(strength, f"{_sentence(strength)}\n[[{self._kind}]] {strength.name}")
            field.show(self.slot.value(strength.name))
            field.slider.valueChanged.connect(partial(self._slide, field))
            field.box.valueChanged.connect(partial(self.changed.emit, strength.name))
            for column, widget in enumerate((field.label, field.slider, field.box)):
                grid.addWidget(widget, row, column)
            self.fields[strength.name] = field

    def _slide(self, field: StrengthField, tick: int) -> None:
        self.changed.emit(field.strength.name, field.value_at(tick))


def title(concept: type) -> str:
    """Give a concept's name in words."""
    parts = re.findall(r"[A-Z][a-z]*", concept.__name__)
    return " ".join(parts).capitalize().replace("Jpeg", "JPEG").replace("Moire", "Moiré")


def about(concept: type) -> str:
    """Give the first sentence of a concept's docstring."""
    return " ".join((concept.__doc__ or "").split("\n\n")[0].split())


def words(strength: Strength) -> str:
    """Give a setting's name in words, with its unit where that is short."""
    name = "share of images" if strength.name == "image_share" else strength.name
    unit = f" [{strength.unit}]" if strength.unit in {"px", "grey"} else ""
    return re.sub(r"_(px|grey)$", "", name).replace("_", " ") + unit


def top_of(strength: Strength) -> float:
    """Give where the slider ends: at the limit, unless that is far beyond what is usual."""
    usual = 5 * strength.default
    return usual if strength.high > 20 * strength.default > 0 else strength.high


def decimals_of(strength: Strength) -> int:
    """Give how many decimals are worth showing."""
    if strength.step:
        return 0
    span = top_of(strength) - strength.low
    return 3 if span <= 0.5 else 2 if span <= 20 else 1


def _sentence(strength: Strength) -> str:
    unit = f" [{strength.unit}]" if strength.unit and f"[{strength.unit}]" not in strength.about else ""
    return f"{strength.about.rstrip('.')}{unit}."
