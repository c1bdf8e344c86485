"""What the Synthesise docks of one viewer share: a draft of a recipe, a sample of it, a data set at work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, QTimer, Signal

from temgrains.errors import sentence
from temgrains.gui._desk import DRAW_MS
from temgrains.gui._worker import Runner
from temgrains.gui.synthesise_draft import MANY_GRAINS, Draft
from temgrains.gui.synthesise_layers import SampleLayers
from temgrains.gui.synthesise_work import Drawing, Sample, Writing
from temgrains.synthesis.recipe_files import RECIPES, read_recipe, write_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from temgrains.gui._desk import Desk
    from temgrains.gui.synthesise_draft import Slot


class SampleDesk(QObject):
    """The draft, and the threads that draw samples of it and write data sets.

    While a sample is being drawn only the latest wish is kept, so that a slider that moves shows what it does
    as quickly as samples can be drawn, and the last sample is always that of the settings shown.
    """

    changed = Signal()
    """Something that a dock shows has changed."""
    opened = Signal()
    """Another recipe is in the draft."""
    progressed = Signal(int, int)
    """Images of the data set that are written, and all."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.draft = Draft(RECIPES["default"]())
        self.recipes: dict[str, Any] = dict.fromkeys(RECIPES)
        self.chosen = "default"
        self.seed, self.index = 0, 0
        self.sample: Sample | None = None
        self.visible = {"truth": False, "grains": False}
        self.note = ""
        self.layers = SampleLayers(desk.viewer)
        self._drawer, self._writer = Runner(self, alone=False), Runner(self, alone=False)
        self._wanted: Drawing | None = None
        self._brush = QTimer(self)
        self._brush.setInterval(DRAW_MS)
        self._brush.timeout.connect(self._draw_layer)
        self._drawer.delivered.connect(self._on_drawn)
        self._drawer.ended.connect(self._on_drawing_ended)
        self._writer.progressed.connect(lambda _stage, done, total: self.progressed.emit(done, total))
        self._writer.ended.connect(self._on_writing_ended)
        desk.left.connect(self._leave)

    @property
    def drawing(self) -> bool:
        """Whether a sample is being drawn."""
        return self._drawer.busy or self.layers.due

    @property
    def writing(self) -> bool:
        """Whether a data set is being written."""
        return self._writer.busy

    # Samples

    def show_sample(self) -> None:
        """Draw the sample of the draft, and show it as soon as it is there."""
        try:
            self._wanted = Drawing(self.draft.recipe(), self.seed, self.index)
        except ValueError as error:
            self.note = str(error)
        else:
            self.note = ""
            self._draw()
        self.changed.emit()

    def go_to(self, *, seed: int | None = None, index: int | None = None) -> None:
        """Show another sample of the series, or of another series."""
        self.seed = self.seed if seed is None else seed
        self.index = self.index if index is None else index
        self.show_sample()

    def set_visible(self, role: str, on: bool) -> None:
        """Show or hide the "truth" or the "grains"."""
        self.visible[role] = on
        self.layers.set_visible(role, on)

    # The draft

    def choose(self, name: str) -> None:
        """Begin again from a recipe by name."""
        made = self.recipes[name]
        self._take(name, RECIPES[name]() if made is None else made)

    def open_recipe(self, path: str | Path) -> None:
        """Begin again from a recipe file, or say why not."""
        self._try("Recipe", lambda: self._take_file(Path(path)))

    def save_recipe(self, path: str | Path) -> None:
        """Write the draft to a recipe file, whose name it gets, or say why not."""
        self._try("Recipe", lambda: self._save(Path(path)))

    def change(self, **settings: Any) -> None:
        """Set what is no matter of concepts."""
        self._change(lambda: self.draft.change(**settings))

    def change_concept(self, slot: Slot, name: str, value: float) -> None:
        """Set a setting of a concept; one that is off is switched on by that."""

        def action() -> None:
            slot.change(name, value)
            slot.on = True

        self._change(action)

    def switch(self, slot: Slot, on: bool) -> None:
        """Switch a concept on or off."""
        self._change(lambda: setattr(slot, "on", on))

    def missing(self) -> list[Slot]:
        """Give the concepts that are on, but that the sample happens not to show."""
        return self.draft.missing(seed=self.seed, index=self.index) if self.sample is not None else []

    # Data sets

    def write(self, folder: str | Path, count: int) -> bool:
        """Begin to write a data set; say whether it began."""
        self.note = ""
        recipe = self.draft.recipe()
        began = self._writer.start(Writing(recipe, self.seed, count, Path(folder)))
        self.changed.emit()
        return began

    def cancel(self) -> None:
        """Stop writing; nothing is left of what was written."""
        self._writer.cancel()

    def has_series(self, folder: str | Path) -> bool:
        """Whether a folder holds a series of this seed."""
        return (Path(folder) / f"synthesis-{self.seed}.json").exists()

    # Inside

    def _change(self, action: Callable[[], object]) -> None:
        """Change the draft, and the sample if it is in view."""
        try:
            action()
        except ValueError as error:
            self.note = str(error)
            self.changed.emit()
            return
        if self.layers.has_image() and self.draft.grains <= MANY_GRAINS:
            self.show_sample()
        else:
            self.note = "" if self.sample is None else "Show sample draws it with the new settings"
            self.changed.emit()

    def _draw(self) -> None:
        if self._wanted is not None and self._drawer.start(self._wanted):
            self._wanted = None

    def _on_drawn(self, _work: object, results: list[Sample]) -> None:
        self.sample = results[-1]
        self.layers.show(self.sample.drawn, visible=self.visible)
        self._draw_layer()
        self._brush.start()

    def _draw_layer(self) -> None:
        if self.layers.due:
            self.layers.draw_next()
        else:
            self._brush.stop()
        self.changed.emit()

    def _on_drawing_ended(self, work: Drawing, error: Exception | None, _how: str) -> None:
        if error is not None and self._wanted is None:
            self._tell_error(work.title, error)
        self._draw()
        self.changed.emit()

    def _on_writing_ended(self, work: Writing, error: Exception | None, how: str) -> None:
        if error is not None:
            self._tell_error(work.title, error)
        elif how == "cancelled":
            self.note = f"Data set cancelled; nothing of it is left in {work.folder}"
        else:
            self.note = f"{work.count} micrographs of seed {work.seed} written to {work.folder}"
            show_info(self.note)
        self.changed.emit()

    def _take(self, name: str, recipe: Any) -> None:
        self.draft, self.chosen = Draft(recipe), name
        self.opened.emit()
        self._change(lambda: None)

    def _take_file(self, path: Path) -> None:
        recipe = read_recipe(path)
        self.recipes[path.name] = recipe
        self._take(path.name, recipe)

    def _save(self, path: Path) -> None:
        path = path if path.suffix else path.with_name(f"{path.name}.toml")
        name = re.sub(r"[^\w.+ -]", "-", path.stem).lstrip(" ")[:64] or "own"
        renamed = Draft(self.draft.recipe())
        renamed.rename(name)
        write_recipe(renamed.recipe(), path)
        self.draft.rename(name)
        self.recipes[path.name], self.chosen = renamed.recipe(), path.name
        self.note = f"Recipe saved in {path}"
        self.opened.emit()
        self.changed.emit()

    def _try(self, title: str, action: Callable[[], None]) -> None:
        try:
            action()
        except (ValueError, OSError) as error:
            self._tell_error(title, error)
            self.changed.emit()

    def _tell_error(self, title: str, error: Exception) -> None:
        self.note = f"{title} failed: {sentence(error)}"
        show_error(self.note)

    def _leave(self) -> None:
        """Stop when the last dock is closed."""
        self._wanted = None
        self._brush.stop()
        self._drawer.abandon()
        self._writer.abandon()


def samples_of(desk: Desk) -> SampleDesk:
    """Give the sample desk of a viewer's desk, a new one if it has none."""
    found = desk.findChild(SampleDesk)
    return found if isinstance(found, SampleDesk) else SampleDesk(desk)
