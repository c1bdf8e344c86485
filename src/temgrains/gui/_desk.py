"""What the docks of one viewer share: a bench per image, and the runner.

Docks show the desk and call its methods; it turns what the user does into changes of a session, those into
layers, and jobs into results. It can outlive any dock, and any layer can vanish under it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from temgrains.errors import sentence
from temgrains.gui import _image, _keys
from temgrains.gui._bench import ROLES_OF, STEPS, Bench, after
from temgrains.gui._chores import reading_card
from temgrains.gui._files import Files
from temgrains.gui._job import ALL, STAGES, Job
from temgrains.gui._side_work import SideWork
from temgrains.gui._watch import Watch
from temgrains.gui._worker import Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image

    from temgrains.gui._session import Session
    from temgrains.gui._worker import Work
    from temgrains.records import PixelSize
    from temgrains.settings import Settings

DRAW_MS = 15
"""Time between two layers that are drawn, so that the window stays alive in between [ms]."""


class Desk(QObject):
    """Everything but the widgets; see the module."""

    changed = Signal()
    """Something that a dock shows has changed."""
    progressed = Signal(str, int, int)
    """Stage, done, total of the job at work."""
    left = Signal()
    """The last dock is closed."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.bench: Bench | None = None
        self.refusal = ""
        self.note = ""
        self.watch = Watch(viewer, self)
        self.runner = Runner(self)
        self.side_work = SideWork(self)
        self._benches: dict[str, Bench] = {}
        self._docks: set[int] = set()
        self._queued: Callable[[], Any] | None = None
        self._at_work: Bench | None = None
        self._drawing = QTimer(self)
        self._drawing.setInterval(DRAW_MS)
        self._connect()
        self.files = Files(self)

    def _connect(self) -> None:
        self._drawing.timeout.connect(self._draw_next)
        self.runner.started.connect(self.changed)
        self.runner.progressed.connect(self.progressed)
        self.runner.delivered.connect(self._on_delivered)
        self.runner.warned.connect(show_warning)
        self.runner.ended.connect(self._on_ended)
        self.side_work.changed.connect(self.changed)
        self.watch.listed.connect(self._on_listed)
        self.watch.removed.connect(self._on_removed)
        self.watch.lost.connect(self._on_lost)
        self.watch.replaced.connect(self._on_replaced)
        self.watch.moved.connect(self._lay)
        self.watch.slid.connect(self._on_slid)

    # What there is

    @property
    def session(self) -> Session | None:
        """The session of the chosen image."""
        return self.bench.session if self.bench is not None else None

    @property
    def busy(self) -> bool:
        """Whether a job is at work."""
        return self.runner.busy

    @property
    def running(self) -> bool:
        """Whether the job at work refines on and on, so that it can be paused."""
        return isinstance(work := self.runner.work, Job) and work.passes == ALL

    @property
    def settled(self) -> bool:
        """Whether nothing is at work, waiting or still to be drawn."""
        drawing = any(bench.due for bench in self._benches.values())
        return not (self.busy or self.side_work.busy or drawing or self._queued is not None)

    def bench_of(self, image: Image) -> Bench | None:
        """Give the bench of an image, None if it was never chosen."""
        return self._benches.get(image.unique_id)

    # What a dock may ask for: steps

    def do(self, step: str) -> None:
        """Do one of the `STEPS`, unless a job is at work: show what is known of it, begin what is missing."""
        self._go(*STEPS[step])

    def run_or_pause(self) -> None:
        """Run the refinement, or pause what is running after its next result."""
        if self.busy:
            self.runner.pause()
        else:
            self.do("run")

    def show_iterate(self, index: int) -> None:
        """Show one of the known iterates."""
        self._go("refine", lambda session: session.show(index))

    def cancel(self) -> None:
        """Stop what is at work, and what waits for it."""
        self._queued = None
        self.runner.cancel()

    def save(self, folder: Path) -> bool:
        """Write all files of the analysis into a folder; say whether it began."""
        return self.files.save(folder)

    def show_all(self) -> None:
        """Show all that is known of the chosen image, as after a run."""
        for stage in ROLES_OF:
            self._show(stage)

    # What a dock may ask for: choices

    def choose(self, image_id: str | None) -> None:
        """Choose an image by the id of its layer; a bench is set up for it, or the reason why not is kept."""
        before, left = self.watch.image, self.bench
        self.watch.choose(image_id)
        self.note = self.note if left is None or before is self.watch.image else left.leave()
        self._lay()

    def change(self, settings: Settings) -> None:
        """Take new settings, and do again what they make stale as far as it was seen."""
        bench, session = self.bench, self.session
        if bench is None or session is None:
            return
        seen: dict[str, tuple[bool, Callable[[], Job | None]]] = {
            "edges": (session.edges is not None, session.find_edges),
            "refine": (session.finished, session.run),
            "boundaries": (session.analysis is not None, session.find_grains),
        }
        stage = session.change(settings)
        if stage is None:
            return
        self.watch.quietly(bench.drop_layers, after(stage))
        if (
            stage in {"refine", "boundaries"} and session.iterates
        ):  # both change what the iterates' layer shows
            bench.redraw("refine")
            self._drawing.start()
        wanted, make = seen.get(stage, (False, session.find_edges))
        self._again(stage, make if wanted else None)
        self.changed.emit()

    def choose_model(self, model: str) -> None:
        """Take another model for the chosen image."""
        if self.bench is not None and self.bench.session.model != model:
            self.bench.session.choose_model(model)
            self.watch.quietly(self.bench.drop_layers, after("edges"))
            self._again("guess", None)
            self.changed.emit()

    def open_model(self, path: str) -> bool:
        """Check a model file and take it for the chosen image; say whether the check began."""

        def take(_card: object) -> None:
            self.side_work.add_models([path])
            self.choose_model(path)

        return self.side_work.start(reading_card(path, take))

    def calibrate(self, pixel_size: PixelSize | None, calibration: str) -> None:
        """Give the chosen image, and what lies on it, another pixel size [nm]."""
        image, session = self.watch.image, self.session
        if image is None or session is None:
            return
        self.watch.quietly(_image.calibrate_in_view, self.viewer, image, pixel_size, calibration)
        self._lay()

    def show_detectors(self, detectors: tuple[bool, bool, bool]) -> None:
        """Show only some detectors in the layer of the edges."""
        if self.bench is not None:
            self.bench.detectors = detectors
            self._show("edges")

    def show_changes(self, with_changes: bool) -> None:
        """Show or hide what appeared and vanished since the iterate before."""
        if self.bench is not None:
            self.bench.with_changes = with_changes
            self._show("refine")

    # Docks and keys

    def attach(self, dock: int) -> None:
        """Count a dock in; with the first one the keys work."""
        if not self._docks:
            _keys.bind(self.viewer, self)
            self.side_work.list_models()
        self._docks.add(dock)

    def detach(self, dock: int, *_ignored: object) -> None:
        """Count a dock out; with the last one the work stops and the keys are free again."""
        if self._docks == {dock}:
            self.runner.abandon()
            self.side_work.abandon()
            with contextlib.suppress(RuntimeError):  # at the end of napari the timer may go before the docks
                self._drawing.stop()
                _keys.unbind(self.viewer)
                self.left.emit()
        self._docks.discard(dock)

    # From napari

    def _on_listed(self) -> None:
        if self.bench is not None and self.watch.image is not None:
            self.bench.session.name = self.watch.image.name
        there = {layer.unique_id for layer in self.viewer.layers}
        self._benches = {key: bench for key, bench in self._benches.items() if key in there}

    def _on_removed(self, image: Image) -> None:
        bench = self._benches.pop(image.unique_id, None)
        if bench is not None and bench is self._at_work:
            self._at_work = None
            self.runner.abandon()
            self._tell(f"{image.name} was removed, so its run was stopped")
        self._lay()

    def _on_lost(self, name: str) -> None:
        if self._at_work is not None and not self.runner.stopping:
            self._tell(f"{name} was removed, so the work was stopped; what was found before stays")
            self.cancel()

    def _on_replaced(self) -> None:
        image = self.watch.image
        bench = self._benches.pop(image.unique_id, None) if image is not None else None
        if bench is not None and image is not None:
            self.note = f"{image.name} has new pixels: its analysis starts again"
            if bench is self._at_work:
                self.cancel()
            self.watch.quietly(bench.drop_layers, STAGES)
        self._lay()

    def _on_slid(self) -> None:
        bench = self.bench
        if bench is None or self.busy or bench.due or not bench.layers.has("refinement"):
            return
        axis = self.viewer.dims.ndim - 3
        if axis >= 0:
            bench.session.show(round(self.viewer.dims.point[axis]))
            self.changed.emit()

    # From the worker

    def _on_delivered(self, job: Job, results: list[Any]) -> None:
        bench = self._at_work
        if bench is None:
            return
        for found in results:
            if bench.session.accept(job, found) and found.stage != "micrograph":
                bench.show(found.stage)
        self._drawing.start()
        self.changed.emit()

    def _on_ended(self, job: Work, error: Exception | None, how: str) -> None:
        self._at_work = None
        queued, self._queued = self._queued, None
        if error is not None:
            self.note = f"{job.title} failed: {sentence(error)}"
            show_error(self.note)
        elif how == "cancelled" and queued is None and not self.note:
            self.note = f"{job.title} cancelled; what was found before stays"
        if queued is not None:
            queued()
        self.changed.emit()

    # Inside

    def _go(self, stage: str, ask: Callable[[Session], Job | None]) -> None:
        """Show what is known of a stage, and begin the job that the session makes, unless one is at work."""
        if self.bench is None or self.busy:
            return
        self.note = ""
        job = ask(self.bench.session)
        self._show(stage)
        if job is not None:
            self._at_work = self.bench
            self.runner.start(job)

    def _show(self, stage: str) -> None:
        if self.bench is not None and self.bench.show(stage):
            self._drawing.start()
        self.changed.emit()

    def _again(self, stage: str, make: Callable[[], Job | None] | None) -> None:
        """Run a job as soon as none is at work; one whose results are stale now is cancelled."""
        if not self.busy:
            if make is not None:
                self._go(stage, lambda _session: make())
        elif isinstance(work := self.runner.work, Job) and STAGES.index(work.stage) >= STAGES.index(stage):
            self._queued = None if make is None else lambda: self._go(stage, lambda _session: make())
            self.runner.cancel()

    def _lay(self) -> None:
        """Take over what the chosen image is now; where only its scale is new, sizes are measured again."""
        image, self.bench, self.refusal = self.watch.image, None, ""
        if image is not None:
            try:
                bench = self._benches.get(image.unique_id) or Bench(self.viewer, image)
                measured = bench.session.current
                self.watch.quietly(bench.lay, image)
                self.bench = self._benches[image.unique_id] = bench
                if bench.session.pixel_size is not None:
                    self.watch.show_scale_bar_once()
                if measured and not bench.session.current:
                    self._again("boundaries", bench.session.find_grains)
            except _image.Refused as refused:
                self.refusal = str(refused)
        self.changed.emit()

    def _draw_next(self) -> None:
        bench = next((bench for bench in self._benches.values() if bench.due), None)
        if bench is None:
            self._drawing.stop()
            return
        self.watch.quietly(bench.draw_next)
        if not bench.due:
            self.changed.emit()

    def _tell(self, note: str) -> None:
        self.note = note
        show_info(note)
