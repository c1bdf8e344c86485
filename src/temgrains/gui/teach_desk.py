"""What the Teach panels of one viewer share: the training set, and a fine-tuning at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, Signal

from temgrains.errors import sentence
from temgrains.gui._side_work import SideWork
from temgrains.gui._worker import Runner
from temgrains.gui.correct_link import corrections_of
from temgrains.gui.teach_layers import NotOnImage, drawing_layer, looked_of
from temgrains.gui.teach_work import Corrected, Tuning, adding, listing_examples, removing
from temgrains.training.curves import read_curves

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains.gui._desk import Desk
    from temgrains.gui.teach_work import Listed, Tuned
    from temgrains.records import Analysis
    from temgrains.training.examples import Summary
    from temgrains.training.settings import TuneSettings


class TeachDesk(QObject):
    """The training set as it was last read, what was found, and the threads that work on both.

    A fine-tuning takes minutes: meanwhile images can be analysed and corrected.
    """

    changed = Signal()
    """Something that a panel shows has changed."""
    progressed = Signal(str, int, int)
    """Stage, done, total of the fine-tuning."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.examples: list[Summary] = []
        self.notes: list[str] = []
        self.note = ""
        self.tuned: Tuned | None = None
        self.curves: list[dict[str, Any]] = []
        self.added: Analysis | None = None
        """The analysis that was added last."""
        self._run: Path | None = None
        self._wanted = False
        self._work = SideWork(self)
        self._tuner = Runner(self, alone=False)
        self._work.changed.connect(self._on_chore_ended)
        self._tuner.progressed.connect(self._on_progress)
        self._tuner.delivered.connect(self._on_tuned)
        self._tuner.ended.connect(self._on_ended)
        desk.left.connect(self._leave)

    @property
    def tuning(self) -> bool:
        """Whether a fine-tuning is at work."""
        return self._tuner.busy

    @property
    def settled(self) -> bool:
        """Whether nothing is at work."""
        return not (self._work.busy or self._tuner.busy or self._wanted)

    @property
    def addable(self) -> bool:
        """Whether the chosen image has boundaries that can be added."""
        session = self.desk.session
        return session is not None and session.analysis is not None and not self.desk.busy

    # The training set

    def refresh(self) -> None:
        """Read the training set again."""
        self._wanted = not self._work.start(listing_examples(self._show))

    def draw_area(self) -> str | None:
        """Make a layer in which to mark what was looked at; give its id."""
        bench = self.desk.bench
        if bench is None:
            return None
        layer = drawing_layer(self.desk.viewer, bench)
        self._say(f"Draw around what you looked at in the layer {layer.name}, then add the image.")
        return layer.unique_id  # type: ignore[no-any-return]

    def add(self, layer_id: str | None) -> bool:
        """Add the chosen image as it is corrected now, as far as a layer says (None: all of it).

        Returns
        -------
        began
            Whether it began; if not, ``note`` says why.
        """
        bench, session = self.desk.bench, self.desk.session
        if bench is None or session is None or session.analysis is None:
            return False
        layers = {layer.unique_id: layer for layer in self.desk.viewer.layers}
        try:
            looked = None if layer_id is None else looked_of(layers[layer_id], bench)
        except (NotOnImage, KeyError) as error:
            self._say(
                sentence(error) if isinstance(error, NotOnImage) else "that layer is gone; choose again"
            )
            return False
        corrector, analysis = corrections_of(self.desk).corrector, session.analysis
        boundaries = analysis.boundaries if corrector is None else corrector.history.boundaries()
        operations = () if corrector is None else corrector.operations
        corrected = Corrected(session.name, analysis, boundaries, operations, looked)

        def take(made: tuple[bool, Listed]) -> None:
            replaced, listed = made
            self.added = analysis
            how = "was there already; its corrections are now these" if replaced else "was added"
            self.note = f"{corrected.name} {how}."
            self._show(listed)

        return self._work.start(adding(corrected, take))

    def remove(self, digest: str) -> bool:
        """Remove an example; say whether it began."""
        self.note = ""
        return self._work.start(removing(digest, self._show))

    # Fine-tuning

    def tune(self, base: str, settings: TuneSettings) -> bool:
        """Begin to fine-tune; say whether it began."""
        if settings.name in self.desk.side_work.models:
            self._say(f"There is a model {settings.name!r} already; choose another name.")
            return False
        self.note, self.tuned, self.curves, self._run = "", None, [], None
        began = self._tuner.start(Tuning(base, settings, self._began))
        self.changed.emit()
        return began

    def cancel(self) -> None:
        """Stop the fine-tuning; the same one goes on where it was."""
        self._tuner.cancel()

    # Inside

    def _began(self, folder: Path) -> None:
        self._run = folder  # from the worker's thread: a name that is bound, and nothing else

    def _show(self, listed: Listed) -> None:
        self.examples, self.notes = listed
        self.changed.emit()

    def _on_chore_ended(self) -> None:
        if self._wanted:
            self.refresh()
        self.changed.emit()

    def _on_progress(self, stage: str, done: int, total: int) -> None:
        if self._run is not None:
            curves = read_curves(self._run / "tune")
            if len(curves) != len(self.curves):
                self.curves = curves
                self.changed.emit()
        self.progressed.emit(stage, done, total)

    def _on_tuned(self, _work: object, results: list[Tuned]) -> None:
        self.tuned = results[-1]
        self.desk.side_work.add_models([self.tuned.name])
        self.desk.changed.emit()

    def _on_ended(self, work: Tuning, error: Exception | None, how: str) -> None:
        if self._run is not None:
            self.curves = read_curves(self._run / "tune")
        if error is not None:
            self.note = f"{work.title} failed: {sentence(error)}"
            show_error(self.note)
        elif how == "cancelled":
            self.note = "Fine-tuning cancelled; Fine-tune goes on after the last finished round."
        elif self.tuned is not None:
            self.note = f"{self.tuned.verdict} The new model {self.tuned.name} is in the list of models."
            show_info(self.note)
        self.changed.emit()

    def _say(self, note: str) -> None:
        self.note = note
        self.changed.emit()

    def _leave(self) -> None:
        """Stop when the last dock is closed."""
        self._wanted = False
        self._work.abandon()
        self._tuner.abandon()


def teaching_of(desk: Desk) -> TeachDesk:
    """Give what the Teach panels of a desk share."""
    found = desk.findChild(TeachDesk)
    return found if isinstance(found, TeachDesk) else TeachDesk(desk)
