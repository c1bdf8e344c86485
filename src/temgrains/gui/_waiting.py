"""A dialog with a way out, while the window's thread waits for a file."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from temgrains.micrograph import UnreadableImage
from temgrains.micrograph.watching import watched
from temgrains.records import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qtpy.QtWidgets import QProgressDialog

PATIENCE_S = 0.3
"""How long the window may stand still before the dialog appears [s]."""


class GivenUp(UnreadableImage):
    """A file whose reading the user has cancelled."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "its reading was cancelled; open it again to read it")
        self.args = (str(path),)


@contextlib.contextmanager
def cancellable(path: str) -> Iterator[None]:
    """Let the user give a file up whose reading takes long; other threads than the window's have no dialog.

    Raises
    ------
    GivenUp
        If the user cancelled it.
    """
    if not in_window():
        yield
        return
    made: list[QProgressDialog] = []
    try:
        with watched(_look(Path(path).name, made)):
            yield
    except Cancelled as error:
        raise GivenUp(path) from error
    finally:
        for dialog in made:
            dialog.close()
            dialog.deleteLater()


def _look(name: str, made: list[QProgressDialog]) -> Callable[[float], None]:
    from qtpy.QtCore import Qt  # noqa: PLC0415  (readers are used without a window, too)
    from qtpy.QtWidgets import QApplication, QProgressDialog  # noqa: PLC0415

    def look(waited: float) -> None:
        if waited < PATIENCE_S:
            return
        if not made:
            dialog = QProgressDialog(f"Reading {name} …", "Cancel", 0, 0, QApplication.activeWindow())
            dialog.setWindowTitle("TEM Grains")
            # The rest of the window waits: nothing may be done to layers that are being made.
            dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
            dialog.setMinimumDuration(0)
            dialog.show()
            made.append(dialog)
        QApplication.processEvents()
        if made[0].wasCanceled():
            raise Cancelled

    return look


def in_window() -> bool:
    """Whether this is the thread of a window that is there."""
    if threading.current_thread() is not threading.main_thread():
        return False
    try:
        from qtpy.QtWidgets import QApplication  # noqa: PLC0415
    except ImportError:
        return False
    return isinstance(QApplication.instance(), QApplication)
