"""What follows a correction: the layers at once, pixel by pixel, the sizes as soon as they are measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer

from temgrains.corrections.history import gapless, numbered
from temgrains.gui._chores import Chore
from temgrains.gui._side_work import SideWork
from temgrains.gui.correct_layers import LiveGrains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.gui._session import Session
    from temgrains.gui.correct_link import Corrections
    from temgrains.records import Analysis

REST_MS = 20, 2000
"""Least and longest time after an operation at which sizes are measured again [ms]. In between it is as long
as that took the last time, so that a large image does not slow the hand down."""


MOST_ROWS = 5000
"""Tables of more grains come to the layer once the user turns away: napari takes 15 µs for each row."""


@dataclass(slots=True)
class _Shown:
    """What the layers of a session show: ``numbers`` are those of its analysis by those of its history.

    ``in_step``: they show the grains of the history. ``gaps``: their numbers have gaps by now.
    """

    in_step: bool = True
    gaps: bool = False
    numbers: NDArray[np.int64] | None = None
    live: LiveGrains | None = None
    made: Analysis | None = None


class Following(QObject):
    """Keeps layers and sizes of the images in step with their corrections.

    As long as the user is correcting, grains keep the numbers that their layer shows; then they are drawn
    anew, numbered without gaps as in files and tables.
    """

    def __init__(self, link: Corrections) -> None:
        super().__init__(link)
        self._link = link
        self._shown: dict[Session, _Shown] = {}
        self._waiting: list[Session] = []
        self._work = SideWork(self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(REST_MS[0])
        self._pause.timeout.connect(self._publish)

    @property
    def settled(self) -> bool:
        """Whether sizes belong to the corrected grains."""
        return not (self._pause.isActive() or self._work.busy)

    def made(self, session: Session, analysis: Analysis) -> bool:
        """Whether an analysis of a session came from here."""
        made = self._of(session).made
        return made is not None and analysis.boundaries is made.boundaries

    def start_over(self, session: Session, *, in_step: bool) -> None:
        """Forget which numbers the layers show; ``in_step``: they show the grains that the history has."""
        self._shown[session] = _Shown(in_step=in_step, made=self._of(session).made)

    def forget(self, session: Session) -> None:
        """Forget a session that is gone."""
        self._shown.pop(session, None)
        self._waiting = [waiting for waiting in self._waiting if waiting is not session]

    def live(self) -> LiveGrains | None:
        """Give what keeps the layers in step, asked for before each change; None while they are drawn."""
        bench, session = self._link.desk.bench, self._link.desk.session
        if bench is None or session is None or session.analysis is None:
            return None
        shown = self._of(session)
        if bench.due:  # what is drawn then is older than the change
            shown.live, shown.in_step = None, False
        if not shown.in_step:
            return None
        if shown.live is None:
            if shown.numbers is None:
                shown.numbers = np.arange(session.analysis.grains.count + 1)
            shown.live = LiveGrains(bench.layers, shown.numbers)
        return shown.live

    def later(self, session: Session) -> None:
        """Measure soon."""
        if session not in self._waiting:
            self._waiting.append(session)
        self._pause.start()

    def turned(self) -> None:
        """Draw the grains anew once the user has turned away from the corrections, or back to the image."""
        session = self._link.desk.session
        if session is not None and self._of(session).gaps and not self._link.engaged and self.settled:
            self._draw_anew(session)

    def abandon(self) -> None:
        """Forget all, and what is at work."""
        self._pause.stop()
        self._work.abandon()
        self._waiting.clear()
        self._shown.clear()

    def _of(self, session: Session) -> _Shown:
        return self._shown.setdefault(session, _Shown())

    def _publish(self) -> None:
        """Measure the corrected grains in the worker, and give them to their session."""
        if self._work.busy:
            self._pause.start()
            return
        session = self._waiting.pop(0) if self._waiting else None
        corrector = None if session is None else self._link.correctors.get(session)
        if session is None or corrector is None or session.analysis is None:
            return
        analysis, operations, revision = session.analysis, corrector.operations, corrector.revision
        labels, start = corrector.history.labels, corrector.history.start
        began = time.monotonic()

        def call() -> tuple[Analysis, NDArray[np.int64]]:
            from temgrains import pipeline  # noqa: PLC0415  (imports torch)

            now = labels.copy()  # what is corrected meanwhile may get in; then the revision tells
            numbers = gapless(now)
            boundaries = numbered(now, start, numbers)
            return pipeline.with_boundaries(analysis, boundaries, operations), numbers

        def take(found: tuple[Analysis, NDArray[np.int64]]) -> None:
            took_ms = round(1e3 * (time.monotonic() - began))
            self._pause.setInterval(min(max(took_ms, REST_MS[0]), REST_MS[1]))
            if session.analysis is analysis and corrector.revision == revision:
                self._take(session, *found)

        self._work.start(Chore("Sizes", call, take))
        if self._waiting:
            self._pause.start()

    def _take(self, session: Session, analysis: Analysis, numbers: NDArray[np.int64]) -> None:
        shown, here = self._of(session), session is self._link.desk.session
        shown.made, shown.numbers, session.analysis = analysis, numbers, analysis
        if shown.live is not None and self._link.engaged and here:
            if len(analysis.sizes.table) <= MOST_ROWS:
                shown.live.tell_sizes(analysis.sizes.table, numbers)
            shown.gaps = True
            self._link.desk.changed.emit()
        elif here:
            self._draw_anew(session)
        else:  # it is drawn when the user comes back to the image
            shown.gaps = True

    def _draw_anew(self, session: Session) -> None:
        shown = self._of(session)
        shown.live, shown.in_step, shown.gaps = None, True, False
        self._link.desk.do("show grains")
