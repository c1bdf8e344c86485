"""The dock "Synthesise": samples of a recipe, its concepts, data sets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from temgrains.gui import _widgets
from temgrains.gui._widgets import Fold
from temgrains.gui.samples import PIXEL_NM
from temgrains.gui.synthesise_desk import samples_of
from temgrains.gui.synthesise_fields import BOX_WIDTH, ConceptRow
from temgrains.synthesis.catalogue import SHAPES

if TYPE_CHECKING:
    from temgrains.gui._desk import Desk

FILES = "Recipes (*.toml *.json)"


class SynthesisePanel(QWidget):
    """Shows the sample desk, and tells it what was chosen and moved."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.samples = samples_of(desk)
        self.recipe = QComboBox()
        self.buttons = _buttons()
        self.fields = _fields()
        self.seed = _widgets.whole("Seed of the series  (--seed)", (0, 2**31 - 1), 0, suffix="")
        self.index = _widgets.whole("Number of the image in its series, from 0", (0, 2**31 - 1), 0)
        self.views = {
            "truth": QCheckBox("truth"),
            "grains": QCheckBox("grains"),
        }
        self.rows: list[ConceptRow] = []
        self.folds: dict[str, Fold] = {}
        self.count = _widgets.whole("Number of images in the data set  (--count)", (1, 1_000_000), 100)
        self.progress = QProgressBar()
        self.about = QLabel()
        self.message = QLabel()
        self._concepts = QVBoxLayout()
        for box in (*self.fields.values(), self.seed, self.index, self.count):
            box.setFixedWidth(BOX_WIDTH)
        self._build()
        self._connect()
        self._show_recipe()

    # Showing

    def show_desk(self) -> None:
        """Show the sample desk as it is now."""
        samples = self.samples
        shown = samples.layers.has_image()
        press = self.buttons
        press["previous"].setEnabled(samples.index > 0)
        press["write"].setEnabled(not samples.writing)
        press["cancel"].setEnabled(samples.writing)
        _widgets.highlight(press["show"], on=not shown)
        for box, value in ((self.seed, samples.seed), (self.index, samples.index)):
            _show(box, value)
        self._show_fields()
        self._show_concepts()
        self.about.setText(_about(samples))
        self.message.setText(samples.note)
        self.message.setVisible(bool(samples.note))
        self.progress.setVisible(samples.writing)

    def show_progress(self, done: int, total: int) -> None:
        """Show how much of the data set is written."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(f"image {done} of {total}")

    def _show_recipe(self) -> None:
        """Show another recipe."""
        samples = self.samples
        self.recipe.clear()
        self.recipe.addItems(list(samples.recipes))
        self.recipe.setCurrentText(samples.chosen)
        self._make_concepts()
        self.show_desk()

    def _show_fields(self) -> None:
        plain = self.samples.draft.plain
        height, width = plain.shape
        low, high = plain.mean_diameter_px
        values = {"height": height, "width": width, "low": low, "high": high}
        values |= {"sigma": plain.sigma, "thickness": plain.thickness_px}
        values |= {"fine_share": plain.fine_share, "fine_ratio": plain.fine_ratio}
        for name, value in values.items():
            _show(self.fields[name], value)

    def _show_concepts(self) -> None:
        missing = [id(slot) for slot in self.samples.missing()]
        for row in self.rows:
            row.show_slot(absent=id(row.slot) in missing)
        for name, slots in self.samples.draft.groups().items():
            self.folds[name].rename(f"{name}  ({sum(slot.on for slot in slots)} of {len(slots)} on)")

    # Making

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(5)
        self.recipe.setToolTip("What is drawn: a recipe of the package, or one from a file  (--recipe)")
        self.recipe.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.views["truth"].setToolTip("Show the true boundaries as red lines")
        self.views["grains"].setToolTip("Show the true grains in colours")
        for text in (self.about, self.message):
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress.setVisible(False)
        self._concepts.setSpacing(1)
        press = self.buttons
        layout.addLayout(self._form())
        walk = [press[name] for name in ("show", "previous", "next")]
        layout.addWidget(_widgets.row([*walk, 1, *self.views.values()]))
        layout.addWidget(self.about)
        layout.addWidget(_widgets.label("Concepts", "What the micrographs show, and their noise", bold=True))
        layout.addLayout(self._concepts)
        layout.addWidget(_widgets.label("Data set", "Micrographs with their truth", bold=True))
        images = _widgets.label("images")
        layout.addWidget(_widgets.row([self.count, images, 1, press["write"], press["cancel"]]))
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        layout.addStretch(1)

    def _form(self) -> QFormLayout:
        fields, press, label = self.fields, self.buttons, _widgets.label
        form = QFormLayout()
        form.setVerticalSpacing(3)
        form.setHorizontalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, parts in (
            ("Recipe", [self.recipe, press["open"], press["save"]]),
            ("Image [px]", [fields["height"], label("×"), fields["width"], 1]),  # noqa: RUF001
            ("Grains [px]", [fields["low"], label("to"), fields["high"], 1]),
            ("Spread", [fields["sigma"], 1, label("Truth [px]"), fields["thickness"]]),
            ("Fine share", [fields["fine_share"], 1, label("Fine size"), fields["fine_ratio"]]),
            ("Seed", [self.seed, 1, label("Number"), self.index]),
        ):
            form.addRow(name, _widgets.row(parts))
        return form

    def _make_concepts(self) -> None:
        """Make a row for each concept, and keep unfolded what was."""
        unfolded = {name for name, fold in self.folds.items() if fold.is_unfolded()}
        while (item := self._concepts.takeAt(0)) is not None:
            item.widget().deleteLater()
        self.rows, self.folds = [], {}
        for name, slots in self.samples.draft.groups().items():
            content = QWidget()
            layout = QVBoxLayout(content)
            layout.setContentsMargins(0, 0, 0, 2)
            layout.setSpacing(1)
            for slot in slots:
                row = ConceptRow(slot, "shapes" if name in SHAPES else "steps")
                row.switched.connect(partial(self.samples.switch, slot))
                row.changed.connect(partial(self.samples.change_concept, slot))
                layout.addWidget(row)
                self.rows.append(row)
            self.folds[name] = Fold(name, content)
            self.folds[name].unfold(name in unfolded)
            self._concepts.addWidget(self.folds[name])

    def _connect(self) -> None:
        samples, press, fields = self.samples, self.buttons, self.fields
        samples.changed.connect(self.show_desk)
        samples.opened.connect(self._show_recipe)
        samples.progressed.connect(self.show_progress)
        self.recipe.textActivated.connect(samples.choose)
        self.seed.valueChanged.connect(lambda seed: samples.go_to(seed=seed))
        self.index.valueChanged.connect(lambda index: samples.go_to(index=index))
        press["show"].clicked.connect(lambda _: samples.show_sample())
        press["previous"].clicked.connect(lambda _: samples.go_to(index=max(samples.index - 1, 0)))
        press["next"].clicked.connect(lambda _: samples.go_to(index=samples.index + 1))
        press["open"].clicked.connect(self._ask_recipe)
        press["save"].clicked.connect(self._ask_file)
        press["write"].clicked.connect(self._ask_folder)
        press["cancel"].clicked.connect(lambda _: samples.cancel())
        for role, view in self.views.items():
            view.clicked.connect(partial(samples.set_visible, role))
        for name in fields:
            fields[name].valueChanged.connect(partial(self._take_field, name))

    # What the user does

    def _take_field(self, name: str, value: float) -> None:
        """Take over the field that was changed; the others may show their values rounded."""
        plain = self.samples.draft.plain
        (height, width), (low, high) = plain.shape, plain.mean_diameter_px
        changes: dict[str, dict[str, Any]] = {
            "height": {"shape": (value, width)},
            "width": {"shape": (height, value)},
            "low": {"mean_diameter_px": (value, max(value, high))},
            "high": {"mean_diameter_px": (min(low, value), value)},
            "sigma": {"sigma": value},
            "thickness": {"thickness_px": value},
        }
        self.samples.change(**changes.get(name, {name: value}))

    def _ask_recipe(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a recipe", "", FILES)
        if path:
            self.samples.open_recipe(path)

    def _ask_file(self) -> None:
        name = f"{self.samples.draft.recipe().name}.toml"
        path, _ = QFileDialog.getSaveFileName(self, "Save the recipe", name, FILES)
        if path:
            self.samples.save_recipe(path)

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Write the data set into a folder")
        if folder and (not self.samples.has_series(folder) or self._may_replace(folder)):
            self.samples.write(folder, self.count.value())

    def _may_replace(self, folder: str) -> bool:
        asked = f"{folder} holds a series of seed {self.samples.seed}. Replace its images?"
        answer = QMessageBox.question(self, "Write data set", asked)
        return bool(answer == QMessageBox.StandardButton.Yes)


def _about(samples: Any) -> str:
    if samples.sample is None:
        return "Show sample draws a micrograph whose boundaries are known; changes are then seen at once."
    report = samples.sample.drawn.report
    mean = report["cells_mean_ecd_px"]
    grains = "1 grain" if report["cells"] == 1 else f"{report['cells']} grains"
    busy = "drawing…" if samples.drawing else f"drawn in {1000 * samples.sample.seconds:.0f} ms"
    return f"{grains} of {mean:.0f} px = {mean * PIXEL_NM:.0f} nm on average (at {PIXEL_NM:g} nm/px); {busy}"


def _show(field: Any, value: float) -> None:
    """Show a value without telling of it, and leave alone a field in which somebody types."""
    if field.hasFocus() and field.text() != field.textFromValue(field.value()):
        return
    field.blockSignals(True)
    field.setValue(value)
    field.blockSignals(False)


def _buttons() -> dict[str, QPushButton]:
    make = _widgets.button
    return {
        "open": make("Open…", "Open a recipe from a TOML or JSON file"),
        "save": make("Save…", "Save the recipe, for temgrains synthesise --recipe FILE and train"),
        "show": make("Show sample", "Draw the micrograph and its truth as layers"),
        "previous": make("Previous", "The image before in the series"),
        "next": make("Next", "The next image of the series"),
        "write": make("Write data set…", "Write micrographs with their truth into a folder"),
        "cancel": make("Cancel", "Stop writing; nothing of the data set is left"),
    }


def _fields() -> dict[str, Any]:
    number, whole = _widgets.number, _widgets.whole
    return {
        "height": whole("Height of the images [px]\nshape", (16, 16384), 256, step=16),
        "width": whole("Width of the images [px]\nshape", (16, 16384), 256, step=16),
        "low": number(
            "Least mean diameter of the grains [px]; each image draws its own\nmean_diameter_px",
            (2, 16384), 12, decimals=1,
        ),
        "high": number(
            "Largest mean diameter of the grains [px]; each image draws its own\nmean_diameter_px",
            (2, 16384), 90, decimals=1,
        ),
        "sigma": number(
            "Standard deviation of ln(diameter) of the circles that become grains (0..2)\nsigma", (0, 2), 0.45
        ),
        "fine_share": number(
            "Share of the area that a second, finer kind of grains fills (0..0.95)\nfine_share", (0, 0.95), 0
        ),
        "fine_ratio": number(
            "Mean diameter of the finer grains as a share of that of the others (0.05..1)\nfine_ratio",
            (0.05, 1), 0.3,
        ),
        "thickness": number(
            "Thickness of the boundaries in the truth [px]\nthickness_px",
            (1, 100), 4, decimals=1,
        ),
    }  # fmt: skip
