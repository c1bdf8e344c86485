"""What runs in the worker thread: the stages that are missing, on a snapshot of a session. Knows no Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from temgrains.records import Analysis, BoundaryMap, EdgeMaps, Iterate, Micrograph, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from temgrains.pipeline import EdgePyramid
    from temgrains.records import Pins
    from temgrains.settings import Settings

    Result: TypeAlias = Micrograph | EdgeMaps | BoundaryMap | Iterate | Analysis

STAGES = ("micrograph", "edges", "guess", "refine", "boundaries")
"""The stages in the order in which they run; a job works up to one of them."""

ALL = -1
"""As a number of passes: on to the end of the refinement."""


@dataclass(frozen=True, slots=True)
class Found:
    """One result: the stage it belongs to, what was found, and the seconds it took."""

    stage: str
    value: Result
    seconds: float = 0.0


@dataclass(slots=True)
class Course:
    """The refinement under way, kept between jobs so that single steps stop where one run would.

    Going on from the last iterate alone would forget the earlier states, and with them cycles.
    """

    steps: Iterator[Iterate] | None = None
    index: int = 0
    progress: Progress = silent
    told: tuple[str, int, int] = ("refine", 0, 1)

    def report(self, stage: str, done: int, total: int) -> None:
        """Pass progress on to the job that takes the next step; a single tile is no news within a pass."""
        if stage != "pass" or total > 1:
            self.told = (stage, done, total)
        self.progress(*self.told)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a session holds when a job is made; None and () stand for what is missing.

    ``analysis`` is only given when nothing but its scale is stale.
    """

    load: Callable[[], Micrograph] = field(repr=False)
    settings: Settings
    model: str
    course: Course = field(repr=False)
    micrograph: Micrograph | None = None
    edges: EdgeMaps | None = None
    guess: BoundaryMap | None = None
    iterates: tuple[Iterate, ...] = ()
    cursor: int = 0
    analysis: Analysis | None = None
    pins: Pins | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """Work up to ``stage``.

    ``passes`` is how many iterates to go on from the last one; `ALL` first shows those after the cursor
    again, ``pace_s`` seconds apart, and then goes on until the refinement stops. ``stamps`` holds the
    session's stamp of each stage: a result whose stamp has changed since is dropped.
    """

    title: str
    stage: str
    start: Snapshot = field(repr=False)
    stamps: Mapping[str, int] = field(repr=False)
    passes: int = 0
    pace_s: float = 0.0

    def run(self, progress: Progress) -> Iterator[Found]:
        """Give what is missing, stage by stage; ``progress`` may raise `Cancelled`."""
        work = _Work(self, progress)
        for stage in STAGES[: STAGES.index(self.stage) + 1]:
            yield from getattr(work, stage)()


class _Work:
    """The stages of one job; each gives what it found and leaves it for the next."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job = job
        self._start = job.start
        self._progress = progress
        self._seconds = dict(job.start.seconds)
        self._micrograph = job.start.micrograph
        self._edges = job.start.edges
        self._seen: EdgePyramid | EdgeMaps | None = job.start.edges
        self._guess = job.start.guess
        self._iterates = list(job.start.iterates)

    def micrograph(self) -> Iterator[Found]:
        if self._micrograph is None:
            self._progress("micrograph", 0, 1)
            clock = time.perf_counter()
            self._micrograph = self._start.load()
            yield self._found("micrograph", self._micrograph, clock)

    def edges(self) -> Iterator[Found]:
        from temgrains import pipeline  # noqa: PLC0415  (imports torch, which takes seconds)

        if self._edges is None and self._micrograph is not None:
            self._progress("edges", 0, 3)
            clock = time.perf_counter()
            settings, progress = self._start.settings, self._progress
            self._edges = pipeline.edges_of(
                self._micrograph, model=self._start.model, settings=settings, progress=progress
            )
            self._seen = self._edges
            yield self._found("edges", self._edges, clock)

    def guess(self) -> Iterator[Found]:
        from temgrains import pipeline  # noqa: PLC0415

        if self._guess is None and self._edges is not None:
            self._progress("guess", 0, 1)
            clock = time.perf_counter()
            settings, progress = self._start.settings, self._progress
            pyramid = pipeline.EdgePyramid(self._edges, settings.edges)
            self._guess = pipeline.guess_of(
                pyramid, model=self._start.model, settings=settings, progress=progress
            )
            self._seen = pyramid
            yield self._found("guess", self._guess, clock)
            self._iterates = [pipeline.first_iterate(self._guess)]

    def refine(self) -> Iterator[Found]:
        if self._job.passes == ALL:
            for iterate in self._iterates[self._start.cursor + 1 :]:
                time.sleep(self._job.pace_s)
                yield Found("refine", iterate)
        left = self._job.passes
        while left != 0 and self._iterates[-1].stopped is None:
            clock = time.perf_counter()
            new = self._next()
            if new is None:
                return
            self._iterates.append(new)
            yield self._found("refine", new, clock)
            left -= 1

    def boundaries(self) -> Iterator[Found]:
        from temgrains import pipeline  # noqa: PLC0415

        self._progress("boundaries", 0, 1)
        clock = time.perf_counter()
        micrograph, edges, guess, start = self._micrograph, self._edges, self._guess, self._start
        if micrograph is None or edges is None or guess is None:
            return
        if start.analysis is not None:
            analysis = pipeline.with_pixel_size(
                start.analysis, micrograph.pixel_size, calibration=micrograph.calibration
            )
        else:
            shown = len(self._iterates) if self._job.passes == ALL else start.cursor + 1
            iterates = tuple(self._iterates[:shown])
            analysis = pipeline.conclude(
                pipeline.Refined(micrograph, edges, guess, iterates, self._seconds),
                model=start.model,
                settings=start.settings,
                progress=self._progress,
            )
        yield self._found("boundaries", analysis, clock)

    def _next(self) -> Iterate | None:
        """Take one step of the refinement under way, or of a new one that goes on from all iterates."""
        from temgrains import pipeline  # noqa: PLC0415

        course, last = self._start.course, self._iterates[-1]
        course.progress = self._progress
        if course.steps is None or course.index != last.index:
            course.steps = pipeline.iterates_of(
                self._iterates.copy(),
                model=self._start.model,
                settings=self._start.settings,
                edges=self._seen,
                pins=self._start.pins,
                progress=course.report,
            )
            self._seen = self._edges  # the refinement under way holds what it needs of a pyramid
        try:
            iterate = next(course.steps, None)
        except BaseException:
            course.steps = None  # a generator that has raised cannot go on
            raise
        course.index = last.index + 1
        return iterate

    def _found(self, stage: str, value: Result, clock: float) -> Found:
        seconds = time.perf_counter() - clock
        self._seconds[stage] = round(self._seconds.get(stage, 0.0) + seconds, 3)
        return Found(stage, value, seconds)
