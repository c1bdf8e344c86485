"""What all Correct panels of a viewer share: a corrector per image, the tool in hand, keys, new sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from temgrains.corrections.verbs import Impossible
from temgrains.gui._chores import Chore
from temgrains.gui._side_work import SideWork
from temgrains.gui.correct_closing import Closing
from temgrains.gui.correct_follow import Following
from temgrains.gui.correct_keys import ToolKeys
from temgrains.gui.correct_layers import HandLayer, look_at
from temgrains.gui.correct_project import Projects
from temgrains.gui.correct_state import LARGE_PX, Corrector
from temgrains.gui.correct_tool import Hand

if TYPE_CHECKING:
    from collections.abc import Callable

    from temgrains.corrections import Change, Operation
    from temgrains.gui._desk import Desk
    from temgrains.gui._session import Session
    from temgrains.gui.correct_layers import LiveGrains
    from temgrains.records import Analysis


class Corrections(QObject):
    """The corrections of the images of one viewer; see the module."""

    changed = Signal()
    """Something that a panel shows has changed."""
    correctors: dict[Session, Corrector]
    images: dict[Session, Any]
    """The ids of the image layers that are corrected."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.note = ""
        self.hand = Hand(desk.viewer)
        self.correctors = {}
        self._layers: dict[Session, HandLayer] = {}
        self.images = {}
        self.following = Following(self)
        self._tracing = SideWork(self)
        self._turned = QTimer(self)
        self._turned.setSingleShot(True)
        self._turned.setInterval(0)
        self.keys = ToolKeys(self)
        self.projects = Projects(self)
        self.closing = Closing(self, self.projects)
        self._connect()

    def _connect(self) -> None:
        self.hand.asked.connect(self.do)
        self.hand.said.connect(self._say)
        self.hand.taken.connect(self.changed)
        self.desk.changed.connect(self._on_desk)
        self.desk.left.connect(self._on_left)
        self.desk.viewer.layers.selection.events.active.connect(self._on_active)
        self._turned.timeout.connect(self._look_at_selection)

    # What there is

    @property
    def corrector(self) -> Corrector | None:
        """The corrector of the chosen image, None before it has grains."""
        session = self.desk.session
        return self.correctors.get(session) if session is not None else None

    @property
    def settled(self) -> bool:
        """Whether sizes belong to the corrected grains."""
        return self.following.settled

    @property
    def engaged(self) -> bool:
        """Whether the user is correcting: the layer of corrections is the one that is selected."""
        session = self.desk.session
        layer = self._layers[session].layer if session in self._layers else None
        return layer is not None and self.desk.viewer.layers.selection.active is layer

    # What a panel may ask for

    def take(self, tool: str) -> None:
        """Take up a tool, or put it down if it is in hand."""
        corrector, image, session = self.corrector, self.desk.watch.image, self.desk.session
        if self.hand.tool == tool or corrector is None or image is None or session is None:
            self.hand.put_down()
            return
        if self.desk.busy:
            self._say("Wait until the work is done, or cancel it; then correct.")
            return
        self._show_layer(session, corrector)
        self.hand.take(tool, corrector, image, self._layers[session])

    def do(self, operation: Operation) -> None:
        """Do an operation, and show what it changed."""
        corrector = self.corrector
        if corrector is None:
            return
        live = self.following.live()
        change = corrector.do(operation)
        self._after(live, change, operation)
        if change.empty and operation.verb != "accept":
            self._say("The line closes nothing yet: it is kept for Refine again. Ctrl+Z takes it back.")
        else:
            self._say("")

    def undo(self) -> None:
        """Take the last operation back."""
        self._back_or_forth(lambda corrector: (corrector.operations[-1:], corrector.undo))

    def redo(self) -> None:
        """Do again what was undone."""
        self._back_or_forth(lambda corrector: (corrector.history.undone[-1:], corrector.redo))

    def look(self, step: int) -> None:
        """Go to the next (1) or previous (-1) segment, least certain first, and show it."""
        corrector, image, session = self.corrector, self.desk.watch.image, self.desk.session
        if corrector is None or image is None or session is None:
            return
        if not corrector.surveyed:
            self._survey(corrector, lambda: self.look(step))
            return
        place = corrector.next_uncertain(step)
        if place is None:
            self._say("Every boundary was drawn or accepted by hand.")
            return
        point, path, confidence, where = place
        self._show_layer(session, corrector)
        self.hand.cancel()
        self._layers[session].preview([(path, 4)])
        look_at(self.desk.viewer, image, point, len(path))
        self._say(f"Segment {where}, confidence {confidence:.2f}: Enter accepts it, Backspace erases it.")

    def doubt(self, tell: Callable[[float], None]) -> None:
        """Tell how much of the boundary is uncertain, as a share of its length, once that is known."""
        corrector = self.corrector
        if corrector is not None:
            self._survey(corrector, lambda: tell(corrector.uncertain_share()))

    def judge(self, *, right: bool) -> None:
        """Accept or erase the segment shown, and go to the next one."""
        corrector = self.corrector
        if corrector is None:
            return
        live = self.following.live()
        try:
            change = corrector.judge(right=right)
        except Impossible as why:
            self._say(str(why))
            return
        if change is not None:
            self._after(live, change, corrector.operations[-1])
            self.look(1)

    def confirm(self) -> None:
        """Do what Enter means now: end the line, take the proposal, or accept the segment."""
        if self.hand.tool in {"draw", "close"} and self.hand.begun:
            self.hand.finish()
        else:
            self.judge(right=True)

    def refine_again(self) -> None:
        """Refine from the shown iterate on; the corrections are imposed on it at every iteration."""
        session, corrector = self.desk.session, self.corrector
        if session is None or corrector is None or session.shown is None or self.desk.busy:
            return
        self.hand.put_down()
        session.pins = corrector.pins(session.shown)
        self.desk.do("again")

    def restore(self) -> None:
        """Take over the corrections that the journal kept."""
        corrector = self.corrector
        if corrector is not None:
            corrector.restore()
            _tell_notes(corrector)
            self._start_over(in_step=False)
            self._measure()
            self.changed.emit()

    def take_over(self, operations: tuple[Operation, ...], undone: tuple[Operation, ...]) -> None:
        """Do the corrections of a project, saved as they are."""
        corrector = self.corrector
        if corrector is None:
            return
        corrector.kept = None
        corrector.do_all(operations, undone)
        self._start_over(in_step=not operations)
        if operations:
            self._measure()
        self.changed.emit()

    def decline(self) -> None:
        """Leave the corrections that the journal kept where they are."""
        if self.corrector is not None:
            self.corrector.kept = None
            self.changed.emit()

    # From the desk and napari

    def _on_desk(self) -> None:
        self._take_in()
        self.keys.follow()
        self.changed.emit()

    def _take_in(self) -> None:
        """Begin corrections where grains were found, go on where they were found again, or end them."""
        session, image = self.desk.session, self.desk.watch.image
        analysis = session.analysis if session is not None else None
        self._prune(session, image)
        if session is None or analysis is None:
            self.hand.put_down()
            if image is not None and session is not None:
                self.projects.take_up(image)
            return
        corrector = self.correctors.get(session)
        if corrector is None:
            self.correctors[session] = Corrector(analysis)
            _tell_notes(self.correctors[session])
            self.images[session] = None if image is None else image.unique_id
            self._start_over(in_step=True)
        elif analysis.boundaries is not corrector.analysis.boundaries:
            if not self.following.made(session, analysis):
                self._rebase(session, corrector, analysis)
            self._turned.start()

    def _prune(self, chosen: Session | None, image: Any) -> None:
        """Close the correctors of images that are gone, or have other pixels now."""
        there = {layer.unique_id for layer in self.desk.viewer.layers}
        current = None if image is None else image.unique_id
        for session, image_id in list(self.images.items()):
            if image_id not in there or (image_id == current and session is not chosen):
                self.hand.put_down()
                self.correctors.pop(session).close()
                self.following.forget(session)
                del self.images[session]

    def _on_left(self) -> None:
        self.hand.put_down()
        self.keys.unbind()
        self._turned.stop()
        self.following.abandon()
        self._tracing.abandon()
        for corrector in self.correctors.values():
            corrector.close()
        self.correctors.clear()
        self.images.clear()

    def _on_active(self, _event: object = None) -> None:
        self.keys.follow()
        # A new layer is selected for a moment and then no longer; only what lasts is the user's wish.
        self._turned.start()

    def _look_at_selection(self) -> None:
        """Put the tool down when the user turns to another layer, or has deleted ours."""
        session = self.desk.session
        layer = self._layers[session].layer if session in self._layers else None
        active = self.desk.viewer.layers.selection.active
        if self.hand.tool and (layer is None or active is not layer):
            self.hand.put_down()
            self._say("The tool was put down; take it up again to go on. All corrections are kept.")
        self.following.turned()

    # Inside

    def _start_over(self, *, in_step: bool) -> None:
        """Take all that is shown for out of date; ``in_step``: the layers show the grains of the history."""
        session = self.desk.session
        if session is not None:
            self.following.start_over(session, in_step=in_step)
            if session in self._layers:
                self._layers[session].forget()

    def _measure(self) -> None:
        """Measure the chosen image's grains soon."""
        if self.desk.session is not None:
            self.following.later(self.desk.session)

    def _rebase(self, session: Session, corrector: Corrector, analysis: Analysis) -> None:
        self.hand.put_down()
        self._start_over(in_step=not corrector.operations)
        corrector.rebase(analysis)
        if session in self._layers and self._layers[session].layer is not None:
            self.keys.bind_layer(self._layers[session].show(corrector.history))
        if corrector.operations:
            self._measure()

    def _show_layer(self, session: Session, corrector: Corrector) -> None:
        if session not in self._layers and self.desk.bench is not None:
            self._layers[session] = HandLayer(self.desk.viewer, self.desk.bench)
        layers = self._layers[session]
        if layers.layer is None or self.desk.viewer.layers.selection.active is not layers.layer:
            self.keys.bind_layer(layers.show(corrector.history))

    def _back_or_forth(self, choose: Any) -> None:
        corrector = self.corrector
        if corrector is None:
            return
        operations, act = choose(corrector)
        live = self.following.live()
        change = act()
        if change is not None:
            self._after(live, change, operations[0])
            self._say("")

    def _after(self, live: LiveGrains | None, change: Change, operation: Operation) -> None:
        corrector, session = self.corrector, self.desk.session
        if corrector is None or session is None:
            return
        if live is not None:
            self.desk.watch.quietly(live.follow, change, corrector.history.labels.shape)
        if session in self._layers:
            self._layers[session].paint(corrector.history, operation)
        _tell_notes(corrector)
        self.following.later(session)
        self.changed.emit()

    def _survey(self, corrector: Corrector, then: Callable[[], None]) -> None:
        """Trace the segments, in the worker where there are many; then go on."""
        if corrector.history.labels.size <= LARGE_PX:
            then()
        elif self._tracing.start(Chore("Segments", corrector.survey, lambda _nothing: then())):
            self._say("Tracing all boundaries; go on meanwhile.")

    def _say(self, note: str) -> None:
        self.note = note
        self.changed.emit()


def _tell_notes(corrector: Corrector) -> None:
    """Show what the journal has to say, once."""
    for note in corrector.notes:
        show_warning(note)
    corrector.notes.clear()


def corrections_of(desk: Desk) -> Corrections:
    """Give what the Correct panels of a desk share."""
    found = desk.findChild(Corrections)
    return found if found is not None else Corrections(desk)
