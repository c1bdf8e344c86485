"""Files dropped on napari's window: the reader that was chosen is kept to, and errors are one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from drawn import drawing
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from napari.settings import get_settings
from npe2 import PluginManager
from PIL import Image as Picture
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from composed import dm, ncem

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Window

pytest.importorskip("rsciio", reason="RosettaSciIO comes with the extra formats")


@pytest.fixture(autouse=True)
def _plugins() -> Any:
    """Nothing is remembered before a test, nor after it."""
    PluginManager.instance().discover()
    get_settings().plugins.extension2reader = {}
    yield
    get_settings().plugins.extension2reader = {}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a micrograph of 0.5 nm per pixel in each of some formats."""
    tifffile.imwrite(
        tmp_path / "a.tif", drawing(), imagej=True, resolution=(2.0, 2.0), metadata={"unit": "nm"}
    )
    dots = 25.4e6 / 0.5
    Picture.fromarray(drawing()).save(tmp_path / "b.png", dpi=(dots, dots))
    (tmp_path / "c.dm4").write_bytes(dm(drawing(), version=4, pixel=((0.5, "nm"), (0.5, "nm"))))
    ncem(tmp_path / "d.emd", drawing(), step=0.5)
    (tmp_path / "bad.dm3").write_bytes(b"<html>not found</html>")
    return tmp_path


class Answer:
    """Answers napari's question for a reader, once or never."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(50)

    def _look(self) -> None:
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QtReaderDialog) and dialog.isVisible():
                buttons = dialog.reader_btn_group.buttons()
                self.asked.append([button.text() for button in buttons])
                for button in buttons:
                    button.setChecked(button.text() == "TEM Grains")
                dialog.persist_checkbox.setChecked(True)
                dialog.btn_box.button(QDialogButtonBox.StandardButton.Ok).click()

    def stop(self) -> None:
        self._timer.stop()


@pytest.fixture
def answer(qapp: Any) -> Any:
    made = Answer()
    yield made
    made.stop()


def drop(window: Window, *paths: Path) -> list[Any]:
    """Drop files on the canvas, and give the layers that come of it."""
    before = list(window.viewer.layers)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.viewer.window._qt_viewer.dropEvent(event)
    window.settle()
    return [layer for layer in window.viewer.layers if layer not in before]


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    return open_window(image=False)


@pytest.mark.parametrize("name", ["a.tif", "b.png"])
def test_a_reader_that_was_chosen_once_is_kept_to(
    name: str, window: Window, files: Path, answer: Answer
) -> None:
    for _ in range(2):
        (layer,) = drop(window, files / name)
        assert layer.source.reader_plugin == "temgrains"
        np.testing.assert_allclose(layer.scale, 0.5, rtol=1e-4)
        assert {str(unit) for unit in layer.units} == {"nanometer"}
    assert answer.asked == [["TEM Grains", "napari builtins"]], "the second drop asks nothing"
    assert get_settings().plugins.extension2reader == {f"*{Path(name).suffix}": "temgrains"}


@pytest.mark.parametrize("name", ["c.dm4", "d.emd"])
def test_microscopes_own_formats_ask_nothing(name: str, window: Window, files: Path, answer: Answer) -> None:
    (layer,) = drop(window, files / name)
    np.testing.assert_allclose(layer.scale, 0.5, rtol=1e-6)
    assert window.desk.session is not None
    assert window.desk.session.pixel_size == pytest.approx((0.5, 0.5))
    assert answer.asked == []


def test_a_folder_becomes_a_queue(window: Window, files: Path, answer: Answer) -> None:
    (layer,) = drop(window, files)
    assert layer.name == "a"
    assert window.header.queue.place.text() == "1 / 5"
    assert answer.asked == [["TEM Grains", "napari builtins"]]


def test_a_file_that_cannot_be_read_costs_the_others_nothing(
    window: Window, files: Path, messages: list[str]
) -> None:
    layers = drop(window, files / "bad.dm3", files / "c.dm4", files / "d.emd")
    assert [layer.name for layer in layers] == ["c", "d"]
    assert messages == ["bad.dm3: it is a web page, not an image; download the image itself"]


def test_where_another_reader_may_do_napari_offers_it(window: Window, files: Path, monkeypatch: Any) -> None:
    get_settings().plugins.extension2reader = {"*.tif": "temgrains"}
    tifffile.imwrite(files / "mask.tif", drawing() > 99, photometric="minisblack")
    seen: list[str] = []

    def refuse(dialog: QtReaderDialog) -> tuple[str, bool]:
        seen.append(dialog.layout().itemAt(0).widget().text())
        return "", False

    monkeypatch.setattr(QtReaderDialog, "get_user_choices", refuse)
    assert drop(window, files / "mask.tif") == []
    assert "it is black and white, 1 bit per pixel" in seen[0]
