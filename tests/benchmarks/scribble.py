"""The way of one drag across several boundaries, as a hand would scribble over the pieces of a grain."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.graph import route_through_array

_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Scribble:
    """The way of one drag across several segments, through their grains and no other boundary.

    From grain to grain it goes as through a maze, back across what it has crossed already where it must.
    """

    def __init__(self, graph: Any, labels: np.ndarray, segments: list[int]) -> None:
        self._labels = labels
        self._doors: dict[int, list[tuple[int, np.ndarray, int]]] = {}
        for segment in segments:
            one, other = (int(n) for n in graph.grains[segment])
            door = self._door(graph.path(segment), one, other)
            if door is not None:
                self._doors.setdefault(one, []).append((segment, door, other))
                self._doors.setdefault(other, []).append((segment, door, one))

    def path(self) -> list[np.ndarray] | None:
        """Give the points of the drag, None where there is no way."""
        if not self._doors:
            return None
        start = min(self._doors, key=lambda grain: len(self._doors[grain]))
        points: list[np.ndarray] = []
        here, grain = None, start
        for place, beyond in self._walk(start):
            turns_back = here is not None and np.array_equal(here, place)
            way = self._way(grain, here, None if turns_back else place)
            if way is None:
                return None
            points += [*way, *way[::-1]] if turns_back else way
            here, grain = place, beyond
        last = self._way(grain, here, None)
        return None if last is None else [np.array(p) for p in [*points, *last]]

    def _door(self, path: np.ndarray, one: int, other: int) -> np.ndarray | None:
        """Give the pixel nearest to the middle of a segment that touches both of its grains by a side."""
        for k in sorted(range(len(path)), key=lambda k: abs(k - len(path) // 2)):
            row, column = path[k]
            if 0 < row < self._labels.shape[0] - 1 and 0 < column < self._labels.shape[1] - 1:
                sides = {int(self._labels[row + d, column + r]) for d, r in _SIDES}
                if {one, other} <= sides:
                    return path[k]
        return None

    def _walk(self, start: int) -> list[tuple[np.ndarray, int]]:
        """Give the doors in the order in which they are passed, each with the grain behind it."""
        walk: list[tuple[np.ndarray, int]] = []
        crossed: set[int] = set()
        news = [0]

        def visit(grain: int) -> None:
            for segment, door, beyond in self._doors[grain]:
                if segment not in crossed:
                    crossed.add(segment)
                    walk.append((door, beyond))
                    news.append(len(walk))
                    visit(beyond)
                    walk.append((door, grain))

        visit(start)
        return walk[: news[-1]]

    def _way(self, grain: int, start: Any, end: Any) -> list[np.ndarray] | None:
        """Give points from door to door in a grain; without a door, from or to a place well inside."""
        rows, columns = np.nonzero(self._labels == grain)
        corner = np.array([rows.min(), columns.min()]) - 1
        inside = np.zeros((np.ptp(rows) + 3, np.ptp(columns) + 3), bool)
        inside[rows - corner[0], columns - corner[1]] = True
        depth = ndimage.distance_transform_edt(inside)
        known = start if start is not None else end
        if start is None or end is None:
            near = np.hypot(rows - known[0], columns - known[1])
            deep = np.minimum(depth[rows - corner[0], columns - corner[1]], 5)
            k = int((near - 4 * deep).argmin())
            other = np.array([rows[k], columns[k]])
            start, end = (other, end) if start is None else (start, other)
        cost = np.where(inside, 1 + 8 / np.maximum(depth, 1) ** 2, -1)
        for place in (start, end):
            cost[tuple(place - corner)] = 1
        try:
            way, _ = route_through_array(
                cost, tuple(start - corner), tuple(end - corner), fully_connected=False
            )
        except ValueError:
            return None
        points = np.array(way) + corner
        return [points[0], *points[2:-2:3], points[-1]]
