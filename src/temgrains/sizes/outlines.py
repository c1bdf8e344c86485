"""Perimeter, caliper diameters and convex hull of each grain, from a partition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray, PixelSize

_NOWHERE = 2**40


def crossings(cells: LabelArray, count: int) -> NDArray[np.int64]:
    """Count how often grid lines cross each grain's outline, shape (N, 4).

    The lines are rows, columns, falling and rising diagonals. The image border closes the outline of a grain
    that it cuts.
    """
    found: NDArray[np.int64] = _crossings(np.pad(cells, 1), count)[1:]
    return found


def crofton_weights(pixel_size: PixelSize) -> NDArray[np.float64]:
    """Give the length that a crossing stands for along rows, columns, falling and rising diagonals.

    Notes
    -----
    A curve of length B is crossed 2 B / (pi h) times by parallel lines at distance h, averaged over their
    directions (Crofton). The grid's four directions stand for those nearest to them. On a curve of all
    directions the estimate is right; it is 5 % short for a square along the grid.
    """
    height, width = pixel_size
    diagonal = math.hypot(height, width)
    angle = math.atan2(height, width)
    oblique = math.pi / 4 * height * width / diagonal
    return np.array([angle * height, (math.pi / 2 - angle) * width, oblique, oblique]) / 2


@compiled
def _crossings(cells: LabelArray, count: int) -> NDArray[np.int64]:
    """Count for cells with one pixel of padding; row 0 is the ground."""
    found = np.zeros((count + 1, 4), np.int64)
    for row in range(cells.shape[0] - 1):
        for column in range(cells.shape[1] - 1):
            here, right = cells[row, column], cells[row, column + 1]
            below, beyond = cells[row + 1, column], cells[row + 1, column + 1]
            if here != right:
                found[here, 0] += 1
                found[right, 0] += 1
            if here != below:
                found[here, 1] += 1
                found[below, 1] += 1
            if here != beyond:
                found[here, 2] += 1
                found[beyond, 2] += 1
            if right != below:
                found[right, 3] += 1
                found[below, 3] += 1
    return found


class Hulls:
    """The convex hulls of all grains; their outlines pass through the middles of pixel sides.

    Half-rows, at the middle and at both ends of each pixel, hold each grain's leftmost and rightmost point;
    all numbers are half pixels.
    """

    def __init__(self, cells: LabelArray, count: int) -> None:
        top, bottom = _rows(cells, count)
        heights = np.maximum(2 * (bottom - top) + 3, 0)
        self._start = np.concatenate([[0], np.cumsum(heights)])
        self._left, self._right = _extremes(np.pad(cells, 1), top, self._start)
        self._square = _calipers(self._start, self._left, self._right, 0.5, 0.5)[1:]

    def calipers(self, pixel_size: PixelSize) -> NDArray[np.float64]:
        """Give largest and smallest caliper diameter and area of each hull, shape (N, 3); NaN if empty."""
        height, width = pixel_size
        if height == width:
            scaled: NDArray[np.float64] = self._square * (height, height, height**2)
            return scaled
        return _calipers(self._start, self._left, self._right, height / 2, width / 2)[1:]


@compiled
def _rows(cells: LabelArray, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last row of each grain; the last lies two above the first where there is none."""
    top = np.zeros(count + 1, np.int64)
    bottom = np.full(count + 1, -2, np.int64)
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            label = cells[row, column]
            if bottom[label] == -2:
                top[label] = row
            bottom[label] = row
    bottom[0], top[0] = -2, 0  # not a grain
    return top, bottom


@compiled
def _extremes(
    cells: LabelArray, top: NDArray[np.int64], start: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leftmost and rightmost point of each half-row of each grain; cells have one pixel of padding."""
    left = np.full(start[-1], _NOWHERE, np.int64)
    right = np.full(start[-1], -_NOWHERE, np.int64)
    for row in range(1, cells.shape[0] - 1):
        for column in range(1, cells.shape[1] - 1):
            label = cells[row, column]
            starts, ends = cells[row, column - 1] != label, cells[row, column + 1] != label
            if label == 0 or not (starts or ends):
                continue
            middle = start[label] + 2 * (row - 1 - top[label]) + 1
            place = 2 * (column - 1)
            for half_row, reach in ((middle - 1, 0), (middle, 1), (middle + 1, 0)):
                left[half_row] = min(left[half_row], place - reach)
                right[half_row] = max(right[half_row], place + reach)
    return left, right


@compiled
def _calipers(
    start: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    height: float,
    width: float,
) -> NDArray[np.float64]:
    found = np.full((len(start) - 1, 3), np.nan)
    for grain in range(1, len(start) - 1):
        rows = start[grain + 1] - start[grain]
        if rows == 0:
            continue
        corners = np.empty((2 * rows, 2))
        down = _hull_side(left[start[grain] : start[grain + 1]], -1, corners, 0)
        count = _hull_side(right[start[grain] : start[grain + 1]], 1, corners, down)
        # The left side runs down; turned round, the right one goes on from its end.
        corners[down:count] = corners[down:count][::-1].copy()
        corners[:count, 0] *= height
        corners[:count, 1] *= width
        largest, smallest, area = _diameters(corners[:count])
        found[grain, 0], found[grain, 1], found[grain, 2] = largest, smallest, area
    return found


@compiled
def _hull_side(side: NDArray[np.int64], sign: int, corners: NDArray[np.float64], first: int) -> int:
    """Write the convex part of one side of an outline, from the top down; give the end of what is written."""
    end = first
    for row in range(len(side)):
        column = side[row]
        if abs(column) == _NOWHERE:
            continue
        while end - first >= 2:
            up, over = row - corners[end - 1, 0], column - corners[end - 1, 1]
            before_up = corners[end - 1, 0] - corners[end - 2, 0]
            before_over = corners[end - 1, 1] - corners[end - 2, 1]
            if sign * (before_over * up - over * before_up) > 0:
                break
            end -= 1
        corners[end, 0], corners[end, 1] = row, column
        end += 1
    return end


@compiled
def _diameters(corners: NDArray[np.float64]) -> tuple[float, float, float]:
    """Largest distance of two corners, smallest distance of two parallel tangents, area."""
    count = len(corners)
    largest, smallest, twice_area = 0.0, np.inf, 0.0
    for one in range(count):
        other = (one + 1) % count
        rise = corners[other, 0] - corners[one, 0]
        run = corners[other, 1] - corners[one, 1]
        twice_area += corners[one, 0] * corners[other, 1] - corners[other, 0] * corners[one, 1]
        length = math.hypot(rise, run)
        width = 0.0
        for corner in range(count):
            up, over = corners[corner, 0] - corners[one, 0], corners[corner, 1] - corners[one, 1]
            largest = max(largest, math.hypot(up, over))
            if length > 0:
                width = max(width, abs(up * run - over * rise) / length)
        if length > 0:
            smallest = min(smallest, width)
    return largest, smallest, abs(twice_area) / 2
