"""Saving and opening projects from the Correct panel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from temgrains.errors import sentence
from temgrains.gui._chores import Chore
from temgrains.gui._image import KEY, about
from temgrains.gui._side_work import SideWork
from temgrains.gui.project_reader import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image

    from temgrains.gui.correct_link import Corrections
    from temgrains.pipeline.project import Project

ENDING = ".temgrains"
FILTER = f"TEM Grains projects (*{ENDING})"


class Projects(QObject):
    """Writes the chosen image with all that belongs to it into one file, and reads such files."""

    def __init__(self, link: Corrections) -> None:
        super().__init__(link)
        self._link = link
        self.work = SideWork(self)
        self._taken_up: set[str] = set()
        self.offer: QMessageBox | None = None
        link.desk.left.connect(self.work.abandon)

    def ask_and_save(self, parent: QWidget, *, then: Callable[[], None] | None = None) -> bool:
        """Let the user choose a file, and save; say whether it began. ``then`` is called once it is saved."""
        session = self._link.desk.session
        if session is None:
            return False
        path, _ = QFileDialog.getSaveFileName(parent, "Save project", f"{session.stem}{ENDING}", FILTER)
        return bool(path) and self.save(Path(path), then=then, parent=parent)

    def ask_and_open(self, parent: QWidget) -> None:
        """Let the user choose a file, and open it."""
        path, _ = QFileDialog.getOpenFileName(parent, "Open project", "", FILTER)
        if path:
            self.open(Path(path))

    def save(
        self, path: Path, *, then: Callable[[], None] | None = None, parent: QWidget | None = None
    ) -> bool:
        """Save in the worker; say whether it began.

        If it fails, all stays as it was and unsaved; over ``parent`` another place is offered then.
        """
        corrector = self._link.corrector
        if corrector is None:
            return False
        path = path if path.suffix else path.with_suffix(ENDING)
        analysis, start = corrector.analysis, corrector.history.start
        operations, undone = corrector.operations, corrector.history.undone

        def call() -> OSError | None:
            from temgrains.pipeline.project import Project, save_project, started_from  # noqa: PLC0415

            try:
                save_project(path, Project(started_from(analysis, start), operations, undone))
            except OSError as error:
                if parent is None:
                    raise
                return error
            return None

        def saved(failure: OSError | None) -> None:
            if failure is not None and parent is not None:
                self._offer_elsewhere(parent, sentence(failure, path), then)
                return
            if corrector.operations == operations:
                corrector.mark_saved()
            show_info(f"The project was saved as {path}")
            self._link.changed.emit()
            if then is not None:
                then()

        return self.work.start(Chore("Save project", call, saved))

    def _offer_elsewhere(self, parent: QWidget, why: str, then: Callable[[], None] | None) -> None:
        """Say why a project could not be saved, and ask for another place."""
        box = QMessageBox(QMessageBox.Icon.Warning, "The project was not saved", why, parent=parent)
        box.setInformativeText("Nothing is lost: an older file stays as it was, and so do the corrections.")
        elsewhere = box.addButton("Save elsewhere…", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        self.offer = box

        def answered(_code: int) -> None:
            chosen, self.offer = box.clickedButton(), None
            box.deleteLater()
            if chosen is elsewhere:
                self.ask_and_save(parent, then=then)

        box.finished.connect(answered)
        box.open()

    def open(self, path: Path) -> bool:
        """Open in the worker; say whether it began."""

        def call() -> Project:
            from temgrains.pipeline.project import open_project  # noqa: PLC0415

            return open_project(path)

        return self.work.start(Chore("Open project", call, partial(self._show, path)))

    def take_up(self, image: Image) -> None:
        """Go on with the project that an image was opened from with File > Open, once."""
        path = about(image).get(PROJECT)
        if not isinstance(path, str) or image.unique_id in self._taken_up:
            return

        def call() -> Project:
            from temgrains.pipeline.project import open_project  # noqa: PLC0415

            return open_project(path)

        def then(project: Project) -> None:
            if self._link.desk.watch.image is image and not self._link.desk.busy:
                self._drop_grains(path)
                self._adopt(Path(path), project)

        if self.work.start(Chore("Open project", call, then)):
            self._taken_up.add(image.unique_id)

    def _drop_grains(self, path: str) -> None:
        """Remove the layer of grains that stood in for the project."""
        layers = self._link.desk.viewer.layers
        for layer in [layer for layer in layers if isinstance(layer, Labels)]:
            if about(layer).get(PROJECT) == path:
                layers.remove(layer)

    def _show(self, path: Path, project: Project) -> None:
        desk, film = self._link.desk, project.analysis.micrograph
        size = film.pixel_size
        looks: dict[str, Any] = {} if size is None else {"scale": size, "units": ("nm", "nm")}
        metadata = {KEY: {"calibration": film.calibration, "notes": list(film.notes)}}
        layer = desk.viewer.add_image(film.pixels, name=path.stem, metadata=metadata, **looks)
        desk.choose(layer.unique_id)
        self._adopt(path, project)

    def _adopt(self, path: Path, project: Project) -> None:
        """Give the chosen image what a project holds."""
        desk = self._link.desk
        session = desk.session
        if session is None:
            show_error(f"{path}: {desk.refusal}")
            return
        try:
            session.adopt(project.analysis, models=desk.side_work.models)
        except ValueError as error:
            show_error(sentence(error, path))
            return
        desk.show_all()
        self._link.take_over(project.operations, project.undone)
        for note in project.notes:
            show_warning(f"{path.name}: {note}")
