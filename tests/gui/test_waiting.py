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
from temgrains.micrograph import UnreadableImage, apart
from temgrains.records import Cancelled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file takes 20 s to be read."""
    monkeypatch.setattr(_waiting, "PATIENCE_S", 0.1)
    monkeypatch.setattr(apart, "_FIRST_READING", "import time; time.sleep(20)")

    def read(path: str, *, page: int | None = None) -> Any:
        from pathlib import Path  # noqa: PLC0415

        apart.check_survives(Path(path))
        raise AssertionError(f"page {page} was read")

    monkeypatch.setattr(readers, "read", read)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    path = tmp_path / "scan.emd"
    path.write_bytes(b"slow")
    return path


def press_cancel() -> None:
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QProgressDialog):
            assert widget.labelText() == "Reading scan.emd …"
            widget.cancel()
            return
    QTimer.singleShot(50, press_cancel)


def test_the_user_can_give_a_file_up(qapp: Any, slow: Path) -> None:
    QTimer.singleShot(50, press_cancel)
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
