"""One image under analysis: where it lies, its session, its layers, and what is still to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temgrains.gui import _image
from temgrains.gui._job import STAGES
from temgrains.gui._layers import ResultLayers
from temgrains.gui._session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from temgrains.gui._job import Job
    from temgrains.records import Analysis

ROLES_OF = {
    "edges": ("edges",),
    "guess": ("guess",),
    "refine": ("refinement",),
    "boundaries": ("grains", "boundaries"),
}
"""The layers of each stage."""

STEPS: dict[str, tuple[str, Callable[[Session], Job | None]]] = {
    "edges": ("edges", Session.find_edges),
    "guess": ("guess", Session.initial_guess),
    "step": ("refine", Session.step),
    "run": ("refine", Session.run),
    "back": ("refine", Session.back),
    "reset": ("refine", Session.reset),
    "last": ("refine", Session.to_last),
    "grains": ("boundaries", Session.find_grains),
    "all": ("boundaries", Session.run_all),
    "again": ("boundaries", Session.refine_again),
    "show grains": ("boundaries", lambda _session: None),
}
"""What a dock can ask for: the stage it shows, and the session's method, which may give a job."""


class Bench:
    """An image, its session and its layers.

    Layers are drawn one at a time (`draw_next`), for a new one costs the window a quarter of a second.

    Raises
    ------
    Refused
        If the image cannot be analysed.
    """

    def __init__(self, viewer: ViewerModel, image: Image) -> None:
        self.grid = _image.grid_of(image)
        pixel_size, calibration = _image.scale_of(image)
        self.session = Session(
            image.name, _image.loader_of(image), pixel_size=pixel_size, calibration=calibration
        )
        self.layers = ResultLayers(viewer, image.unique_id)
        self.detectors = (True, True, True)
        self.with_changes = False
        self.saved: Analysis | None = None
        """What was written to files last."""
        self._due: list[str] = []
        self._front = ""

    @property
    def due(self) -> bool:
        """Whether something is still to be drawn."""
        return bool(self._due)

    def lay(self, image: Image) -> bool:
        """Take over where the image lies and how large its pixels are; say whether anything was new.

        Raises
        ------
        Refused
            If the image now lies so that it cannot be analysed.
        """
        grid = _image.grid_of(image)
        self.session.name = image.name
        self.session.calibrate(*_image.scale_of(image))
        self.layers.bring_back()
        moved, self.grid = grid != self.grid, grid
        if moved:
            self.layers.place(grid)
        return moved

    def leave(self) -> str:
        """Hide the layers, for another image is looked at; give the note for that one: none yet."""
        self.layers.set_aside()
        return ""

    def restart(self, image: Image) -> None:
        """Begin again, for the image shows something else now; settings and model stay."""
        self.session.replace_image(_image.loader_of(image))
        self.drop_layers(STAGES)

    def show(self, stage: str) -> bool:
        """Bring into view what is known of a stage; say whether anything is."""
        session = self.session
        known = {
            "edges": session.edges is not None,
            "guess": session.guess is not None,
            "refine": bool(session.iterates),
            "boundaries": session.analysis is not None,
        }
        if known[stage]:
            self.redraw(stage)
            self._front = stage
        return known[stage]

    def redraw(self, stage: str) -> None:
        """Draw a stage's layers again, whether they are in view or not."""
        self._due += [role for role in ROLES_OF[stage] if role not in self._due]

    def drop_layers(self, stages: tuple[str, ...]) -> None:
        """Remove the layers of results that are gone."""
        roles = tuple(role for stage in stages for role in ROLES_OF.get(stage, ()))
        self._due = [role for role in self._due if role not in roles]
        self.layers.drop(roles)

    def draw_next(self) -> None:
        """Draw one layer; after the last one the stage that comes into view hides the others."""
        if self._due:
            self._draw(self._due.pop(0))
        if not self._due and self._front:
            self.layers.bring_forward(self._front)
            self._front = ""

    def _draw(self, role: str) -> None:
        session, layers, grid = self.session, self.layers, self.grid
        if role == "edges":
            layers.show_edges(session, grid, self.detectors)
        elif role == "guess":
            layers.show_guess(session, grid)
        elif role == "refinement":
            layers.show_refinement(session, grid, with_changes=self.with_changes)
        elif role == "grains":
            layers.show_grains(session, grid)
        else:
            layers.show_boundaries(session, grid)


def after(stage: str) -> tuple[str, ...]:
    """Give the stages after one."""
    return STAGES[STAGES.index(stage) + 1 :]
