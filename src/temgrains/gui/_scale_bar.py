"""The row that reads the scale bar: it marks the bar that was found and asks what the bar stands for."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from temgrains.gui import _image, _widgets
from temgrains.gui._chores import finding_bar
from temgrains.gui._question import ask_size
from temgrains.micrograph.calibration import checked_size, off, parse_length
from temgrains.micrograph.scale_bar import SOURCE, left_out

if TYPE_CHECKING:
    from napari.layers import Image

    from temgrains.gui._desk import Desk
    from temgrains.micrograph import ScaleBar
    from temgrains.records import Box, PixelSize

MARK = "#ffd400"
NONE_FOUND = (
    "no scale bar was found: it must be black or white, horizontal, and at least 20 px long; type the size "
    "of a pixel instead"
)


class ScaleBarRow(QWidget):
    """Hidden until a bar was found; what is used here goes into the image layer's metadata."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._bar: ScaleBar | None = None
        self._image_id = ""
        self.text = QLabel()
        self.length = QLineEdit()
        self.use = _widgets.button("Use", "Take the pixel size from the bar, and leave the bar out")
        self.leave = _widgets.button("Leave in", "Do not use the bar; analyse what it covers as well")
        self._build()
        desk.changed.connect(self._on_changed)

    def find(self) -> None:
        """Look for the bar of the chosen image."""
        image = self._desk.watch.image
        if image is not None and self._desk.session is not None:
            then = partial(self._show, str(image.unique_id))
            self._desk.side_work.start(finding_bar(_image.loader_of(image), then))

    def _build(self) -> None:
        self.length.setPlaceholderText("200 nm")
        self.length.setMaximumWidth(90)
        self.length.setToolTip("What the label beside the bar says, such as 200 nm or 0.2 µm  (--scale-bar)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(_widgets.row([self.text, self.length, self.use, self.leave, 1]))
        _widgets.highlight(self.use, on=True)
        self.length.returnPressed.connect(self._use)
        self.use.clicked.connect(self._use)
        self.leave.clicked.connect(self._leave)
        self.setVisible(False)

    def _show(self, image_id: str, bar: ScaleBar | None) -> None:
        image, session = self._desk.watch.image, self._desk.session
        if image is None or session is None or str(image.unique_id) != image_id:
            return
        if bar is None:
            show_info(NONE_FOUND)
            return
        self._bar, self._image_id = bar, image_id
        self.text.setText(f"Bar of {bar.length} px is")
        self.length.setText(_likely(bar, session.pixel_size))
        self._mark(image, bar)
        self.setVisible(True)
        self.length.setFocus()

    def _use(self) -> None:
        session, bar = self._desk.session, self._bar
        if session is None or bar is None:
            return
        own = session.pixel_size
        try:
            length = parse_length(self.length.text())
            width = bar.pixel_size(length)
            size = checked_size((width if own is None else width * own[0] / own[1], width))
        except ValueError as error:
            show_error(str(error))
            return
        new, told = (size, SOURCE), (own, session.calibration)
        if size is None or own is None or off(size, own) is None:
            self._take(bar, length, *new)
            return
        ask_size(
            self,
            (size, "by the scale bar"),
            (own, session.calibration),
            lambda use: self._take(bar, length, *(new if use else told)),
        )

    def _take(self, bar: ScaleBar, length_nm: float, size: PixelSize | None, source: str) -> None:
        self.setVisible(False)
        self._exclude((bar.box,), left_out(bar, length_nm))
        self._desk.calibrate(size, source)

    def _leave(self) -> None:
        self.setVisible(False)
        image = self._desk.watch.image
        if image is not None:
            self._unmark(image)
        self._exclude((), "")

    def _exclude(self, boxes: tuple[Box, ...], why: str) -> None:
        """Leave these boxes of the chosen image out; what was found with others starts again."""
        desk, image, bench = self._desk, self._desk.watch.image, self._desk.bench
        if image is None or bench is None or _image.excluded_of(image) == boxes:
            return
        about = {
            **_image.about(image),
            "excluded": [list(box) for box in boxes],
            "left_out": why,
        }
        image.metadata = {**image.metadata, _image.KEY: about}
        began = bench.session.edges is not None
        desk.cancel()
        desk.watch.quietly(bench.restart, image)
        what = "The scale bar is left out" if boxes else "Nothing is left out"
        desk.note = f"{what}: the analysis starts again" if began else f"{what} of the analysis"
        desk.changed.emit()

    def _on_changed(self) -> None:
        image = self._desk.watch.image
        if not self.isHidden() and (image is None or str(image.unique_id) != self._image_id):
            self.setVisible(False)

    # The mark on the image

    def _mark(self, image: Image, bar: ScaleBar) -> None:
        self._unmark(image)
        grid, (top, left, bottom, right) = _image.grid_of(image), bar.box
        line = (bar.row, bar.column, bar.row + bar.height, bar.column + bar.length)
        outlines = [_corners(box) for box in ((top, left, bottom, right), line)]
        layer = Shapes(
            outlines,
            shape_type="rectangle",
            name=f"{image.name} scale bar",
            edge_color=MARK,
            edge_width=max(1.0, grid.shape[1] / 400),
            face_color="transparent",
            metadata={_image.KEY: {"role": "scale bar", "image": str(image.unique_id)}},
            **grid.place(grid.shape),
        )
        layer.editable = False
        layers = self._desk.viewer.layers
        before = layers.selection.active
        self._desk.watch.quietly(layers.append, layer)
        if before is not None:
            layers.selection.active = before

    def _unmark(self, image: Image) -> None:
        mine = {"role": "scale bar", "image": str(image.unique_id)}
        layers = self._desk.viewer.layers
        for layer in [layer for layer in layers if layer.metadata.get(_image.KEY) == mine]:
            self._desk.watch.quietly(layers.remove, layer)


def _corners(box: Box) -> Any:
    """Corners of a rectangle around pixels, whose centres are whole numbers."""
    top, left, bottom, right = (side - 0.5 for side in box)
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def _likely(bar: ScaleBar, pixel_size: PixelSize | None) -> str:
    """Guess from the known scale what the label says: 1, 2 or 5 times a power of ten, where that is near."""
    if pixel_size is None:
        return ""
    length = bar.length * pixel_size[1]
    power = 10.0 ** math.floor(math.log10(length))
    near = min((step * power for step in (1, 2, 2.5, 5, 10)), key=lambda round_: abs(round_ / length - 1))
    return f"{near if abs(near / length - 1) < 0.02 else length:.4g} nm"
