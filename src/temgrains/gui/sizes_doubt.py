"""The page "Uncertainty" of the panel "Grain sizes": what makes a size unsure, each kept apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QProgressBar, QWidget

from temgrains.gui import _widgets
from temgrains.gui.sizes_parts import column_of, text_label

if TYPE_CHECKING:
    from temgrains.gui.sizes_views import Views
    from temgrains.statistics.distribution import Summary
    from temgrains.statistics.report import Choices

UNSTATED = "not stated"
ONE_IMAGE = (
    "<b>Between images</b> a specimen differs most. Measure five or more: <i>temgrains measure FOLDER</i> "
    "gives the mean of all with its interval (pooled.json)."
)


class UncertaintyPage(QWidget):
    """Shows what is known, takes what the user states, and asks for what has to be measured."""

    stated = Signal()
    """The user stated another error of the pixel size."""

    def __init__(self, views: Views) -> None:
        super().__init__()
        self.views = views
        self.error = _widgets.number(
            "By how much the size of a pixel may be off; all sizes are off by as much  (--calibration-error)",
            (0, 99.9),
            0,
            decimals=1,
            suffix=" %",
        )
        self.error.setSpecialValueText(UNSTATED)
        self.measure = _widgets.button(
            "Measure the views",
            "Let each mirror image that votes on the guess lead to grains by itself; runs the first network, "
            "takes about as long as the initial guess  (--members)",
        )
        self.cancel = _widgets.button("Cancel", "Stop measuring the views")
        self.progress = QProgressBar()
        self.table, self.note, self.between = text_label(), text_label(), text_label(ONE_IMAGE)
        layout = column_of(self)
        layout.addWidget(self.table)
        layout.addWidget(_widgets.row([_widgets.label("Pixel size may be off by"), self.error, 1]))
        layout.addWidget(_widgets.row([self.measure, self.cancel, 1]))
        for part in (self.progress, self.note, self.between):
            layout.addWidget(part)
        layout.addStretch(1)
        self.error.valueChanged.connect(lambda _: self.stated.emit())
        self.measure.clicked.connect(lambda _=False: views.measure())
        self.cancel.clicked.connect(lambda _=False: views.cancel())
        views.progressed.connect(self._on_progress)

    @property
    def calibration_error(self) -> float | None:
        """The share by which the size of a pixel may be off, None where nobody said."""
        percent = float(self.error.value())
        return percent / 100 if percent > 0 else None

    def show_uncertainty(self, summary: Summary, choices: Choices, unit: str) -> None:
        """Show what is known."""
        at_work = self.views.runner.busy
        self.measure.setEnabled(self.views.possible and not at_work)
        for part in (self.cancel, self.progress):
            part.setVisible(at_work)
        self.table.setText(uncertainty_text(summary, choices, unit))
        self.note.setText(self.views.note)
        self.note.setVisible(bool(self.views.note))

    def _on_progress(self, done: int, total: int) -> None:
        begun = total > 1  # before, the model is loaded, or other work has its turn
        self.progress.setRange(0, total if begun else 0)
        self.progress.setValue(done)
        self.progress.setFormat(f"view {done} of {total}")


def uncertainty_text(summary: Summary, choices: Choices, unit: str) -> str:
    """Put what makes the mean diameter unsure into a table."""
    from temgrains.statistics.report import uncertainty  # noqa: PLC0415

    content = uncertainty(choices, unit)
    calibration, views = content["calibration"], content["between_members"]
    half = (summary.mean_high - summary.mean_low) / 2
    rows = [
        ("grains of this image, 95 %", *_shown(100 * half / summary.mean if summary.count else math.nan)),
        ("between images", "one image: not known", ""),
        ("size of a pixel", *_shown(calibration.get("size_percent"), UNSTATED)),
        (
            f"{views['members']} views of the model, s.d." if "members" in views else "views of the model",
            *_shown(views.get("size_percent"), "not measured"),
        ),
    ]
    cells = "".join(
        f"<tr>{''.join(f'<td style={_STYLE}>{cell}</td>' for cell in row)}</tr>"
        for row in (("", "<b>mean ECD</b>", "<b>G</b>"), *rows)
    )
    return f"<table>{cells}</table>"


_STYLE = "'padding-right: 8px; padding-bottom: 2px; white-space: nowrap'"


def _shown(percent: float | None, otherwise: str = "–") -> tuple[str, str]:  # noqa: RUF001
    from temgrains.statistics.between import calibration_in_g  # noqa: PLC0415

    if percent is None or not math.isfinite(percent):
        return otherwise, ""
    g = f"± {calibration_in_g(percent / 100):.2f}" if percent < 100 else ""
    return f"± {percent:.2g} %" if percent < 9.5 else f"± {percent:.0f} %", g
