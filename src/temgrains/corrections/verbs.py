"""Clicks to operations: each verb looks at the network and gives the strokes that do what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from temgrains.corrections.graph import SegmentGraph, trace
from temgrains.corrections.paths import joined
from temgrains.corrections.redraw import keeps_grains, redraw, window_of
from temgrains.corrections.strokes import Operation, Stroke, corners_of, raster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from temgrains.records import LabelArray

    Point = tuple[float, float]

REACH_PX = 12.0
"""How far from a line a click may be [px]."""

JOIN_PX = 6.0
"""How far from a line an end of a drawn line may be to be joined with it [px]."""


class Impossible(ValueError):
    """What was asked cannot be done here; the sentence says why and what to do."""


def draw(
    labels: LabelArray, path: NDArray[np.intp] | Sequence[Point], *, join_px: float = JOIN_PX
) -> Operation:
    """Draw a boundary along a path; its ends are joined with lines that are near."""
    pixels = raster([(float(r), float(c)) for r, c in path], (labels.shape[0], labels.shape[1]))
    if not len(pixels):
        raise Impossible("the line lies outside of the image; draw it inside")
    return Operation("draw", (_adding(joined(pixels, labels, join_px)),))


def split(labels: LabelArray, start: Point, end: Point) -> Operation:
    """Split the grain between two points by the straight line through them, up to its boundary."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    grain = _grain_at(labels, middle)
    direction = np.subtract(end, start)
    if not direction.any():
        raise Impossible("both clicks are on one pixel; give two points across the grain")
    direction = direction / np.abs(direction).max()
    arms = [_until_out(labels, grain, np.array(middle), sign * direction) for sign in (-1, 1)]
    ends = [(float(arm[0]), float(arm[1])) for arm in arms]
    return Operation("split", (Stroke((ends[0], ends[1])),))


def erase(labels: LabelArray, point: Point, *, reach_px: float = REACH_PX) -> Operation:
    """Erase the segment under a click: its two grains merge."""
    graph, origin = _around(labels, point, reach_px)
    segment = graph.nearest((point[0] - origin[0], point[1] - origin[1]), reach_px)
    if segment is None:
        raise Impossible("no boundary is near that point; click on the segment that is to go")
    return Operation("erase", (_erasing(_path(graph, segment, origin)),))


def erase_along(labels: LabelArray, path: Sequence[Point]) -> Operation:
    """Erase every segment that a line crosses, in one operation: the grains on its way become one.

    A line that runs along a boundary, or through a junction, takes only what it comes out of on another side.
    """
    pixels = raster([(float(r), float(c)) for r, c in path], (labels.shape[0], labels.shape[1]))
    inside = pixels[labels[tuple(pixels.T)] > 0]
    passed = labels[tuple(inside.T)]
    changes = np.flatnonzero(passed[1:] != passed[:-1])
    if not changes.size:
        raise Impossible("that line crosses no boundary; drag across those that are to go")
    window = window_of(labels, pixels, np.unique(passed))
    graph, origin = trace(labels[window]), np.array([window[0].start, window[1].start])
    crossed: list[int] = []
    for k in changes:
        shared = (graph.grains == sorted((int(passed[k]), int(passed[k + 1])))).all(axis=1)
        middle = (inside[k] + inside[k + 1]) / 2 - origin
        segment = graph.nearest((float(middle[0]), float(middle[1])), REACH_PX, among=shared)
        if segment is not None and segment not in crossed:
            crossed.append(segment)
    if not crossed:
        raise Impossible("that line crosses no boundary; drag across those that are to go")
    return Operation("erase", tuple(_erasing(_path(graph, segment, origin)) for segment in crossed))


def merge(labels: LabelArray, first: Point, second: Point) -> Operation:
    """Merge the grains at two points, which must share a boundary."""
    one, other = _grain_at(labels, first), _grain_at(labels, second)
    if one == other:
        raise Impossible("both clicks are in one grain; click on two neighbours")
    graph, origin = _around(labels, first, REACH_PX, also=(one, other))
    shared = np.flatnonzero((graph.grains == sorted((one, other))).all(axis=1))
    if not shared.size:
        raise Impossible("these two grains share no boundary; click on two neighbours")
    return Operation("merge", tuple(_erasing(_path(graph, int(k), origin)) for k in shared))


def straighten(labels: LabelArray, point: Point, *, reach_px: float = REACH_PX) -> Operation:
    """Make the segment under a click straight between its ends."""
    graph, origin = _around(labels, point, reach_px)
    segment = graph.nearest((point[0] - origin[0], point[1] - origin[1]), reach_px)
    if segment is None:
        raise Impossible("no boundary is near that point; click on the segment that is to be straight")
    path = _path(graph, segment, origin)
    if np.abs(path[0] - path[-1]).max() <= 1 and len(path) > 3:
        raise Impossible("that boundary runs around a grain, so it has no ends; it cannot be straight")
    ends = tuple((float(path[k][0]), float(path[k][1])) for k in (0, -1))
    made = Operation("straighten", (_erasing(path), Stroke(ends)))
    return _checked(labels, made, "a straight line there would cross another boundary; draw it by hand")


def move(labels: LabelArray, at: Point, to: Point, *, reach_px: float = REACH_PX) -> Operation:
    """Move the junction at one point to another; the ends of its segments follow."""
    graph, origin = _around(labels, at, reach_px)
    node = graph.nearest_node((at[0] - origin[0], at[1] - origin[1]), reach_px)
    if node is None:
        raise Impossible("no junction is near that point; take hold of a place where boundaries meet")
    centre = graph.nodes[node] + origin
    far = float(np.hypot(*(np.asarray(to) - centre)))
    strokes = [_erasing(pixel[None] + origin) for pixel in graph.crossing[graph.at_node == node]]
    for segment in np.flatnonzero((graph.ends == node).any(axis=1)):
        path = _path(graph, int(segment), origin)
        if np.hypot(*(path[0] - centre)) > np.hypot(*(path[-1] - centre)):
            path = path[::-1]
        length = min(max(4, round(1.5 * far)), len(path) - 1)
        strokes.append(_erasing(path[:length]))
        strokes.append(
            Stroke(((float(path[length][0]), float(path[length][1])), (float(to[0]), float(to[1]))))
        )
    made = Operation("move", tuple(strokes))
    return _checked(labels, made, "a grain would be torn apart or lost; move the junction less far")


def accept(labels: LabelArray, point: Point, *, reach_px: float = REACH_PX) -> Operation:
    """Confirm the segment under a click: it counts as drawn by hand."""
    graph, origin = _around(labels, point, reach_px)
    segment = graph.nearest((point[0] - origin[0], point[1] - origin[1]), reach_px)
    if segment is None:
        raise Impossible("no boundary is near that point; click on the segment that is right")
    return Operation("accept", (_adding(_path(graph, segment, origin)),))


def at_time(operation: Operation, seconds: float) -> Operation:
    """Give the operation with the time at which it was done."""
    return replace(operation, seconds=seconds)


def _adding(path: NDArray[np.intp]) -> Stroke:
    return Stroke(corners_of(path))


def _erasing(path: NDArray[np.intp]) -> Stroke:
    return Stroke(corners_of(path), erase=True)


def _path(graph: SegmentGraph, segment: int, origin: NDArray[np.intp]) -> NDArray[np.intp]:
    path: NDArray[np.intp] = graph.path(segment) + origin
    return path


def _checked(labels: LabelArray, made: Operation, why_not: str) -> Operation:
    if not keeps_grains(redraw(labels, made)):
        raise Impossible(why_not)
    return made


def _grain_at(labels: LabelArray, point: Point) -> int:
    row, column = (round(x) for x in point)
    inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
    grain = int(labels[row, column]) if inside else 0
    if grain == 0:
        raise Impossible("that point lies in no grain; click inside a grain")
    return grain


def _until_out(
    labels: LabelArray, grain: int, start: NDArray[np.float64], step: NDArray[np.float64]
) -> Point:
    """Walk from a point in a grain until its last pixel in one direction, and one further."""
    here = start
    while True:
        row, column = (int(x) for x in np.floor(here + 0.5))
        if not (0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]):
            return tuple(here - step)
        if labels[row, column] != grain:
            return tuple(here)
        here = here + step


def _around(
    labels: LabelArray, point: Point, reach_px: float, *, also: tuple[int, ...] = ()
) -> tuple[SegmentGraph, NDArray[np.intp]]:
    """Trace the part of the network that holds all grains near a point; its first pixel comes with it."""
    shape = np.array(labels.shape)
    here = np.clip(np.rint(point).astype(np.intp), 0, shape - 1)
    reach = int(np.ceil(reach_px)) + 1
    low, high = np.maximum(here - reach, 0), np.minimum(here + reach + 1, shape)
    grains = np.unique(labels[low[0] : high[0], low[1] : high[1]])
    grains = np.union1d(grains[grains > 0], also).astype(np.int32)
    window = window_of(labels, here[None], grains)
    return trace(labels[window]), np.array([window[0].start, window[1].start])
