"""Files one after the other, and results that were saved: found, and read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from drawn import LAST, Stages, drawing
from napari.components import ViewerModel
from npe2 import PluginManager
from qtpy.QtWidgets import QFileDialog

from temgrains.gui import readers
from temgrains.micrograph import UnreadableImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Window

FOUND = ["edges", "guess", "refinement", "grains", "boundaries"]


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""
    PluginManager.instance().discover()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three micrographs, one file that is none, and what a run left there."""
    for name in ("film_2", "film_10", "film_1"):
        pixels = drawing()
        tifffile.imwrite(
            tmp_path / f"{name}.tif", pixels, imagej=True, resolution=(2, 2), metadata={"unit": "nm"}
        )
    tifffile.imwrite(tmp_path / "old.labels.tif", drawing())
    (tmp_path / "film_3.tif").write_text("<html>")
    (tmp_path / "notes.txt").write_text("none")
    return tmp_path


@pytest.fixture
def window(open_window: Callable[..., Window], folder: Path) -> Window:
    """A viewer that looks at the folder's first file."""
    made = open_window(image=False)
    made.header.open_folder(str(folder))
    made.settle()
    return made


def place(window: Window) -> str:
    return str(window.header.queue.place.text())


def test_folder_is_a_queue_in_the_order_of_its_numbers(window: Window, messages: list[str]) -> None:
    row = window.header.queue
    assert window.names() == ["film_1"]
    assert place(window) == "1 / 4"
    assert not row.isHidden()
    assert not row.back.isEnabled()
    row.on.click()
    window.settle()
    assert window.names() == ["film_2"], "the one before is gone, for there is nothing to lose"
    assert window.desk.session.name == "film_2"
    row.on.click()
    window.settle()
    assert "film_3.tif: it is a web page" in messages[-1]
    assert (window.names(), place(window)) == (["film_10"], "4 / 4"), "past what cannot be read"
    assert not row.on.isEnabled()
    row.back.click()
    window.settle()
    assert (window.names(), place(window)) == (["film_2"], "2 / 4")


def test_files_that_vanish_from_the_queue_are_passed_over(
    window: Window, folder: Path, messages: list[str]
) -> None:
    (folder / "film_2.tif").unlink()
    window.header.queue.on.click()
    window.settle()
    assert "film_2.tif" in messages[0]
    assert (window.names(), place(window)) == (["film_10"], "4 / 4")
    (folder / "film_1.tif").unlink()
    (folder / "film_1.tif").mkdir()
    messages.clear()
    window.header.queue.back.click()
    window.settle()
    assert "film_1.tif" in messages[-1]
    assert (window.names(), place(window)) == (["film_10"], "4 / 4"), "nothing else can be read"


def test_results_that_are_not_saved_stay_hidden(window: Window) -> None:
    window.click("all")
    window.header.queue.on.click()
    window.settle()
    assert window.names() == ["film_1", *(f"film_1 {name}" for name in FOUND), "film_2"]
    assert [layer.name for layer in window.viewer.layers if layer.visible] == ["film_2"]
    assert window.panel.message.text() == "film_1 stays, hidden: its result is not saved"
    window.header.queue.back.click()
    window.settle()
    assert window.desk.session.analysis is not None
    assert window.layer("film_1").visible


def test_saved_results_go_with_their_image_and_are_read_again(window: Window, folder: Path) -> None:
    row = window.header.queue
    window.click("all")
    assert row.saved.isHidden()
    assert row.reload.isHidden()
    labels = window.desk.session.analysis.grains.labels
    window.panel.save_to(folder)
    window.settle()
    assert not row.saved.isHidden()
    row.on.click()
    window.settle()
    assert window.names() == ["film_2"]
    assert row.saved.isHidden()
    row.back.click()
    window.settle()
    assert (window.names(), row.reload.isHidden()) == (["film_1"], False)

    row.reload.click()
    window.settle()
    session = window.desk.session
    np.testing.assert_array_equal(session.analysis.grains.labels, labels)
    assert session.current
    assert session.cursor == LAST
    assert window.names() == ["film_1", *(f"film_1 {name}" for name in FOUND)]
    assert row.reload.isHidden()
    assert "24 grains" in window.panel.summary.text()
    window.click("back")
    window.click("grains")
    assert session.analysis.iterates[-1].index == LAST - 1, "it can be gone on with"


def test_results_in_the_folder_of_the_last_save_are_found(window: Window, folder: Path) -> None:
    (folder / "out").mkdir()
    window.click("all")
    window.panel.save_to(folder / "out")
    window.settle()
    window.header.queue.on.click()
    window.settle()
    window.header.queue.back.click()
    window.settle()
    assert window.desk.files.found == folder / "out" / "film_1.json"


def test_scale_and_what_is_left_out_come_back(window: Window, folder: Path) -> None:
    image = window.layer("film_1")
    image.metadata = {
        **image.metadata,
        "temgrains": {**image.metadata["temgrains"], "excluded": [[0, 0, 8, 8]]},
    }
    window.desk.calibrate((0.7, 0.7), "typed")
    window.desk.watch.quietly(window.desk.bench.restart, image)
    window.click("all")
    window.panel.save_to(folder)
    window.settle()
    window.header.queue.on.click()
    window.settle()
    window.header.queue.back.click()
    window.settle()
    assert window.desk.session.pixel_size == (0.5, 0.5)
    window.header.queue.reload.click()
    window.settle()
    assert window.desk.session.pixel_size == (0.7, 0.7)
    assert np.allclose(window.layer("film_1").scale, 0.7)
    assert window.layer("film_1").metadata["temgrains"]["excluded"] == [[0, 0, 8, 8]]
    assert window.desk.session.analysis.provenance["calibration"] == "typed"


def test_result_that_cannot_be_read_is_said(window: Window, folder: Path, messages: list[str]) -> None:
    window.click("all")
    window.panel.save_to(folder)
    window.settle()
    (folder / "film_1.json").write_text("{}")
    window.header.queue.on.click()
    window.settle()
    window.header.queue.back.click()
    window.settle()
    window.header.queue.reload.click()
    window.settle()
    assert "it is no result that can be reloaded" in messages[-1]
    assert window.desk.session.analysis is None


def test_dialogs_open_several_files_and_folders(
    open_window: Callable[..., Window], folder: Path, monkeypatch: Any, messages: list[str]
) -> None:
    window = open_window(image=False)
    chosen = [str(folder / "film_10.tif"), str(folder / "film_2.tif")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    window.header.open.click()
    window.settle()
    assert (window.names(), place(window)) == (["film_10"], "1 / 2")
    (folder / "empty").mkdir()
    for answer in ("", str(folder / "empty")):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, answer=answer: answer)
        window.header.folder.click()
    assert "it holds no micrograph; choose another folder" in messages[-1]
    window.header.open_folder(str(folder / "gone"))
    assert "gone: it cannot be opened as a folder" in messages[-1]
    assert place(window) == "1 / 2"


# ---- the reader of folders


def test_folder_that_is_dropped_is_a_queue_too(open_window: Callable[..., Window], folder: Path) -> None:
    window = open_window(image=False)
    window.viewer.open(folder, plugin="temgrains")
    window.settle()
    assert (window.names(), place(window)) == (["film_1"], "1 / 4")
    window.header.queue.on.click()
    window.settle()
    assert window.names() == ["film_2"]


def test_folder_without_micrographs_is_left_to_others(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert readers.get_reader(str(folder / "empty")) is None
    assert readers.get_reader(str(folder)) is readers.open_folder


def test_folder_of_damaged_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_text("<html>")
    with pytest.raises(UnreadableImage, match=r"b\.tif"):
        ViewerModel().open(tmp_path, plugin="temgrains")
    (tmp_path / "b.tif").unlink()
    tifffile.imwrite(tmp_path / "c.tif", drawing())
    (layer,) = ViewerModel().open(tmp_path, plugin="temgrains")
    assert [Path(path).name for path in layer.metadata["temgrains"]["queue"]] == ["a.tif", "c.tif"]


def test_dock_stays_narrow(window: Window) -> None:
    window.click("all")
    window.panel.save_to(Path(window.desk.files.paths[0]).parent)
    window.settle()
    window.desk.calibrate((0.123456, 0.234567), "DigitalMicrograph tag of the file beside it")
    window.header.bar_row.setVisible(True)
    window.header.queue.reload.setVisible(True)
    assert window.header.minimumSizeHint().width() <= 355


def test_the_next_file_is_in_view_whatever_its_scale(
    open_window: Callable[..., Window], tmp_path: Path
) -> None:
    for name, nm in (("a", 0.1), ("b", 40.0)):
        resolution = (1 / nm, 1 / nm)
        tifffile.imwrite(
            tmp_path / f"{name}.tif", drawing(), imagej=True, resolution=resolution, metadata={"unit": "nm"}
        )
    window = open_window(image=False)
    window.header.open_folder(str(tmp_path))
    window.settle()
    shown = window.viewer.scene.camera.zoom * window.layer("a").scale[-1]
    window.header.queue.on.click()
    window.settle()
    camera = window.viewer.scene.camera
    assert camera.zoom * window.layer("b").scale[-1] == pytest.approx(shown, rel=1e-3)
    np.testing.assert_allclose(camera.center[-2:], np.mean(window.layer("b").extent.world, axis=0), atol=40)


def test_another_scale_leaves_the_view_as_it_is(open_window: Callable[..., Window]) -> None:
    window = open_window(scale=(1, 1), units=("pixel", "pixel"))
    camera = window.viewer.scene.camera
    camera.zoom, camera.center = 7.0, (0.0, 30.0, 20.0)
    window.desk.calibrate((0.05, 0.05), "typed")
    assert camera.zoom == pytest.approx(140)
    np.testing.assert_allclose(camera.center[-2:], (1.5, 1.0))
    window.desk.calibrate(None, "unknown")
    assert camera.zoom == pytest.approx(7)
    np.testing.assert_allclose(camera.center[-2:], (30.0, 20.0))
