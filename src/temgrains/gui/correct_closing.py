"""The question what becomes of corrections that no project holds, when the window or the dock is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from temgrains.gui.correct_link import Corrections
    from temgrains.gui.correct_project import Projects


class Closing(QObject):
    """Holds a window back while corrections are unsaved, and asks without stopping it.

    A window that a script closes (``viewer.close()``) is not held back: nobody would be there to answer.
    """

    def __init__(self, link: Corrections, projects: Projects) -> None:
        super().__init__(link)
        self.question: QMessageBox | None = None
        self._link = link
        self._projects = projects
        # napari's windows live and die without us.
        self._seen: Callable[[], QMainWindow | None] = lambda: None
        self._title = ""

    @property
    def unsaved(self) -> list[str]:
        """The names of the images with corrections that no project holds."""
        return [session.name for session, corrector in self._link.correctors.items() if corrector.unsaved]

    def guard(self, inside: QWidget) -> None:
        """Take care of the main window that a widget lies in."""
        holders = _holders(inside)
        self._title = next((w.windowTitle() for w in holders if isinstance(w, QDockWidget)), self._title)
        window = next((w for w in holders if isinstance(w, QMainWindow)), None)
        if window is not None and window is not self._seen():
            self._seen = ref(window)
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold the main window back, once."""
        if event is None or event.type() != QEvent.Type.Close:
            return False
        window = self._seen()
        if window is None or watched is not window or not self.unsaved or _closed_by_script(window):
            return False
        event.ignore()
        self._ask(window, self._close)
        return True

    def hold(self, dock: QWidget) -> bool:
        """Ask about a dock that was just taken out of its window; say whether it is held until the answer."""
        window = self._seen()
        if window is None or not window.isVisible() or not self.unsaved or self._others(window, dock):
            return False
        self._link.hand.put_down()

        def put_back() -> None:
            self._link.desk.viewer.window.add_dock_widget(dock, name=self._title)

        def leave() -> None:
            self._link.desk.detach(id(dock))
            dock.deleteLater()

        self._ask(window, leave, put_back)
        return True

    def _others(self, window: QWidget, dock: QWidget) -> bool:
        """Whether another dock shows the same corrections."""
        docks = [found for found in window.findChildren(type(dock).__base__ or QWidget) if found is not dock]
        return any(getattr(other, "desk", None) is self._link.desk for other in docks)

    def _ask(self, window: QWidget, go: Callable[[], None], stay: Callable[[], None] | None = None) -> None:
        """Show the question over the window, unless it is there already."""
        if self.question is not None:
            self.question.raise_()
            return
        box = QMessageBox(QMessageBox.Icon.Question, "Save the corrections?", "", parent=window)
        box.setText(f"The corrections of {', '.join(self.unsaved)} are in no project yet.")
        box.setInformativeText(
            "The journal keeps them: they are offered when the same image is analysed again."
            if self._journalled
            else "They are only in memory: without a project they are lost."
        )
        save = box.addButton("Save project…", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Close without", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        self.question = box

        def answered(_code: int) -> None:
            clicked, self.question = box.clickedButton(), None
            box.deleteLater()
            if clicked is discard:
                self._let_go()
                go()
            elif clicked is save and self._save(window, go):
                return
            elif stay is not None:
                stay()

        box.finished.connect(answered)
        box.open()

    def _save(self, window: QWidget, then: Callable[[], None]) -> bool:
        self._turn_to_unsaved()
        return self._projects.ask_and_save(window, then=then)

    @property
    def _journalled(self) -> bool:
        """Whether all unsaved corrections are in a journal."""
        return all(c.journal is not None for c in self._link.correctors.values() if c.unsaved)

    def _turn_to_unsaved(self) -> None:
        """Choose an image with unsaved corrections, the chosen one if it is one."""
        here = self._link.corrector
        if here is None or not here.unsaved:
            session = next(s for s, c in self._link.correctors.items() if c.unsaved)
            self._link.desk.choose(self._link.images[session])

    def _let_go(self) -> None:
        """Ask no more about the corrections so far; what is in a journal stays there."""
        for corrector in self._link.correctors.values():
            corrector.unsaved = False

    def _close(self) -> None:
        # Not napari's own close(), which would forget whether the user wanted to quit all windows.
        window = self._seen()
        if window is not None and self.unsaved:
            self._ask(window, self._close)
        elif window is not None:
            QMainWindow.close(window)


def _holders(inside: QWidget) -> list[QWidget]:
    """Give the widgets that hold another one, the nearest first."""
    found: list[QWidget] = []
    widget = inside.parentWidget()
    while widget is not None:
        found.append(widget)
        widget = widget.parentWidget()
    return found


def _closed_by_script(window: QMainWindow) -> bool:
    """Whether the canvas is closed already, as napari does when a script closes the viewer."""
    centre = window.centralWidget()
    layout = None if centre is None else centre.layout()
    items = [] if layout is None else [layout.itemAt(k) for k in range(layout.count())]
    inner = [item.widget() for item in items if item is not None]
    return any(widget is not None and widget.isHidden() for widget in inner)
