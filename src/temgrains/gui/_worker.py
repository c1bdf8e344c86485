"""One job at a time in a thread of its own; what it gives reaches the window from a timer.

The worker only fills a queue and a note of its progress. A timer in the window's thread empties both, so that
many quick results cost one redraw, and no signal of a worker can arrive inside the handler of another.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from napari.qt.threading import create_worker
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from temgrains.records import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from temgrains.records import Progress

_log = logging.getLogger(__name__)

FLUSH_MS = 50
"""Time between two looks at the queue [ms]."""

PATIENCE_S = 1.5
"""How long a cancelled job may take to stop before the window goes on without it [s]."""

_turn = threading.Lock()
"""Held by the job at work: a new one waits for a cancelled one that is still in a long computation."""


class Work(Protocol):
    """What the runner can run."""

    @property
    def title(self) -> str:
        """What the work is called in messages."""

    def run(self, progress: Progress) -> Iterator[Any]:
        """Give results one by one."""


class _Task:
    """The part of a job that both threads see: results, progress, and the wish to stop."""

    def __init__(self, work: Work, *, alone: bool) -> None:
        self.work: Work | None = work
        self._alone = alone
        self.title = work.title
        self.results: deque[Any] = deque()
        self.note: tuple[str, int, int] | None = None
        self.error: Exception | None = None
        self.aborted: Callable[[], bool] = lambda: False  # napari asks for it when the window is closed
        self.done = False
        self.paused = threading.Event()
        self.stopped = threading.Event()
        self.cancelled_at = 0.0

    def __repr__(self) -> str:  # napari shows it when the window is closed during the work
        return f"TEM Grains: {self.title}"

    def __call__(self) -> None:
        """Do the work; every error is kept, for superqt loses some and leaves the task busy for ever."""
        try:
            if self._alone:
                self._run_alone()
            else:
                self._run()
        except Cancelled:
            self.stopped.set()
        except Exception as error:  # whatever it is, the window must learn of it
            _log.exception("%s failed", self.title)
            self.error = error
        finally:
            self.work, self.aborted = None, lambda: False  # napari keeps its tasks: not our images with them
            self.done = True

    def _run_alone(self) -> None:
        while not _turn.acquire(timeout=0.05):
            self._progress("waiting", 0, 1)
        try:
            _leave_a_core_to_the_window()
            self._run()
        finally:
            _turn.release()

    def _run(self) -> None:
        if self.work is None:
            return
        for result in self.work.run(self._progress):
            self.results.append(result)
            if self.paused.is_set():
                return
            self._progress(*(self.note or ("", 0, 1)))

    def _progress(self, stage: str, done: int, total: int) -> None:
        self.note = (stage, done, total)
        if self.stopped.is_set() or self.aborted():
            raise Cancelled


def _leave_a_core_to_the_window() -> None:
    import torch  # noqa: PLC0415  (takes seconds, so never in the window's thread)

    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


class Runner(QObject):
    """Runs one job at a time for one viewer.

    `start` refuses a second job, so that a button pressed twice does nothing twice. After `cancel` the runner
    is free within `PATIENCE_S`, even when the thread needs longer; what that thread still gives is dropped.
    The runners of all viewers take turns, for the networks use all cores; one that is not ``alone``, because
    its jobs use no network, waits for nobody.
    """

    started = Signal(object)
    """The work that begins."""
    progressed = Signal(str, int, int)
    """Stage, done, total."""
    delivered = Signal(object, list)
    """The work and its new results, in order."""
    warned = Signal(str)
    """A warning that was given during the work, once each."""
    ended = Signal(object, object, str)
    """The work, the error or None, and how it ended: "done", "paused", "cancelled" or "failed"."""

    def __init__(
        self, parent: QObject | None = None, *, alone: bool = True, flush_ms: int = FLUSH_MS
    ) -> None:
        super().__init__(parent)
        self._alone = alone
        self._task: _Task | None = None
        self._work: Work | None = None
        self._flushing = False
        self._warnings: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(flush_ms)
        self._timer.timeout.connect(self._flush)

    @property
    def busy(self) -> bool:
        """Whether a job is at work."""
        return self._task is not None

    @property
    def stopping(self) -> bool:
        """Whether a job at work has been told to stop."""
        return self._task is not None and self._task.stopped.is_set()

    @property
    def work(self) -> Work | None:
        """The job at work."""
        return self._work

    def start(self, work: Work) -> bool:
        """Begin a job unless one is at work; say whether it began."""
        if self.busy:
            return False
        task = _Task(work, alone=self._alone)
        worker = create_worker(task, _start_thread=False)
        task.aborted = lambda: worker.abort_requested
        worker.warned.connect(self._on_warned)  # napari 0.9 does not pass warnings of its workers on
        self._warnings.clear()
        self._task, self._work = task, work
        self._timer.start()
        self.started.emit(work)
        worker.start()
        return True

    def pause(self) -> None:
        """Let the job stop after its next result."""
        if self._task is not None:
            self._task.paused.set()

    def cancel(self) -> None:
        """Let the job stop as soon as it reports progress, and wait for it no longer than `PATIENCE_S`."""
        if self._task is not None and not self._task.stopped.is_set():
            self._task.cancelled_at = time.monotonic()
            self._task.stopped.set()

    def abandon(self) -> None:
        """Cancel and forget the job: nothing it gives is delivered any more."""
        self.cancel()
        self._task = self._work = None
        if isalive(self._timer):  # with its window Qt may have deleted it already
            self._timer.stop()

    def _flush(self) -> None:
        task, work = self._task, self._work
        if task is None or self._flushing:
            return
        self._flushing = True
        try:
            done = task.done  # before the queue is emptied: nothing comes after it
            results = [task.results.popleft() for _ in range(len(task.results))]
            if results:
                self.delivered.emit(work, results)
            if task.note is not None and not done:
                self.progressed.emit(*task.note)
            given_up = task.stopped.is_set() and time.monotonic() - task.cancelled_at > PATIENCE_S
            if self._task is task and (done or given_up):
                self._end(task, work)
        finally:
            self._flushing = False

    def _on_warned(self, warning: tuple[Any, ...]) -> None:
        text = " ".join(str(warning[0]).split())
        if text not in self._warnings:
            self._warnings.add(text)
            self.warned.emit(text)

    def _end(self, task: _Task, work: Work | None) -> None:
        self._task = self._work = None
        self._timer.stop()
        if task.error is not None:
            how = "failed"
        elif task.stopped.is_set():
            how = "cancelled"
        else:
            how = "paused" if task.paused.is_set() else "done"
        self.ended.emit(work, task.error, how)
