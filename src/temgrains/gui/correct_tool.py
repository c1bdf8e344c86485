"""Clicks and keys in the image, turned into corrections while one of the tools is taken up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from temgrains.corrections import verbs
from temgrains.corrections.history import ERASED
from temgrains.corrections.strokes import raster
from temgrains.corrections.verbs import Impossible
from temgrains.gui.correct_layers import CURRENT, PREVIEW, PROPOSED, HandLayer, striped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from temgrains.corrections import Operation
    from temgrains.corrections.paths import Wire
    from temgrains.corrections.verbs import Point
    from temgrains.gui.correct_state import Corrector


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its key, its name, and what to do with it."""

    key: str
    name: str
    clicks: int
    hint: str


TOOLS = {
    "draw": Tool(
        "D",
        "Draw",
        0,
        "Click along a missed boundary; the line follows the image. A click on a boundary, a double click "
        "or Enter ends it. Alt: straight. Shift and drag: freehand. Esc: forget it.",
    ),
    "erase": Tool(
        "X",
        "Erase",
        1,
        "Click on a false boundary: its two grains merge. Shift and drag across several: all of them go.",
    ),
    "split": Tool("S", "Split", 2, "Click twice inside a grain: it is cut along the line through both."),
    "merge": Tool("J", "Join", 2, "Click into one grain, then into its neighbour: they merge."),
    "move": Tool("M", "Move", 2, "Click on a junction, then where it belongs."),
    "straighten": Tool("L", "Straighten", 1, "Click on a boundary: it runs straight between its ends."),
    "close": Tool(
        "G", "Close gap", 1, "Click where a boundary is missing; 1, 2, 3 or Enter takes what is proposed."
    ),
}
"""What can be taken up, in the order of the buttons."""

BETWEEN = {"split": verbs.split, "merge": verbs.merge, "move": verbs.move}
"""What two clicks do."""

FREEHAND = {"draw": verbs.draw, "erase": verbs.erase_along}
"""What a drag with Shift does."""

CLICK_PX = 4
"""A press that moves the mouse less than this is a click; more pans the image [px of the screen]."""


class Hand(QObject):
    """One tool at a time, in one viewer, on one corrector.

    It listens to the viewer's mouse from `take` to `put_down`. What is clicked becomes an operation and is
    given out through ``asked``; what cannot be done is said through ``said``.
    """

    asked = Signal(object)
    """An operation that the user wants."""
    said = Signal(str)
    """Why something cannot be done, or what to do next."""
    taken = Signal(str)
    """The tool that is taken up now, "" for none."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.tool = ""
        self._image: Any = None
        self._corrector: Corrector | None = None
        self._layer: HandLayer | None = None
        self._points: list[Point] = []
        self._path = np.zeros((0, 2), np.intp)
        self._wire: Wire | None = None
        self._offered: tuple[Operation, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether clicks wait for more, or proposals for a choice."""
        return bool(self._points or self._offered or len(self._path))

    def take(self, tool: str, corrector: Corrector, image: Any, layer: HandLayer) -> None:
        """Take up a tool; the one before is put down."""
        self.cancel()
        if not self.tool:
            self._viewer.mouse_drag_callbacks.append(self._on_press)
            self._viewer.mouse_move_callbacks.append(self._on_move)
            self._viewer.mouse_double_click_callbacks.append(self._on_double_click)
        self.tool, self._corrector, self._image, self._layer = tool, corrector, image, layer
        self.taken.emit(tool)
        self.said.emit(TOOLS[tool].hint)

    def put_down(self) -> None:
        """Listen no more; what was begun is forgotten."""
        if not self.tool:
            return
        self.cancel()
        for callbacks, own in (
            (self._viewer.mouse_drag_callbacks, self._on_press),
            (self._viewer.mouse_move_callbacks, self._on_move),
            (self._viewer.mouse_double_click_callbacks, self._on_double_click),
        ):
            if own in callbacks:
                callbacks.remove(own)
        self.tool = ""
        self._corrector = self._image = self._layer = None
        self.taken.emit("")

    def cancel(self) -> None:
        """Forget the clicks so far."""
        begun = self.begun
        self._points, self._path, self._wire, self._offered = [], np.zeros((0, 2), np.intp), None, ()
        if begun:
            self._show([])

    def finish(self) -> None:
        """End the line that is being drawn, or take the first proposal."""
        if self._offered:
            self.choose(0)
        elif self.tool == "draw" and len(self._path) > 1:
            self._ask(lambda labels, path=self._path: verbs.draw(labels, path))

    def choose(self, k: int) -> None:
        """Take one of the proposals."""
        if k < len(self._offered):
            chosen = self._offered[k]
            self.cancel()
            self.asked.emit(chosen)

    # From the mouse

    def _on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        if event.button != 1 or not self._flat():
            return
        start, free = np.array(event.pos, float), "Shift" in event.modifiers and self.tool in FREEHAND
        drawn, moved = [self._place(event)], False
        yield
        while True:
            moved |= bool(np.hypot(*(np.array(event.pos, float) - start)) > CLICK_PX)
            if event.type != "mouse_move" or not self.tool:
                break
            if free:
                drawn.append(self._place(event))
                going = self._foreseen(drawn) if self.tool == "erase" else []
                self._show([*going, (self._raster(drawn), PREVIEW)])
            yield
        if not self.tool:  # put down while the button was held
            return
        if free:  # vispy drops moves that come within 10 ms; a quick drag may have none but its end
            drawn.append(self._place(event))
        if free and moved:
            verb = FREEHAND[self.tool]
            self._ask(lambda labels: verb(labels, drawn))
        elif not moved:
            self._click(drawn[0], straight="Alt" in event.modifiers)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        if not self._points or not self._flat():
            return
        here = self._place(event)
        if self.tool == "draw":
            self._show([(np.concatenate([self._path, self._piece(here, "Alt" in event.modifiers)]), PREVIEW)])
        else:
            way = [self._points[0], here]
            self._show(self._foreseen(way) or [(self._raster(way), PREVIEW)])

    def _on_double_click(self, _viewer: Any, _event: Any) -> None:
        self.finish()

    # Inside

    def _click(self, point: Point, *, straight: bool) -> None:
        if self.tool == "draw":
            self._draw_to(point, straight)
        elif self.tool == "close":
            self._offer(point)
        elif TOOLS[self.tool].clicks == 1:
            verb = verbs.erase if self.tool == "erase" else verbs.straighten
            reach = self._reach()
            self._ask(lambda labels: verb(labels, point, reach_px=reach))
        else:
            self._points.append(point)
            if len(self._points) == 2:
                first, second = self._points
                between = BETWEEN[self.tool]
                self._ask(lambda labels: between(labels, first, second))

    def _foreseen(self, way: list[Point]) -> list[tuple[NDArray[np.intp], int]]:
        """Give what the tool would draw and erase if its way ended here; nothing where it can do nothing."""
        if self._corrector is None:
            return []
        labels = self._corrector.history.labels
        try:
            made = BETWEEN[self.tool](labels, *way) if self._points else FREEHAND[self.tool](labels, way)
        except Impossible:
            return []
        strokes = sorted(made.strokes, key=lambda stroke: not stroke.erase)  # what is drawn lies above
        return [(self._raster(stroke.points), ERASED if stroke.erase else PREVIEW) for stroke in strokes]

    def _draw_to(self, point: Point, straight: bool) -> None:
        if self._corrector is None:
            return
        if not self._points:
            self._path = self._raster([point])
        else:
            self._path = np.concatenate([self._path, self._piece(point, straight)[1:]])
        self._points.append(point)
        if len(self._points) > 1 and self._on_line(point):
            self.finish()
            return
        self._wire = self._corrector.wire(point)
        self._show([(self._path, PREVIEW)])

    def _piece(self, point: Point, straight: bool) -> NDArray[np.intp]:
        """Give the pixels from the last click to a point."""
        if straight or self._wire is None:
            return self._raster([self._points[-1], point])
        return self._wire.to(point)

    def _offer(self, point: Point) -> None:
        self.cancel()
        if self._corrector is None:
            return
        try:
            self._offered = self._corrector.proposals(point)
        except Impossible as why:
            self.said.emit(str(why))
            return
        paths = [self._raster(offered.strokes[0].points) for offered in self._offered]
        self._show([(pixels, PROPOSED + k) for k, pixels in striped(paths)])
        colours = ", ".join(("1 yellow", "2 orange", "3 pink")[: len(paths)])
        self.said.emit(f"{len(paths)} proposed: {colours}, striped where together; Enter takes 1, Esc none.")

    def _ask(self, make: Any) -> None:
        """Make an operation of the clicks and give it out; say so if that cannot be."""
        corrector = self._corrector
        self.cancel()
        if corrector is None:
            return
        try:
            drawing = self.tool == "draw"
            made = make(corrector.history.sketch() if drawing else corrector.history.labels)
        except Impossible as why:
            self.said.emit(str(why))
            return
        self.asked.emit(made)

    def _show(self, paths: list[tuple[NDArray[np.intp], int]]) -> None:
        if self._layer is not None:
            self._layer.preview(paths)

    def show_current(self, path: NDArray[np.intp]) -> None:
        """Mark a segment that is to be judged."""
        self._show([(path, CURRENT)])

    def _flat(self) -> bool:
        if self._viewer.dims.ndisplay == 2:
            return True
        self.said.emit("Corrections are made in the flat view: press the 2D/3D button below the layers.")
        return False

    def _place(self, event: Any) -> Point:
        row, column = self._image.world_to_data(event.position)[-2:]
        return float(row), float(column)

    def _raster(self, points: Any) -> NDArray[np.intp]:
        shape = self._corrector.history.labels.shape if self._corrector is not None else (0, 0)
        return raster(points, (shape[0], shape[1]))

    def _on_line(self, point: Point) -> bool:
        """Whether a point is so close to a boundary, or to the image border, that a line may end there."""
        if self._corrector is None:
            return False
        labels = self._corrector.history.labels
        row, column = (round(x) for x in point)
        near = labels[max(row - 3, 0) : max(row + 4, 0), max(column - 3, 0) : max(column + 4, 0)]
        inside = 3 <= row < labels.shape[0] - 3 and 3 <= column < labels.shape[1] - 3
        return not inside or bool((near == 0).any())

    def _reach(self) -> float:
        """Give how far from a boundary a click may be: 12 px of the screen, and at least 4 of the image."""
        zoom = float(self._viewer.scene.camera.zoom) * float(self._image.scale[-1])
        return min(max(12 / max(zoom, 1e-9), 4.0), 40.0)
