"""One analysis per image, step by step: what is asked for, what is found, what is stale. Knows no Qt.

Widgets show a session and call its methods; those that need work give a `Job` for a worker, whose results
come back through `accept`. A change of a setting drops its stage and the later ones, never an earlier one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from temgrains.files import allowed_stem
from temgrains.gui._job import ALL, STAGES, Course, Found, Job, Snapshot
from temgrains.micrograph import ENDINGS
from temgrains.records import Analysis, BoundaryMap, EdgeMaps, Iterate, Micrograph
from temgrains.settings import Settings, first_stale, settings_from_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from temgrains.records import Pins, PixelSize

REPLAY_S = 0.1
"""Time between iterates that are shown again instead of computed [s]."""


class Session:
    """The state of one image's analysis.

    ``cursor`` is the iterate that is shown, from 0 (the guess); boundaries and grains are made from it. Going
    back drops nothing, so that a wrong click costs nothing.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Micrograph],
        *,
        pixel_size: PixelSize | None = None,
        calibration: str = "unknown",
        model: str = "default",
    ) -> None:
        self.name = name
        self.settings = Settings()
        self.model = model
        self.pixel_size = pixel_size
        self.calibration = calibration
        self.micrograph: Micrograph | None = None
        self.edges: EdgeMaps | None = None
        self.guess: BoundaryMap | None = None
        self.iterates: list[Iterate] = []
        self.cursor = 0
        self.analysis: Analysis | None = None
        self.pins: Pins | None = None
        self._load = load
        self._course = Course()
        self._stamps = dict.fromkeys(STAGES, 0)
        self._made_at = -1
        self._only_scale = False
        self._seconds: dict[str, float] = {}

    # What there is

    @property
    def shown(self) -> Iterate | None:
        """The iterate under the cursor."""
        return self.iterates[self.cursor] if self.iterates else None

    @property
    def finished(self) -> bool:
        """Whether the refinement has come to its end (the cursor may be anywhere)."""
        return bool(self.iterates) and (
            self.iterates[-1].stopped is not None
            or self.iterates[-1].index >= self.settings.refine.max_iterations
        )

    @property
    def at_end(self) -> bool:
        """Whether there is no later iterate, neither known nor to be computed."""
        return self.finished and self.cursor == len(self.iterates) - 1

    @property
    def current(self) -> bool:
        """Whether boundaries and grains belong to the iterate that is shown and to the settings."""
        return (
            self.analysis is not None
            and self._made_at == self._stamps["boundaries"]
            and self.analysis.iterates[-1].index == self.cursor
        )

    @property
    def stem(self) -> str:
        """The name with which files are saved: the image's, without what file systems refuse."""
        path = Path(self.name)
        # A dot may also stand in a magnification, "film 1.5kx".
        name = path.stem if path.suffix.lower() in ENDINGS else path.name
        return allowed_stem(re.sub(r"[^\w.-]+", "_", name).strip("._") or "image")

    # What a view may ask for: jobs

    def find_edges(self) -> Job:
        """Make the job that ends with the edges."""
        return self._job("Edges", "edges")

    def initial_guess(self) -> Job:
        """Make the job that ends with Net1's guess."""
        return self._job("Initial guess", "guess")

    def step(self) -> Job | None:
        """Go one iterate forward; None when that one is known already or there is none."""
        if self.cursor < len(self.iterates) - 1:
            self.show(self.cursor + 1)
            return None
        return None if self.at_end else self._job("Step", "refine", passes=1)

    def run(self) -> Job | None:
        """Make the job that refines until the end, showing known iterates after the cursor on the way."""
        return None if self.at_end else self._job("Refinement", "refine", passes=ALL, pace_s=REPLAY_S)

    def find_grains(self) -> Job:
        """Make the job that draws closed boundaries from the shown iterate and measures the grains."""
        return self._job("Grains", "boundaries")

    def run_all(self) -> Job:
        """Make the job that does all that is missing, to the end of the refinement and the grains."""
        return self._job("Run all", "boundaries", passes=ALL)

    def refine_again(self) -> Job | None:
        """Make the job that refines from the shown iterate on, keeping to ``pins``, until the grains.

        Iterates after the shown one are dropped, for they were made without the pins.
        """
        if not self.iterates:
            return None
        shown = self.iterates[: self.cursor + 1]
        self.iterates = [*shown[:-1], replace(shown[-1], stopped=None)]
        self._course = Course()
        for stale in ("refine", "boundaries"):
            self._stamps[stale] += 1
        return self._job("Refinement with corrections", "boundaries", passes=ALL)

    # What a view may change

    def show(self, index: int) -> None:
        """Move the cursor to an iterate; outside of what is known it goes to the nearest."""
        index = min(max(index, 0), len(self.iterates) - 1)
        self.cursor = max(index, 0)

    def back(self) -> None:
        """Go one iterate back."""
        self.show(self.cursor - 1)

    def reset(self) -> None:
        """Go back to the guess; what was computed stays."""
        self.show(0)

    def to_last(self) -> None:
        """Go to the last iterate that is known."""
        self.show(len(self.iterates) - 1)

    def change(self, settings: Settings) -> str | None:
        """Take new settings, drop what they make stale, and name the first stage dropped."""
        old, self.settings = self.settings, settings
        scaled = old.guess.scale != settings.guess.scale
        stage = "edges" if scaled else first_stale(old, settings)  # edges are found at the working scale
        if stage is not None:
            self._drop(stage)
        return stage

    def choose_model(self, model: str) -> None:
        """Take another model; all later stages are dropped, and the edges if their scale suits the model."""
        if model != self.model:
            self.model = model
            self._drop("edges" if self.settings.guess.scale == 0 else "guess")

    def calibrate(self, pixel_size: PixelSize | None, calibration: str) -> None:
        """Take another scale: only the sizes are stale then."""
        if pixel_size == self.pixel_size:
            return
        self._only_scale = self.current or (self._only_scale and self.analysis is not None)
        self.pixel_size, self.calibration = pixel_size, calibration
        if self.micrograph is not None:
            self.micrograph = self._scaled(self.micrograph)
        self._stamps["boundaries"] += 1

    def replace_image(self, load: Callable[[], Micrograph]) -> None:
        """Start again with other pixels."""
        self._load = load
        self._drop("micrograph")

    def adopt(self, analysis: Analysis, *, models: Iterable[str] = ()) -> None:
        """Take over an analysis that was made before; of its model only the name is known."""
        self._drop("micrograph")
        self.settings = settings_from_dict(analysis.provenance["settings"])
        name = str(analysis.provenance["model"]["name"])
        self.model = name if name in models else self.model
        self.micrograph = analysis.micrograph
        self.pixel_size, self.calibration = self.micrograph.pixel_size, self.micrograph.calibration
        self.edges, self.guess = analysis.edges, analysis.guess
        self.iterates = list(analysis.iterates)
        self.cursor = len(self.iterates) - 1
        self.analysis = analysis
        self._made_at = self._stamps["boundaries"]

    def accept(self, job: Job, found: Found) -> bool:
        """Take a result of a job, unless the session has moved on since; say whether it was taken."""
        if job.stamps[found.stage] != self._stamps[found.stage]:
            return False
        self._seconds[found.stage] = self._seconds.get(found.stage, 0.0) + found.seconds
        self._store(found.value)
        return True

    # Inside

    def _store(self, value: object) -> None:
        if isinstance(value, Micrograph):
            self.micrograph = self._scaled(value)
        elif isinstance(value, EdgeMaps):
            self.edges = value
        elif isinstance(value, BoundaryMap):
            self.guess = value
            self.iterates, self.cursor = [Iterate(0, value.grey)], 0
        elif isinstance(value, Iterate):
            if value.index == len(self.iterates):
                self.iterates.append(value)
            self.cursor = value.index
        elif isinstance(value, Analysis):
            self.analysis = value
            self._made_at = self._stamps["boundaries"]
            self._only_scale = False

    def _job(self, title: str, stage: str, *, passes: int = 0, pace_s: float = 0.0) -> Job:
        start = Snapshot(
            load=partial(_loaded, self._load, self.pixel_size, self.calibration),
            settings=self.settings,
            model=self.model,
            course=self._course,
            micrograph=self.micrograph,
            edges=self.edges,
            guess=self.guess,
            iterates=tuple(self.iterates),
            cursor=self.cursor,
            analysis=self.analysis if self._rescales(passes) else None,
            pins=self.pins,
            seconds=dict(self._seconds),
        )
        return Job(title, stage, start, dict(self._stamps), passes, pace_s)

    def _rescales(self, passes: int) -> bool:
        """Whether a job that ends with the grains has only to measure them again."""
        stays = passes == 0 or self.at_end
        same = self.analysis is not None and self.analysis.iterates[-1].index == self.cursor
        return stays and same and (self._only_scale or self.current)

    def _scaled(self, micrograph: Micrograph) -> Micrograph:
        return replace(micrograph, pixel_size=self.pixel_size, calibration=self.calibration)

    def _drop(self, stage: str) -> None:
        stages = STAGES[STAGES.index(stage) :]
        for stale in stages:
            self._stamps[stale] += 1
            self._seconds.pop(stale, None)
        self._only_scale = False
        if "micrograph" in stages:
            self.micrograph = None
        if "edges" in stages:
            self.edges = None
        if "guess" in stages:
            self.guess, self.iterates, self.cursor = None, [], 0
            self.pins = None
        if "refine" in stages:
            self._course = Course()
            self.iterates, self.cursor = self.iterates[:1], 0
            self.analysis = None


def _loaded(load: Callable[[], Micrograph], pixel_size: PixelSize | None, calibration: str) -> Micrograph:
    return replace(load(), pixel_size=pixel_size, calibration=calibration)
