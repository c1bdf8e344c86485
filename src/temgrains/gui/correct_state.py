"""The corrections of one image: what was done, what can be undone, what is least certain. Knows no Qt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from temgrains.corrections import History, Ledger, SegmentGraph, ledger, pins_of, verbs
from temgrains.corrections.gaps import propose
from temgrains.corrections.history import DRAWN, REPLAY_SLACK_PX
from temgrains.corrections.journal import Journal, JournalError, Kept, digest_of
from temgrains.corrections.paths import LazyEvidence, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.corrections import Change, Operation
    from temgrains.corrections.verbs import Point
    from temgrains.records import Analysis, Iterate, LabelArray, Pins, PixelSize

LARGE_PX = 2**22
"""Images of more pixels are not traced again after each correction."""

UNCERTAIN = 0.6
"""Segments below this confidence are to be looked at."""


class Corrector:
    """Corrections of one analysis, and their journal.

    ``analysis`` is the one that the corrections start from. Without a journal (the disk is full, the folder
    read-only) everything works, and ``notes`` say so.
    """

    def __init__(
        self, analysis: Analysis, *, folder: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.analysis = analysis
        self.history = History(analysis.boundaries)
        self.notes: list[str] = []
        self.unsaved = False
        self.revision = 0
        """Goes up with every change of the labels."""
        self.journal: Journal | None = None
        self.kept: Kept | None = None
        self._clock = clock
        self._begun = False
        self._evidence: LazyEvidence | None = None
        self._graph: SegmentGraph | None = None
        self._surveyed = -1
        self._at: Point | None = None
        self._open(folder)

    # What there is

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What was done and not undone."""
        return self.history.operations

    def ledger(self, pixel_size: PixelSize | None = None) -> Ledger:
        """Give the corrections in numbers, lengths in nm too where the size of a pixel is known."""
        return ledger(self.operations, pixel_size)

    def graph(self) -> SegmentGraph:
        """Give the segments as they are now, with the confidence that the networks have in each."""
        if self._graph is None or self._surveyed != self.revision:
            self.survey()
        assert self._graph is not None
        return self._graph

    def survey(self) -> None:
        """Trace all segments; of a large image that takes seconds, and may be done in another thread."""
        revision = self.revision
        self._graph = _rated(self.history.labels.copy(), self.analysis)
        self._surveyed = revision

    @property
    def surveyed(self) -> bool:
        """Whether the segments are known well enough to go through them at once.

        Those of a large image may be older than the last corrections: what these have changed is left out.
        """
        return self.history.labels.size <= LARGE_PX or self._graph is not None

    def _known_graph(self) -> SegmentGraph:
        large = self.history.labels.size > LARGE_PX
        return self._graph if large and self._graph is not None else self.graph()

    def wire(self, start: Point) -> Wire:
        """Give the paths that start at a point and follow the image, and keep off lines that are there."""
        return Wire(self._seen(), start, labels=self.history.labels)

    def uncertain_share(self, level: float = UNCERTAIN) -> float:
        """Give the share of the boundary's length that is below a confidence, and not accepted or drawn."""
        graph = self.graph()
        open_to_doubt = (graph.confidence < level) & ~self._by_hand(graph)
        total = graph.length_px.sum()
        return float(graph.length_px[open_to_doubt].sum() / total) if total else 0.0

    # What can be done

    def do(self, operation: Operation) -> Change:
        """Do an operation and note it in the journal."""
        stamped = verbs.at_time(operation, self._clock())
        change = self.history.do(stamped)
        self._note("do", stamped)
        return self._changed(change)

    def undo(self) -> Change | None:
        """Take the last operation back."""
        change = self.history.undo()
        if change is not None:
            self._note("undo")
            self._changed(change)
        return change

    def redo(self) -> Change | None:
        """Do again what was undone."""
        change = self.history.redo()
        if change is not None:
            self._note("redo")
            self._changed(change)
        return change

    def proposals(self, point: Point) -> tuple[Operation, ...]:
        """Propose up to three lines through a point."""
        return propose(self.history.labels, self._seen(), point)

    def next_uncertain(self, step: int) -> tuple[Point, NDArray[np.intp], float, str] | None:
        """Go to the next (1) or previous (-1) segment, least certain first.

        Returns
        -------
        place
            Its middle, its pixels, its confidence, and "3 of 120"; None if none is left.
        """
        graph = self._known_graph()
        left = np.flatnonzero(~self._by_hand(graph) & self._there(graph))
        if not left.size:
            return None
        order = left[np.argsort(graph.confidence[left], kind="stable")]
        here = 0 if step > 0 else len(order) - 1
        if self._at is not None and (current := graph.nearest(self._at, 3)) is not None:
            found = np.flatnonzero(order == current)
            here = (int(found[0]) + step) % len(order) if found.size else 0
        chosen = int(order[here])
        self._at = graph.centre(chosen)
        return self._at, graph.path(chosen), float(graph.confidence[chosen]), f"{here + 1} of {len(order)}"

    def judge(self, *, right: bool) -> Change | None:
        """Accept or erase the segment that `next_uncertain` went to; None if there is none."""
        if self._at is None:
            return None
        verb = verbs.accept if right else verbs.erase
        return self.do(verb(self.history.labels, self._at, reach_px=3))

    def pins(self, state: Iterate) -> Pins:
        """Give the corrections as pins for a state of the refinement."""
        shape = (state.state.shape[0], state.state.shape[1])
        return pins_of(self.operations, self.history.labels == 0, shape)

    def rebase(self, analysis: Analysis) -> None:
        """Go on from another network of the same image: what was done is done again on it."""
        operations, undone = self.operations, self.history.undone
        self.analysis, self._evidence, self._graph = analysis, None, None
        self._renew()
        self.history = replayed(analysis, operations, undone)
        if operations and self.journal is not None:
            self._journalled(lambda journal: journal.begin(analysis.boundaries, operations, undone))
            self._begun = True

    def restore(self) -> None:
        """Take over what the journal kept of the last session."""
        if self.kept is None:
            return
        kept, self.kept = self.kept, None
        self.notes += kept.notes
        self._begun, self.unsaved = True, not kept.saved
        self._renew()
        if kept.start is None:
            self.history = replayed(self.analysis, kept.operations, kept.undone)
            start = self.history.start
            self._journalled(lambda journal: journal.begin(start, kept.operations, kept.undone))
            return
        self.history = History(kept.start)
        for operation in (*kept.operations, *reversed(kept.undone)):
            self.history.do(operation)
        for _ in kept.undone:
            self.history.undo()

    def do_all(self, operations: tuple[Operation, ...], undone: tuple[Operation, ...]) -> None:
        """Do the operations of a project on the network on which they were made."""
        for operation in (*operations, *reversed(undone)):
            self.history.do(operation)
        for _ in undone:
            self.history.undo()
        self._begun = True
        self._renew()
        self._journalled(lambda journal: journal.begin(self.history.start, operations, undone))
        self.mark_saved()

    def mark_saved(self) -> None:
        """Remember that all of it is saved elsewhere."""
        self.unsaved = False
        self._journalled(lambda journal: journal.saved())

    def close(self) -> None:
        """Give the journal free."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    # Inside

    def _seen(self) -> LazyEvidence:
        """Give the mean of the guess and of the last state, at the image's scale, as evidence."""
        if self._evidence is None:
            from temgrains.pipeline.steps import at_image_scale  # noqa: PLC0415  (imports torch)

            film, iterates = self.analysis.micrograph, self.analysis.iterates
            self._evidence = LazyEvidence(*(at_image_scale(iterates[k].state, film.shape) for k in (0, -1)))
        return self._evidence

    def _open(self, folder: Path | None) -> None:
        try:
            self.journal = Journal(digest_of(self.analysis.micrograph.pixels), folder=folder)
        except JournalError as error:
            self.notes.append(str(error))
            return
        if self.journal.shared:
            self.notes.append("another window corrects this image too; this one keeps its corrections apart")
        kept, shape = self.journal.kept(), self.history.labels.shape
        self.notes += self.journal.notes
        if kept is not None and kept.start is not None and kept.start.labels.shape != shape:
            self.notes.append("the journal's corrections are of an image of another size; they stay there")
        else:
            self.kept = kept

    def _changed(self, change: Change) -> Change:
        self._renew()
        self.unsaved = True
        return change

    def _renew(self) -> None:
        """Note that the labels are others than before."""
        self.revision += 1

    def _note(self, what: str, *operation: Operation) -> None:
        if not self._begun:
            self._begun = True
            self._journalled(lambda journal: journal.begin(self.history.start))
        self._journalled(lambda journal: getattr(journal, what)(*operation))

    def _journalled(self, write: Callable[[Journal], None]) -> None:
        if self.journal is None:
            return
        try:
            write(self.journal)
        except JournalError as error:
            self.notes.append(str(error))
            self.close()

    def _by_hand(self, graph: SegmentGraph) -> NDArray[np.bool_]:
        """Whether most of a segment was drawn or accepted."""
        rows, columns = graph.pixels.T
        height, width = self.history.labels.shape
        marks, near = self.history.marked, np.zeros(len(rows), bool)
        for dy, dx in np.ndindex(3, 3):
            place = np.clip(rows + dy - 1, 0, height - 1), np.clip(columns + dx - 1, 0, width - 1)
            near |= marks[place] == DRAWN
        share = np.bincount(graph.owner, near, graph.count) / np.maximum(np.bincount(graph.owner), 1)
        found: NDArray[np.bool_] = share > 0.5
        return found

    def _there(self, graph: SegmentGraph) -> NDArray[np.bool_]:
        """Whether most of a segment is still a boundary."""
        lines = self.history.labels[tuple(graph.pixels.T)] == 0
        share = np.bincount(graph.owner, lines, graph.count) / np.maximum(np.bincount(graph.owner), 1)
        found: NDArray[np.bool_] = share > 0.5
        return found


def replayed(analysis: Analysis, operations: tuple[Operation, ...], undone: tuple[Operation, ...]) -> History:
    """Do operations on the network of another analysis; what was undone can be done again there too."""
    history = History(analysis.boundaries)
    for operation in (*operations, *reversed(undone)):
        history.do(operation, slack_px=REPLAY_SLACK_PX)
    for _ in undone:
        history.undo()
    return history


def _rated(labels: LabelArray, analysis: Analysis) -> SegmentGraph:
    """Trace the segments with the same confidence that results, tables and maps have."""
    from temgrains.pipeline.confidence import rated_lines  # noqa: PLC0415  (imports torch)
    from temgrains.pipeline.steps import at_image_scale  # noqa: PLC0415

    film, card = analysis.micrograph, analysis.provenance.get("model", {})
    return rated_lines(labels, at_image_scale(analysis.guess.grey, film.shape), card)
