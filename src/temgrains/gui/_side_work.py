"""Work beside the analysis, in a thread of its own: models, files, saving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Signal

from temgrains.errors import sentence
from temgrains.gui._chores import Chore, listing_models
from temgrains.gui._worker import Runner

if TYPE_CHECKING:
    from temgrains.gui._worker import Work


class SideWork(QObject):
    """Does one chore at a time, tells the user what failed, and keeps the list of models."""

    changed = Signal()
    """A chore is done, or the models are others."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.models = ["default", "paper"]
        self._runner = Runner(self)
        self._runner.delivered.connect(self._on_delivered)
        self._runner.ended.connect(self._on_ended)

    @property
    def busy(self) -> bool:
        """Whether a chore is at work."""
        return self._runner.busy

    def start(self, chore: Chore) -> bool:
        """Begin a chore unless one is at work; say whether it began."""
        return self._runner.start(chore)

    def list_models(self) -> None:
        """Find out which models are installed."""
        self.start(listing_models(self.add_models))

    def add_models(self, names: list[str]) -> None:
        """Offer more models."""
        self.models += [name for name in names if name not in self.models]

    def abandon(self) -> None:
        """Forget the chore at work."""
        self._runner.abandon()

    def _on_delivered(self, chore: Chore, results: list[Any]) -> None:
        chore.then(results[0])

    def _on_ended(self, chore: Work, error: Exception | None) -> None:
        if error is not None:
            show_error(f"{chore.title} failed: {sentence(error)}")
        self.changed.emit()
