"""The runner: one job at a time in a thread, its results in the window's thread."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from temgrains.gui._worker import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Counting:
    """Gives 0, 1, 2, ... and notes in which thread."""

    title = "Counting"

    def __init__(self, count: int = 3, pause_s: float = 0.0, error: Exception | None = None) -> None:
        self.count, self.pause_s, self.error = count, pause_s, error
        self.threads: set[int] = set()
        self.given = 0

    def run(self, progress: Callable[[str, int, int], None]) -> Iterator[int]:
        for k in range(self.count):
            self.threads.add(threading.get_ident())
            progress("counting", k, self.count)
            time.sleep(self.pause_s)
            self.given += 1
            yield k
        if self.error is not None:
            raise self.error


class Ear:
    """Hears a runner's signals."""

    def __init__(self, runner: Runner) -> None:
        self.results: list[int] = []
        self.progress: list[tuple[str, int, int]] = []
        self.ends: list[tuple[str, Exception | None]] = []
        self.threads: set[int] = set()
        runner.delivered.connect(self._deliver)
        runner.progressed.connect(lambda *note: self.progress.append(note))
        runner.ended.connect(lambda _work, error, how: self.ends.append((how, error)))

    def _deliver(self, _work: object, results: list[int]) -> None:
        self.threads.add(threading.get_ident())
        self.results += results


@pytest.fixture
def runner(qapp: Any) -> Runner:
    return Runner()


@pytest.fixture
def ear(runner: Runner) -> Ear:
    return Ear(runner)


def test_results_are_made_elsewhere_and_arrive_here_in_order(runner: Runner, ear: Ear, qtbot: Any) -> None:
    work = Counting(50)
    assert runner.start(work)
    assert runner.work is work
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.results == list(range(50))
    assert ear.ends == [("done", None)]
    assert ear.threads == {threading.get_ident()}
    assert threading.get_ident() not in work.threads
    assert runner.work is None


def test_a_second_job_is_refused_while_one_is_at_work(runner: Runner, ear: Ear, qtbot: Any) -> None:
    assert runner.start(Counting(5, 0.02))
    assert not runner.start(Counting(1000))
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.results == list(range(5))


def test_progress_is_passed_on(runner: Runner, ear: Ear, qtbot: Any) -> None:
    runner.start(Counting(10, 0.03))
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.progress
    assert all(stage == "counting" and total == 10 for stage, _, total in ear.progress)


def test_pause_stops_after_the_next_result(runner: Runner, ear: Ear, qtbot: Any) -> None:
    work = Counting(1000, 0.02)
    runner.start(work)
    qtbot.waitUntil(lambda: work.given > 1, timeout=60_000)
    runner.pause()
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.ends == [("paused", None)]
    assert ear.results == list(range(work.given)), "nothing that was found is lost"


def test_cancel_stops_at_the_next_report(runner: Runner, ear: Ear, qtbot: Any) -> None:
    work = Counting(1000, 0.02)
    runner.start(work)
    qtbot.waitUntil(lambda: work.given > 1, timeout=60_000)
    runner.cancel()
    runner.cancel()
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.ends == [("cancelled", None)]
    assert work.given < 1000


def test_an_abandoned_job_gives_nothing_more(runner: Runner, ear: Ear, qtbot: Any) -> None:
    work = Counting(1000, 0.02)
    runner.start(work)
    qtbot.waitUntil(lambda: work.given > 1, timeout=60_000)
    runner.abandon()
    heard = list(ear.results)
    assert not runner.busy
    qtbot.wait(150)
    assert ear.results == heard
    assert ear.ends == []


@pytest.mark.parametrize("error", [RuntimeError("shapes"), ValueError("value"), MemoryError(), KeyError("k")])
def test_errors_of_every_kind_arrive_after_the_results(
    runner: Runner, ear: Ear, qtbot: Any, error: Exception
) -> None:
    runner.start(Counting(2, error=error))
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.results == [0, 1]
    assert ear.ends == [("failed", error)]
    assert runner.start(Counting(1))
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert ear.results == [0, 1, 0]


def test_nothing_of_the_work_is_kept(runner: Runner, qtbot: Any) -> None:
    """A window keeps a list of its tasks, which must not keep the images they worked on."""
    work = Counting(2)
    alive = weakref.ref(work)
    runner.start(work)
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    del work
    qtbot.wait(50)
    gc.collect()
    assert alive() is None


def test_handlers_that_process_events_do_not_nest(runner: Runner, qtbot: Any, qapp: Any) -> None:
    depth = [0, 0]

    def slow(_work: object, _results: list[int]) -> None:
        depth[0] += 1
        depth[1] = max(depth)
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            qapp.processEvents()
        depth[0] -= 1

    runner.delivered.connect(slow)
    runner.start(Counting(20, 0.02))
    qtbot.waitUntil(lambda: not runner.busy, timeout=60_000)
    assert depth == [0, 1]


def test_two_runners_take_turns(qapp: Any, qtbot: Any) -> None:
    first, second = Runner(), Runner()
    at_work: list[str] = []
    together = []

    class Noting:
        def __init__(self, title: str) -> None:
            self.title = title

        def run(self, _progress: Any) -> Iterator[int]:
            at_work.append(self.title)
            together.append(len(at_work))
            time.sleep(0.2)
            at_work.remove(self.title)
            yield 0

    first.start(Noting("first"))
    second.start(Noting("second"))
    qtbot.waitUntil(lambda: not first.busy and not second.busy, timeout=60_000)
    assert together == [1, 1]
