"""The fields of all settings; they show a `Settings` and give one back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from temgrains.gui import _widgets
from temgrains.gui._widgets import Fold, Threshold
from temgrains.settings import Settings


class SettingControls(QObject):
    """One field per setting, grouped by stage; ``changed`` is emitted when the user changes one.

    Each field's tooltip names its unit and its place in a settings file, as in ``[edges] median_px``.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        new = Settings()
        self._fields: dict[str, dict[str, Any]] = {
            "edges": _edge_fields(new),
            "guess": {"scale": _scale_field(new)},
            "refine": _refine_fields(new),
            "boundaries": _boundary_fields(new),
        }
        self.edges = Fold("Thresholds and filters", _form(self._fields["edges"], _EDGE_NAMES))
        self.scale: QWidget = self._fields["guess"]["scale"]
        self.refine = Fold("When to stop", _form(self._fields["refine"], _REFINE_NAMES))
        self.boundaries = _form(self._fields["boundaries"], _BOUNDARY_NAMES)
        for fields in self._fields.values():
            for field in fields.values():
                _changes(field).connect(self.changed)

    def setEnabled(self, on: bool) -> None:
        """Let the user change settings, or not."""
        for group in (self.edges, self.scale, self.refine, self.boundaries):
            group.setEnabled(on)

    def show_settings(self, settings: Settings) -> None:
        """Show other settings, without telling of it."""
        self.blockSignals(True)
        for stage, fields in self._fields.items():
            for name, field in fields.items():
                _show(field, getattr(getattr(settings, stage), name))
        self.blockSignals(False)

    def settings(self, before: Settings) -> Settings:
        """Give the settings that are shown; what has no field, or is shown rounded, stays as it was."""
        stages = {}
        for stage, fields in self._fields.items():
            old = getattr(before, stage)
            new = {name: _value(field, getattr(old, name)) for name, field in fields.items()}
            stages[stage] = replace(old, **new)
        return replace(before, **stages)


_EDGE_NAMES = {
    "sobel_threshold": "Sobel",
    "log_threshold": "LoG",
    "canny_threshold": "Canny",
    "log_sigma_px": "LoG σ",  # noqa: RUF001
    "canny_sigma_px": "Canny σ",  # noqa: RUF001
    "median_px": "Median",
    "saturation": "Clip",
}
_REFINE_NAMES = {"threshold": "Change below", "max_iterations": "At most", "criterion": "Criterion"}
_BOUNDARY_NAMES = {
    "closing": "Close lines by",
    "support": "Support",
    "small_share": "Doubt small",
    "threshold": "Threshold",
    "closing_radius_px": "Close gaps",
    "min_grain_px": "Min. grain",
    "least_confidence": "Confidence",
}


def _edge_fields(new: Settings) -> dict[str, Any]:
    return {
        "sobel_threshold": Threshold(
            "Gradient (Sobel / 8, image in 0..1) above which a pixel is an edge\n[edges] sobel_threshold",
            0.3,
            0.05,
        ),
        "log_threshold": Threshold(
            "Jump across a zero crossing (image in 0..1) above which it is an edge\n[edges] log_threshold",
            0.05,
            0.003,
        ),
        "canny_threshold": Threshold(
            "Upper threshold as a share of the largest gradient\n[edges] canny_threshold", 1.0, 0.2
        ),
        **_filter_fields(new),
    }


def _filter_fields(new: Settings) -> dict[str, Any]:
    edges = new.edges
    return {
        "log_sigma_px": _widgets.number(
            "Width of the Gaussian in the LoG [px]\n[edges] log_sigma_px",
            (0.3, 20),
            edges.log_sigma_px,
            suffix=" px",
        ),
        "canny_sigma_px": _widgets.number(
            "Width of Canny's Gaussian [px]\n[edges] canny_sigma_px",
            (0.3, 20),
            edges.canny_sigma_px,
            suffix=" px",
        ),
        "median_px": _widgets.whole(
            "Side of the median window [px], odd; 1 = off\n[edges] median_px",
            (1, 31),
            edges.median_px,
            suffix=" px",
            step=2,
        ),
        "saturation": _widgets.number(
            "Share of the pixels clipped at each end of the histogram\n[edges] saturation",
            (0, 0.49),
            edges.saturation,
            decimals=3,
        ),
    }


def _scale_field(new: Settings) -> Any:
    field = _widgets.number(
        "Factor by which the image is resampled before the networks see it (0.1 to 4);\n"
        "automatic: so that its grains are as large as the model knows\n[guess] scale",
        (0, 4),
        new.guess.scale,
        prefix="scale × ",  # noqa: RUF001
    )
    field.setSpecialValueText("scale: automatic")
    field.setSingleStep(0.1)
    # Between automatic and the least factor there is nothing.
    field.valueChanged.connect(lambda value: field.setValue(0.1) if 0 < value < 0.1 else None)
    return field


def _refine_fields(new: Settings) -> dict[str, Any]:
    criterion = QComboBox()
    criterion.addItems(["model", "paper", "reference"])
    criterion.setToolTip(
        "How the change is measured. paper: all differences;\n"
        "reference: increases only, as the authors' code; model: as the model's card asks\n[refine] criterion"
    )
    return {
        "threshold": _widgets.number(
            "Converged when one iteration changes at most this share of the grey range\n[refine] threshold",
            (0, 1),
            new.refine.threshold,
            decimals=4,
        ),
        "max_iterations": _widgets.whole(
            "Largest number of iterations\n[refine] max_iterations",
            (0, 1000),
            new.refine.max_iterations,
            suffix=" iterations",
        ),
        "criterion": criterion,
    }


def _boundary_fields(new: Settings) -> dict[str, Any]:
    boundaries = new.boundaries
    closing = QComboBox()
    closing.addItems(["model", "support", "gaps"])
    closing.setToolTip(
        "support: a line divides two grains if it is likely enough on the whole, whatever gaps it has;\n"
        "gaps: above the threshold is boundary, and small gaps are closed, as in the paper;\n"
        "model: as the model's card asks (default: support, paper: gaps)\n[boundaries] closing"
    )
    return {
        "closing": closing,
        "support": _widgets.slider(
            "With support: how likely a line must be on the whole, 0 to 1\n[boundaries] support",
            1.0,
            boundaries.support,
        ),
        "small_share": _widgets.slider(
            "With support: grains of less than this share of their neighbours' mean area must be the surer\n"
            "the smaller they are; 0 = size does not matter\n[boundaries] small_share",
            1.0,
            boundaries.small_share,
        ),
        "least_confidence": _widgets.slider(
            "Grains whose outline is less sure are left out, and their area is reported; 0 = none\n"
            "[boundaries] least_confidence",
            1.0,
            boundaries.least_confidence,
        ),
        "threshold": _widgets.slider(
            "With gaps: share of the grey range above which a pixel is boundary\n[boundaries] threshold",
            1.0,
            boundaries.threshold,
        ),
        "closing_radius_px": _widgets.whole(
            "With gaps: radius of the disk that closes them [px]; 0 = off\n[boundaries] closing_radius_px",
            (0, 20),
            boundaries.closing_radius_px,
            suffix=" px",
        ),
        "min_grain_px": _widgets.whole(
            "Grains of less area are given to their neighbours [px²]\n[boundaries] min_grain_px",
            (0, 10**6),
            boundaries.min_grain_px,
            suffix=" px²",
        ),
    }


def _form(fields: dict[str, Any], names: dict[str, str]) -> QWidget:
    made = QWidget()
    form = QFormLayout(made)
    form.setContentsMargins(18, 0, 0, 0)
    form.setVerticalSpacing(3)
    for name, text in names.items():
        form.addRow(text, fields[name])
    return made


def _changes(field: Any) -> Any:
    if isinstance(field, Threshold):
        return field.changed
    return field.currentTextChanged if isinstance(field, QComboBox) else field.valueChanged


def _show(field: Any, value: Any) -> None:
    if isinstance(field, Threshold):
        field.set_value(value)
    elif isinstance(field, QComboBox):
        field.setCurrentText(value)
    else:
        field.setValue(value)


def _value(field: Any, old: Any) -> Any:
    """Give a field's value; the old one where the field merely shows it rounded."""
    if isinstance(field, Threshold):
        value = field.value()
        return old if _same(value, old, field.slider.decimals()) else value
    if isinstance(field, QComboBox):
        return field.currentText()
    value = field.value()
    decimals = field.decimals() if hasattr(field, "decimals") else 0
    return old if _same(value, old, decimals) else value


def _same(shown: float | None, old: float | None, decimals: int) -> bool:
    return shown is not None and old is not None and abs(shown - old) <= 0.5 * 10.0**-decimals * 1.001
