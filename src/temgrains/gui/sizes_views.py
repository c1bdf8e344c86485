"""How far the views of the model differ, for the panel "Grain sizes"; measured on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from temgrains.errors import sentence
from temgrains.gui._worker import Runner
from temgrains.gui.sizes_work import Viewing

if TYPE_CHECKING:
    from temgrains.gui._desk import Desk
    from temgrains.gui._worker import Work
    from temgrains.records import Analysis

NO_MODEL = "Only for grains that a model found here: choose them above, or find them under Extract."


class Views(QObject):
    """Measures the mean diameter of each view in a thread of its own, and drops it when it is stale."""

    changed = Signal()
    """Something was measured, dropped, begun or ended."""
    progressed = Signal(int, int)
    """Views that are done, and how many there are."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self.note = ""
        self.runner = Runner(self)
        self._means: tuple[float, ...] = ()
        self._of: tuple[Any, ...] = ()
        self.runner.progressed.connect(lambda _stage, done, total: self.progressed.emit(done, total))
        self.runner.delivered.connect(self._on_delivered)
        self.runner.ended.connect(self._on_ended)
        desk.left.connect(self.runner.abandon)

    @property
    def possible(self) -> bool:
        """Whether there is a result of a model to look at."""
        return self._analysis() is not None

    @property
    def means(self) -> tuple[float, ...]:
        """The mean diameter of each view, empty where nobody looked or the result is another one now."""
        analysis = self._analysis()
        same = analysis is not None and _same(self._of, _basis(analysis))
        return self._means if same else ()

    def measure(self) -> None:
        """Begin to measure, unless that is at work."""
        analysis, session = self._analysis(), self._desk.session
        if analysis is None or session is None:
            self.note = NO_MODEL
        elif self.runner.start(Viewing(analysis, session.model)):
            self.note = ""
        self.changed.emit()

    def cancel(self) -> None:
        """Stop."""
        self.runner.cancel()

    def _analysis(self) -> Analysis | None:
        session = self._desk.session
        return session.analysis if session is not None else None

    def _on_delivered(self, work: Viewing, results: list[Any]) -> None:
        self._means, self._of = results[-1], _basis(work.analysis)
        self.changed.emit()

    def _on_ended(self, _work: Work, error: Exception | None, how: str) -> None:
        if error is not None:
            self.note = f"The views cannot be measured: {sentence(error)}"
        elif how == "cancelled":
            self.note = "cancelled"
        self.changed.emit()


def _basis(analysis: Analysis) -> tuple[Any, ...]:
    """Give what the means hold for: corrections change nothing of it."""
    made = analysis.provenance
    return analysis.edges, made["settings"], made["model"]["name"], analysis.micrograph.pixel_size


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return bool(one) and one[0] is other[0] and one[1:] == other[1:]
