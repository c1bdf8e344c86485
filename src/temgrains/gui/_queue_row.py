"""The row that leads through the files of a folder, and offers a result that was saved before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from temgrains.gui._desk import Desk


class QueueRow(QWidget):
    """Hidden while there is but one file and no result of it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.back = _widgets.button("", "The file before this one")
        self.place = QLabel()
        self.on = _widgets.button("", "The next file; a result that is not saved stays, hidden")
        self.saved = QLabel("saved")
        self.reload = _widgets.button("Reload", "")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.back, self.place, self.on, self.saved, self.reload):
            layout.addWidget(part)
        self.back.clicked.connect(partial(self._step, -1))
        self.on.clicked.connect(partial(self._step, 1))
        self.reload.clicked.connect(self._reload)
        desk.changed.connect(self.show_files)
        desk.files.changed.connect(self.show_files)
        desk.viewer.events.theme.connect(self._take_theme)
        self._take_theme()
        self.show_files()

    def show_files(self) -> None:
        """Show which file of how many this is, and whether there is a result."""
        files, free = self._desk.files, not self._desk.busy
        several, found = len(files.paths) > 1, files.found
        for widget in (self.back, self.place, self.on):
            widget.setVisible(several)
        self.place.setText(f"{files.index + 1} / {len(files.paths)}")
        self.place.setToolTip("\n".join(Path(path).name for path in files.paths[:30]))
        self.back.setEnabled(free and files.index > 0)
        self.on.setEnabled(free and files.index < len(files.paths) - 1)
        session = self._desk.session
        offered = found is not None and session is not None and session.analysis is None
        self.saved.setVisible(found is not None and not offered)
        self.reload.setVisible(offered)
        self.reload.setEnabled(free)
        if found is not None:
            self.saved.setToolTip(str(found))
            self.reload.setToolTip(f"Read the result again from {found}")
        self.setVisible(several or found is not None)

    def _step(self, by: int, _checked: bool = False) -> None:
        self._desk.files.step(by)

    def _reload(self, _checked: bool = False) -> None:
        self._desk.files.reload()

    def _take_theme(self, _event: object = None) -> None:
        for button, name in ((self.back, "back"), (self.on, "step")):
            button.setIcon(_widgets.icon(name, self._desk.viewer.theme))
