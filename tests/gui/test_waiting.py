"""A file whose reading takes long can be given up in the window."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog

from temgrains.gui import _waiting, readers
from temgrains.gui._chores import Chore
from temgrains.micrograph import UnreadableImage, apart, reading
from temgrains.records import Cancelled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "PATIENCE_S", 0.1)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose first reading takes 20 s."""
    monkeypatch.setattr(apart, "_FIRST_READING", "import time; time.sleep(20)")

    def read(path: str, *, page: int | None = None) -> Any:
        from pathlib import Path  # noqa: PLC0415

        apart.check_survives(Path(path))
        raise AssertionError(f"page {page} was read")

    monkeypatch.setattr(readers, "read", read)
    path = tmp_path / "scan.emd"
    path.write_bytes(b"slow")
    return path


@pytest.fixture
def slow_drive(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A drive that takes 20 s before it gives the first bytes of a file; its files that were asked for."""
    asked: list[str] = []

    def wait(path: Path) -> bytes:
        asked.append(path.name)
        time.sleep(20)
        return b"II*\0"

    monkeypatch.setattr(reading, "_first_bytes", wait)
    return asked


def press_cancel(name: str) -> None:
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QProgressDialog) and widget.isVisible():
            assert widget.labelText() == f"Reading {name} …"
            widget.cancel()
            return
    QTimer.singleShot(50, lambda: press_cancel(name))


@pytest.mark.parametrize("ending", ["dm4", "ser", "mrc", "tif", "png", "emd"])
def test_files_of_all_formats_can_be_given_up(
    ending: str, qapp: Any, tmp_path: Path, slow_drive: list[str]
) -> None:
    path = tmp_path / f"film.{ending}"
    path.write_bytes(b"slow")
    press_cancel(path.name)
    start = time.monotonic()
    with pytest.raises(_waiting.GivenUp, match="its reading was cancelled; open it again to read it"):
        readers.read_image(str(path))
    assert time.monotonic() - start < 10
    assert slow_drive == [path.name]
    qapp.processEvents()


def test_giving_up_one_file_ends_a_queue(
    open_window: Any, tmp_path: Path, slow_drive: list[str], messages: list[str]
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.tif").write_bytes(b"slow")
    window = open_window(image=False)
    press_cancel("a.tif")
    window.header.open_folder(str(tmp_path))
    assert slow_drive == ["a.tif"], "the files after it are not begun"
    assert messages == ["a.tif: its reading was cancelled; open it again to read it"]
    press_cancel("a.tif")
    with pytest.raises(_waiting.GivenUp):
        readers.read_folder(str(tmp_path))
    assert slow_drive == ["a.tif", "a.tif"]


def test_what_is_given_up_in_napari_is_no_error(
    open_window: Any, tmp_path: Path, slow_drive: list[str], messages: list[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(b"slow")
    window = open_window(image=False)
    press_cancel("a.tif")
    assert window.viewer.open(str(tmp_path / "a.tif"), plugin="temgrains") == []
    assert messages == ["a.tif: its reading was cancelled; open it again to read it"]


def test_the_user_can_give_a_file_up(qapp: Any, slow: Path) -> None:
    press_cancel("scan.emd")
    start = time.monotonic()
    with pytest.raises(UnreadableImage, match="its reading was cancelled; open it again to read it"):
        readers.read_image(str(slow))
    assert time.monotonic() - start < 10
    qapp.processEvents()


def test_other_threads_have_no_dialog(qapp: Any, slow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS_MAX", 0.5)
    said: list[str] = []

    def work() -> None:
        try:
            readers.read_image(str(slow))
        except UnreadableImage as error:
            said.append(error.reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said[0].startswith("reading it takes more than 0.5 s")
    assert qapp is not None


def test_a_chore_that_waits_for_a_file_ends_with_its_window(slow: Path) -> None:
    asked: list[str] = []

    def progress(stage: str, _done: int, _total: int) -> None:
        asked.append(stage)
        if len(asked) > 3:
            raise Cancelled

    chore = Chore("Page", lambda: apart.check_survives(slow), lambda _result: None)
    with pytest.raises(Cancelled):
        list(chore.run(progress))
