"""Pixel sizes in the dock: read from the scale bar, typed against what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from drawn import Stages, drawing
from qtpy.QtWidgets import QMessageBox

from temgrains.gui.dock import ExtractWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Window

SHAPE = (128, 160)
BOX = [96, 90, 124, 156]
LENGTH = 50


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


def burnt() -> np.ndarray:
    """Draw grains with a white bar in a black box."""
    pixels = drawing(SHAPE)
    pixels[BOX[0] : BOX[2], BOX[1] : BOX[3]] = 0
    pixels[110:114, 98 : 98 + LENGTH] = 255
    return pixels


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    """A viewer with the image of a bar, of unknown scale."""
    return open_window(data=burnt(), scale=(1, 1), units=("pixel", "pixel"))


def find(window: Window) -> None:
    window.header.scale_bar.click()
    window.settle()


def question(window: Window) -> QMessageBox:
    boxes = [box for box in window.header.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) == 1
    return boxes[0]


def answer(window: Window, start: str) -> None:
    box = question(window)
    (button,) = [button for button in box.buttons() if button.text().startswith(start)]
    button.click()
    window.settle()


def metadata(window: Window) -> dict[str, Any]:
    return window.layer("film").metadata["temgrains"]


def test_bar_is_found_and_marked(window: Window) -> None:
    row = window.header.bar_row
    assert row.isHidden()
    find(window)
    assert not row.isHidden()
    assert row.text.text() == "Bar of 50 px is"
    assert row.length.text() == ""
    mark = window.layer("film scale bar")
    outlines = [np.array([outline.min(axis=0), outline.max(axis=0)]) for outline in mark.data]
    np.testing.assert_allclose(outlines[0], [[95.5, 89.5], [123.5, 155.5]])
    np.testing.assert_allclose(outlines[1], [[109.5, 97.5], [113.5, 147.5]])
    assert window.viewer.layers.selection.active is window.layer("film")
    assert window.desk.watch.image is window.layer("film")


def test_length_gives_the_pixel_size_and_the_bar_is_left_out(window: Window) -> None:
    find(window)
    window.header.bar_row.length.setText("100 nm")
    window.header.bar_row.use.click()
    window.settle()
    assert window.header.bar_row.isHidden()
    assert window.header.pixel.text() == "2"
    assert window.header.calibration.text() == "nm   scale bar"
    assert np.allclose(window.layer("film").scale, 2)
    assert np.allclose(window.layer("film scale bar").scale, 2), "the mark stays on the bar"
    assert metadata(window)["excluded"] == [BOX]
    window.click("all")
    labels = window.desk.session.analysis.grains.labels
    assert not labels[BOX[0] : BOX[2], BOX[1] : BOX[3]].any()
    assert "9.0% of the image left out" in window.panel.summary.text()
    made = window.desk.session.analysis.provenance
    assert (made["excluded"], made["calibration"]) == ([BOX], "scale bar")
    assert made["notes"] == [
        "the scale bar of 50 px stands for 100 nm; it and its label, 9.0% of the image, are left out"
    ]
    told = window.layer("film grains").metadata["temgrains"]["excluded"]
    assert told == [BOX], "what is saved from the layer tells it too"


def test_likely_length_is_offered(window: Window) -> None:
    window.header.pixel.setText("1.98")
    window.header.pixel.editingFinished.emit()
    find(window)
    assert window.header.bar_row.length.text() == "100 nm"
    window.desk.calibrate((1.5, 1.5), "typed")
    find(window)
    assert window.header.bar_row.length.text() == "75 nm"


def test_what_was_found_before_starts_again(window: Window) -> None:
    window.click("all")
    find(window)
    window.header.bar_row.length.setText("100")
    window.header.bar_row.length.returnPressed.emit()
    window.settle()
    assert window.names() == ["film", "film scale bar"]
    assert window.desk.session.analysis is None
    assert window.panel.message.text() == "The scale bar is left out: the analysis starts again"


def test_bar_can_be_left_in_again(window: Window) -> None:
    find(window)
    window.header.bar_row.length.setText("100")
    window.header.bar_row.use.click()
    find(window)
    window.header.bar_row.leave.click()
    window.settle()
    assert metadata(window)["excluded"] == []
    assert window.names() == ["film"]
    window.click("all")
    assert window.desk.session.analysis.provenance["excluded"] == []


@pytest.mark.parametrize("length", ["", "long", "0 nm", "1000 mm"])
def test_length_that_is_none_is_said(length: str, window: Window, messages: list[str]) -> None:
    find(window)
    window.header.bar_row.length.setText(length)
    window.header.bar_row.use.click()
    assert not window.header.bar_row.isHidden()
    assert "is no length" in messages[-1] or "must be the pixel's height and width" in messages[-1]
    assert "temgrains" not in window.layer("film").metadata


def test_no_bar_is_said(open_window: Callable[..., Window], messages: list[str]) -> None:
    window = open_window()
    find(window)
    assert "no scale bar was found" in messages[-1]
    assert window.header.bar_row.isHidden()


def test_another_image_hides_the_row(window: Window) -> None:
    find(window)
    other = window.viewer.add_image(drawing(), name="other")
    window.desk.choose(other.unique_id)
    assert window.header.bar_row.isHidden()


@pytest.mark.parametrize(
    ("start", "size", "source"), [("Keep 1.5 nm", 1.5, "typed"), ("Use 2 nm", 2, "scale bar")]
)
def test_bar_against_another_scale_is_a_question(
    start: str, size: float, source: str, window: Window
) -> None:
    window.desk.calibrate((1.5, 1.5), "typed")
    find(window)
    window.header.bar_row.length.setText("100 nm")
    window.header.bar_row.use.click()
    assert question(window).text() == "2 nm (by the scale bar) is 33% off 1.5 nm (typed)."
    assert "excluded" not in metadata(window)
    answer(window, start)
    assert window.desk.session.pixel_size == (size, size)
    assert window.header.calibration.text() == f"nm   {source}"
    assert metadata(window)["excluded"] == [BOX], "left out either way"


# ---- typed against the file


@pytest.fixture
def from_file(open_window: Callable[..., Window], tmp_path: Path) -> Window:
    """A viewer with a file that says 0.5 nm per pixel."""
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, drawing(), imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    window = open_window(image=False, dock=ExtractWidget)
    window.header.open_image(str(path))
    window.settle()
    return window


def typed(window: Window, text: str) -> None:
    window.header.pixel.setText(text)
    window.header.pixel.editingFinished.emit()


def test_typed_size_near_the_files_is_taken(from_file: Window) -> None:
    typed(from_file, "0.509")
    assert from_file.desk.session.pixel_size == (0.509, 0.509)
    assert from_file.header.calibration.text() == "nm   typed"


@pytest.mark.parametrize(
    ("start", "size", "source"), [("Keep 0.5 nm", 0.5, "ImageJ tag"), ("Use 0.6 nm", 0.6, "typed")]
)
def test_typed_size_off_the_files_is_a_question(
    start: str, size: float, source: str, from_file: Window
) -> None:
    typed(from_file, "0.6")
    assert question(from_file).text() == "0.6 nm (typed) is 20% off 0.5 nm (ImageJ tag)."
    assert from_file.desk.session.pixel_size == (0.5, 0.5), "until it is answered"
    answer(from_file, start)
    assert from_file.desk.session.pixel_size == (size, size)
    assert from_file.header.pixel.text() == f"{size:g}"
    assert from_file.header.calibration.text() == f"nm   {source}"


def test_question_put_away_changes_nothing(from_file: Window) -> None:
    typed(from_file, "0.6")
    question(from_file).close()
    from_file.settle()
    assert from_file.desk.session.pixel_size == (0.5, 0.5)
    typed(from_file, "")
    assert from_file.desk.session.pixel_size is None, "unknown is no contradiction"


def test_header_tells_how_the_image_was_taken(from_file: Window, tmp_path: Path) -> None:
    assert from_file.header.image.toolTip() == "The image to analyse: film"
    path = tmp_path / "dated.tif"
    tifffile.imwrite(path, drawing(), metadata=None, datetime="2018:11:15 19:42:31")
    from_file.header.open_image(str(path))
    assert from_file.header.image.toolTip() == "The image to analyse: dated\n2018-11-15 19:42:31"
    from_file.click("all")
    made = from_file.desk.session.analysis.provenance
    assert (made["page"], made["instrument"]["date"]) == (0, "2018-11-15 19:42:31")


def test_what_was_noticed_in_the_file_is_said_at_once(from_file: Window, tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    stack = np.stack([drawing(), drawing()])
    tifffile.imwrite(path, stack, imagej=True, resolution=(2, 4), metadata={"unit": "nm"})
    from_file.header.open_image(str(path))
    notes = ["page 1 of 2 was read", "pixels are not square: 0.25 nm high, 0.5 nm wide"]
    assert from_file.panel.message.text() == "; ".join(notes)
    assert from_file.header.image.toolTip().splitlines()[1:] == notes
    from_file.click("edges")
    assert from_file.panel.message.text() == "; ".join(notes)


def test_image_that_cannot_be_analysed_shows_no_scale_of_another(from_file: Window) -> None:
    refused = from_file.viewer.add_image(np.zeros((2, 2)), name="tiny")
    from_file.desk.choose(refused.unique_id)
    header = from_file.header
    assert from_file.desk.refusal
    assert (header.size.text(), header.pixel.text(), header.calibration.text()) == ("", "", "")
    assert header.calibration.toolTip() == ""
    assert header.image.toolTip() == "The image to analyse: tiny"
