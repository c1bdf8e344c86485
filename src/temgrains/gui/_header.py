"""The part of a dock above its tabs: which image, which pixel size, which model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QSizePolicy,
    QWidget,
)

from temgrains.gui import _image, _scale, _widgets
from temgrains.gui._card import card_text
from temgrains.gui._chores import reading_card, reading_scale
from temgrains.gui._page_row import PageRow
from temgrains.gui._question import ask_size
from temgrains.gui._queue_row import QueueRow
from temgrains.gui._scale_bar import ScaleBarRow
from temgrains.gui.readers import raising, show_refusal
from temgrains.micrograph import ENDINGS, UnreadableImage, images_in
from temgrains.micrograph.calibration import off

if TYPE_CHECKING:
    from napari.layers import Image

    from temgrains.gui._desk import Desk

IMAGES = f"Micrographs ({' '.join(f'*{ending}' for ending in ENDINGS)});;All files (*)"


class Header(QWidget):
    """Image, pixel size and model; shows the desk and tells it what was chosen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.image = QComboBox()
        self.open = _widgets.button(
            "Open…", "Open a micrograph from a file (TIFF, PNG, DM3, DM4, EMD, SER, EMI, MRC)"
        )
        self.folder = _widgets.button("Folder…", "Open the micrographs of a folder one after the other")
        self.queue = QueueRow(desk)
        self.page = PageRow(desk)
        self.size = QLabel()
        self.pixel = QLineEdit()
        self.calibration = QLabel()
        self.from_file = _widgets.button("From file", "Read the pixel size that the image's file names")
        self.scale_bar = _widgets.button(
            "Scale bar…", "Find the burnt-in scale bar, type what it stands for, and leave it out"
        )
        self.bar_row = ScaleBarRow(desk)
        self.model = QComboBox()
        self.card = _widgets.button("Card", "How this model was made, and how well it does")
        self.load_model = _widgets.button("Open…", "Use a model from a .safetensors file")
        self._build()
        self._connect()
        self.show_images()
        self.show_desk()

    def show_images(self) -> None:
        """List the viewer's image layers, the chosen one first of all kept chosen."""
        images = self._desk.watch.images()
        chosen = self._desk.watch.image
        if chosen is None and images:
            active = self._desk.viewer.layers.selection.active
            self._desk.choose((active if active in images else images[-1]).unique_id)
            chosen = self._desk.watch.image
        self.image.blockSignals(True)
        self.image.clear()
        for image in images:
            self.image.addItem(image.name, image.unique_id)
        self.image.setCurrentIndex(images.index(chosen) if chosen in images else -1)
        self.image.setPlaceholderText("no image is open")
        self.image.blockSignals(False)

    def show_desk(self) -> None:
        """Show the chosen image's size, scale and model."""
        bench, image = self._desk.bench, self._desk.watch.image
        for widget in (self.pixel, self.scale_bar, self.model, self.card, self.load_model):
            widget.setEnabled(bench is not None and not self._desk.busy)
        self.image.setEnabled(not self._desk.busy)
        _widgets.highlight(self.open, on=not self._desk.watch.images())
        self.from_file.setVisible(False)
        self.image.setToolTip(_about(image))
        if bench is None or image is None:
            for shown in (self.size, self.pixel, self.calibration):
                shown.setText("")
            self.calibration.setToolTip("")
            return
        session = bench.session
        self.from_file.setVisible(session.pixel_size is None and bool(_image.path_of(image)))
        self.size.setText(f"{bench.grid.shape[0]} × {bench.grid.shape[1]} px")  # noqa: RUF001
        if not self.pixel.hasFocus():
            self.pixel.setText(_scale.shown(session.pixel_size))
        source = "unknown: sizes in px" if session.pixel_size is None else session.calibration
        self.calibration.setText(f"nm   {source}")
        self.calibration.setToolTip(f"The size of a pixel in nm; {source}")
        self._show_model(session.model)

    def _build(self) -> None:
        self.pixel.setPlaceholderText("unknown")
        # A long name of a source is cut, so that the dock stays narrow; the tooltip has it.
        self.calibration.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.calibration.setMinimumWidth(90)
        for button in (self.from_file, self.scale_bar):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.pixel.setMaximumWidth(110)
        self.pixel.setToolTip(
            "Size of a pixel [nm]; 0.72, 0.72 x 0.80 (height x width) or 1.2 µm  (--nm-per-px)"
        )
        self.image.setToolTip("The image to analyse")
        self.model.setToolTip("The networks: an installed model or a file  (--model)")
        for combo in (self.image, self.model):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setMinimumContentsLength(8)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        for k, (name, parts) in enumerate(
            [
                ("Image", [self.image, self.open, self.folder]),
                ("Pixel", [self.pixel, self.calibration, self.from_file, self.scale_bar]),
                ("Model", [self.model, self.card, self.load_model]),
            ]
        ):
            grid.addWidget(_widgets.label(name), 3 * k, 0)
            grid.addWidget(_widgets.row(parts), 3 * k, 1)
        # Between the others; they take no room while they are hidden.
        grid.addWidget(_widgets.row([self.size, self.queue, 1]), 1, 1)
        grid.addWidget(self.page, 2, 1)
        grid.addWidget(self.bar_row, 4, 1)
        grid.setColumnStretch(1, 1)

    def _connect(self) -> None:
        self._desk.watch.listed.connect(self.show_images)
        self._desk.changed.connect(self.show_desk)
        self.image.activated.connect(lambda _: self._desk.choose(self.image.currentData()))
        self.open.clicked.connect(self._ask_image)
        self.folder.clicked.connect(self._ask_folder)
        self.pixel.editingFinished.connect(self._take_pixel_size)
        self.from_file.clicked.connect(self._ask_file)
        self.scale_bar.clicked.connect(self.bar_row.find)
        self.model.activated.connect(lambda _: self._desk.choose_model(self.model.currentData()))
        self.card.clicked.connect(self._ask_card)
        self.load_model.clicked.connect(self._ask_model)

    def _ask_image(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Open micrographs", "", IMAGES)
        if len(paths) > 1:
            self._desk.files.begin(paths)
        elif paths:
            self.open_image(paths[0])

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open the micrographs of a folder")
        if folder:
            self.open_folder(folder)

    def open_folder(self, folder: str) -> None:
        """Open the micrographs of a folder as a queue."""
        try:
            paths = images_in(folder)
        except UnreadableImage as error:
            show_error(str(error))
            return
        if paths:
            self._desk.files.begin([str(path) for path in paths])
        else:
            show_error(f"{folder}: it holds no micrograph; choose another folder")

    def open_image(self, path: str) -> None:
        """Open a micrograph with our reader, which keeps the pixel size, and choose it."""
        try:
            with raising():
                layers = self._desk.viewer.open(path, plugin="temgrains")
        except UnreadableImage as error:
            show_refusal(error)
            return
        if layers:
            self._desk.choose(layers[0].unique_id)
            self.show_images()

    def _take_pixel_size(self) -> None:
        session = self._desk.session
        if session is None or self.pixel.text() == _scale.shown(session.pixel_size):
            return
        try:
            pixel_size = _scale.parse(self.pixel.text())
        except ValueError as error:
            show_error(str(error))
            self.pixel.setText(_scale.shown(session.pixel_size))
            return
        image = self._desk.watch.image
        told = _image.told_by(image) if image is not None else None
        if pixel_size is None or told is None or off(pixel_size, told[0]) is None:
            self._desk.calibrate(pixel_size, "unknown" if pixel_size is None else "typed")
            return
        new = (pixel_size, "typed")
        self.pixel.setText(_scale.shown(session.pixel_size))
        ask_size(self, new, told, lambda use: self._desk.calibrate(*(new if use else told)))

    def _ask_file(self) -> None:
        image = self._desk.watch.image
        if image is not None and _image.path_of(image):
            page = _image.about(image).get("page")
            self._desk.side_work.start(reading_scale(_image.path_of(image), self._take_scale, page=page))

    def _take_scale(self, scale: Any) -> None:
        pixel_size, calibration = scale
        if pixel_size is None:
            show_error("the file names no pixel size; type it into the field")
        else:
            self._desk.calibrate(pixel_size, calibration)

    def _show_model(self, model: str) -> None:
        models = (
            self._desk.side_work.models
            if model in self._desk.side_work.models
            else [*self._desk.side_work.models, model]
        )
        if [self.model.itemData(k) for k in range(self.model.count())] != models:
            self.model.clear()
            for name in models:
                self.model.addItem(Path(name).stem if name.endswith(".safetensors") else name, name)
        self.model.setCurrentIndex(models.index(model))

    def _ask_model(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Use a model", "", "Models (*.safetensors)")
        if path:
            self._desk.open_model(path)

    def _ask_card(self) -> None:
        session = self._desk.session
        if session is not None:
            self._desk.side_work.start(reading_card(session.model, self._show_card))

    def _show_card(self, card: dict[str, Any]) -> None:
        box = QMessageBox(self)
        box.setWindowTitle("Model card")
        box.setText(card_text(card))
        box.setDetailedText(json.dumps({k: v for k, v in card.items() if k != "self_test"}, indent=2))
        box.open()


def _about(image: Image | None) -> str:
    """Tell which image is chosen, how it was taken, and what was noticed while it was read."""
    if image is None:
        return "The image to analyse"
    taken, notes = str(_image.instrument_of(image)), _image.notes_of(image)
    return "\n".join(filter(None, (f"The image to analyse: {image.name}", taken, *notes)))
