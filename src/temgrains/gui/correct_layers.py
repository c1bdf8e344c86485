"""The layer of corrections by hand, and the live update of grains and boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap
from scipy import ndimage

from temgrains.corrections.history import DRAWN, ERASED
from temgrains.gui._image import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    from temgrains.corrections import Change, Operation
    from temgrains.corrections.history import History
    from temgrains.corrections.verbs import Point
    from temgrains.gui._bench import Bench
    from temgrains.gui._layers import ResultLayers

PREVIEW, CURRENT, PROPOSED = 3, 4, 5
"""Marks beside those of the history (1 drawn, 2 erased); proposals count up from `PROPOSED`."""

SEEN_PX = 40
"""A shorter segment is too small to be judged [px of the screen]."""

STRIPE_PX = 5
"""Length of a stripe where several proposals run together [px]."""

COLOURS = ["transparent", "#23d160", "#d64bff80", "#ffe14a", "#35e0ff", "#ffe14a", "#ff9f1c", "#ff5d8f"]
"""Nothing, drawn, erased (faint: it is no boundary any more), preview, current, and three proposals."""


class HandLayer:
    """The layer "corrections" of one image: what was done by hand, and what would be done now.

    It is made when a tool is taken up, found by its id, and made again if the user has deleted it. Nothing is
    stored in it: all of it can be drawn again from the history.
    """

    def __init__(self, viewer: Any, bench: Bench) -> None:
        self._viewer = viewer
        self._bench = bench
        self._id: str | None = None
        self._hand: NDArray[np.uint8] | None = None
        self._of: History | None = None
        self._shown = np.zeros(0, np.intp)

    @property
    def layer(self) -> Any:
        """The layer, None while it is not there."""
        return next((layer for layer in self._viewer.layers if layer.unique_id == self._id), None)

    def show(self, history: History) -> Any:
        """Bring the layer up to date, into view and to the front of the selection; give it."""
        layer = self.layer
        if layer is None or self._of is not history:
            marks = _wide(history.marks())
            self._hand, self._shown, self._of = marks.copy(), np.zeros(0, np.intp), history
            if layer is None:
                layer = self._make(marks)
            else:
                layer.data = marks
        layer.visible = True
        self._viewer.layers.selection.active = layer
        return layer

    def forget(self) -> None:
        """Take what is shown for out of date, for all of the history has changed."""
        self._of = None

    def paint(self, history: History, operation: Operation) -> None:
        """Draw what was done by hand again around an operation."""
        layer = self.layer
        if layer is None or self._hand is None:
            return
        self.preview([])
        window = _window_of(operation, layer.data.shape)
        marks = _wide(history.marks(window))
        self._hand[window] = marks
        rows, columns = np.nonzero(layer.data[window] != marks)
        if rows.size:
            places = rows + window[0].start, columns + window[1].start
            layer.data_setitem(places, marks[rows, columns])

    def preview(self, paths: Sequence[tuple[NDArray[np.intp], int]]) -> None:
        """Show paths, each with its mark, over what was done by hand, in place of those shown before."""
        layer = self.layer
        if layer is None or self._hand is None:
            return
        shape = self._hand.shape
        painted = [(_thick(path, shape), mark) for path, mark in paths]
        flat = np.concatenate([self._shown, *(places for places, _ in painted)])
        values = np.concatenate(
            [self._hand.reshape(-1)[self._shown], *(np.full(len(p), mark, np.uint8) for p, mark in painted)]
        )
        self._shown = np.concatenate([np.zeros(0, np.intp), *(places for places, _ in painted)])
        if flat.size:
            _, last = np.unique(
                flat[::-1], return_index=True
            )  # of several marks on a pixel the last one counts
            chosen = len(flat) - 1 - last
            layer.data_setitem(np.unravel_index(flat[chosen], shape), values[chosen])

    def _make(self, marks: NDArray[np.uint8]) -> Any:
        session, grid = self._bench.session, self._bench.grid
        layer = Labels(
            marks,
            name=f"{session.name} corrections",
            colormap=CyclicLabelColormap(colors=COLOURS),
            opacity=0.9,
            metadata={KEY: {"role": "corrections"}},
            **grid.place((marks.shape[0], marks.shape[1])),
        )
        self._viewer.layers.append(layer)
        layer.editable = False
        self._id = layer.unique_id
        return layer


class LiveGrains:
    """Keeps the layers of grains and boundaries in step with a history, pixel by pixel.

    ``numbers`` are those that the layer of grains shows, by the numbers of the history: without gaps when it
    was drawn. Grains born since get the next ones.
    """

    def __init__(self, layers: ResultLayers, numbers: NDArray[np.int64]) -> None:
        self._layers = layers
        self._numbers = numbers.copy()
        self._next = int(numbers.max(initial=0)) + 1

    def follow(self, change: Change, shape: tuple[int, ...]) -> None:
        """Take a change over into the layers."""
        if change.empty:
            return
        for number in change.born:
            self._name(number)
        places = np.unravel_index(change.where, shape)
        values = np.where(change.after > 0, self._numbers[np.maximum(change.after, 0)], 0)
        self._layers.patch("grains", places, values)
        self._layers.patch("boundaries", places, (change.after == 0).astype(np.int64))

    def tell_sizes(self, table: DataFrame, numbers: NDArray[np.int64]) -> None:
        """Tell the layer of grains new sizes; ``numbers`` are those of the table by those of the history."""
        self._layers.tell_sizes(table, self._numbers[np.flatnonzero(numbers)])

    def _name(self, number: int) -> None:
        if number >= len(self._numbers):
            self._numbers = np.pad(self._numbers, (0, number + 1 - len(self._numbers)))
        if self._numbers[number] == 0:
            self._numbers[number] = self._next
            self._next += 1


def _wide(marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Widen marks to three pixels, so that they are seen on a large image."""
    rows, columns = np.nonzero(marks)  # few: a filter would go through all of a large image
    if not rows.size:
        return marks.copy()
    corner = np.maximum([rows.min() - 1, columns.min() - 1], 0)
    window = slice(corner[0], rows.max() + 2), slice(corner[1], columns.max() + 2)
    wide = marks.copy()
    for mark in (ERASED, DRAWN):  # what is there lies above what is gone
        wide[window][ndimage.maximum_filter(marks[window] == mark, 3)] = mark
    return wide


def look_at(viewer: Any, image: Any, point: Point, length_px: int) -> None:
    """Bring a segment to the middle of the view, and closer where it would be too small to be judged."""
    camera = viewer.scene.camera
    camera.center = (*camera.center[:-2], *image.data_to_world(point)[-2:])
    size = length_px * float(image.scale[-1])
    if camera.zoom * size < SEEN_PX:
        camera.zoom = 2 * SEEN_PX / size


def striped(paths: Sequence[NDArray[np.intp]]) -> list[tuple[int, NDArray[np.intp]]]:
    """Give the pixels of each path; where several run together they take turns, so that each is seen."""
    over: dict[tuple[int, int], list[int]] = {}
    along: dict[tuple[int, int], int] = {}
    for k, path in enumerate(paths):
        for step, (row, column) in enumerate(path.tolist()):
            over.setdefault((row, column), []).append(k)
            along.setdefault((row, column), step)
    parts: list[list[tuple[int, int]]] = [[] for _ in paths]
    for place, those in over.items():
        parts[those[along[place] // STRIPE_PX % len(those)]].append(place)
    return [(k, np.array(part, np.intp).reshape(-1, 2)) for k, part in enumerate(parts)]


def _thick(path: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Give the flat indices of a path three pixels wide."""
    steps = np.array([(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)])
    near = (path[:, None] + steps).reshape(-1, 2)
    near = near[((near >= 0) & (near < shape)).all(axis=1)]
    flat: NDArray[np.intp] = near @ np.array([shape[1], 1])
    return flat


def _window_of(operation: Operation, shape: tuple[int, ...]) -> tuple[slice, slice]:
    corners = np.array([point for stroke in operation.strokes for point in stroke.points])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 3, 0, shape)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 4, 0, shape)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
