"""Boundaries along the sides of pixels, from junction to junction, and polygons in their place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray

# From a corner of a pixel boundaries go up, right, down, left; bits of one number say which there are.
_STEPS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
# The pixels (row, column), seen from the corner, on both sides of each step.
_SIDES = np.array([[(-1, -1), (-1, 0)], [(-1, 0), (0, 0)], [(0, -1), (0, 0)], [(-1, -1), (0, -1)]])


@dataclass(frozen=True, slots=True)
class Traced:
    """Polygons in pixels from the image's upper left corner: those of segment k are offsets[k] to [k + 1].

    ``middles`` and ``middle_offsets`` are the same before straightening: all middles of pixels' sides.
    """

    points: NDArray[np.float64]
    offsets: NDArray[np.int64]
    middles: NDArray[np.float64]
    middle_offsets: NDArray[np.int64]
    grains: NDArray[np.int32]
    junctions: NDArray[np.float64]
    meeting: NDArray[np.int64]


def trace(cells: LabelArray, tolerance: float) -> Traced:
    """Follow all boundaries of a partition and straighten their stairs.

    Parameters
    ----------
    cells
        int32, shape (H, W); 0 is ground, which no boundary surrounds.
    tolerance
        How far a polygon may leave the middles of the sides of pixels [px].
    """
    padded = np.pad(cells, 1)
    ways = _ways(padded)
    nodes, junction = _nodes(padded, ways)
    points, offsets, grains = _chains(padded, ways, nodes)
    kept = _kept(points, offsets, tolerance)
    positions = np.concatenate([[0], np.cumsum(kept)])
    rows, columns = np.nonzero(junction)
    meeting = np.array([_BITS[way] for way in ways[rows, columns]], np.int64)
    return Traced(
        points=points[kept],
        offsets=positions[offsets],
        middles=points,
        middle_offsets=offsets,
        grains=grains,
        junctions=np.stack([rows, columns], axis=-1).astype(np.float64),
        meeting=meeting,
    )


_BITS = np.array([way.bit_count() for way in range(16)])


@compiled
def _ways(cells: LabelArray) -> NDArray[np.uint8]:
    """Give the boundaries that leave each corner of a pixel; cells have one pixel of padding."""
    height, width = cells.shape[0] - 1, cells.shape[1] - 1
    ways = np.zeros((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            for way in range(4):
                one, other = _beside(cells, row, column, way)
                if one != other and min(one, other) > 0:
                    ways[row, column] |= 1 << way
    return ways


@compiled
def _beside(cells: LabelArray, row: int, column: int, way: int) -> tuple[int, int]:
    """Give the grains on both sides of a step from a corner."""
    left, right = _SIDES[way, 0], _SIDES[way, 1]
    return (
        cells[row + 1 + left[0], column + 1 + left[1]],
        cells[row + 1 + right[0], column + 1 + right[1]],
    )


@compiled
def _nodes(cells: LabelArray, ways: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the corners where segments end, and those of them where three grains meet or more."""
    nodes, junctions = np.zeros(ways.shape, np.bool_), np.zeros(ways.shape, np.bool_)
    for row in range(ways.shape[0]):
        for column in range(ways.shape[1]):
            meeting = 0
            for way in range(4):
                meeting += (ways[row, column] >> way) & 1
            if meeting == 0:
                continue
            grains = _different(cells, row, column)
            nodes[row, column] = meeting != 2 or grains > 2
            junctions[row, column] = meeting > 2 and grains > 2
    return nodes, junctions


@compiled
def _different(cells: LabelArray, row: int, column: int) -> int:
    """Count the grains at the corner of a pixel."""
    one, two = cells[row, column], cells[row, column + 1]
    three, four = cells[row + 1, column], cells[row + 1, column + 1]
    found = int(one > 0)
    found += int(two > 0 and two != one)
    found += int(three > 0 and three not in (one, two))
    return found + int(four > 0 and four not in (one, two, three))


@compiled
def _chains(
    cells: LabelArray, ways: NDArray[np.uint8], nodes: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
    """Follow each boundary once: points are its ends and the middles of the pixels' sides between them."""
    sides = 0
    for leaving in ways.ravel():
        for bit in range(4):
            sides += int((leaving >> bit) & 1)
    points = np.empty((2 * sides + 2, 2))
    offsets = np.zeros(sides + 1, np.int64)
    grains = np.empty((sides, 2), np.int32)
    open_ways = ways.copy()
    found = 0
    # First what ends at nodes; what is left then are closed curves around single grains.
    for only_nodes in (True, False):
        for row in range(ways.shape[0]):
            for column in range(ways.shape[1]):
                if only_nodes and not nodes[row, column]:
                    continue
                for way in range(4):
                    if (open_ways[row, column] >> way) & 1:
                        one, other = _beside(cells, row, column, way)
                        grains[found, 0], grains[found, 1] = min(one, other), max(one, other)
                        end = _follow(open_ways, nodes, (row, column, way), points, offsets[found])
                        found += 1
                        offsets[found] = end
    return points[: offsets[found]], offsets[: found + 1], grains[:found]


@compiled
def _follow(
    ways: NDArray[np.uint8],
    nodes: NDArray[np.bool_],
    start: tuple[int, int, int],
    points: NDArray[np.float64],
    end: int,
) -> int:
    """Write one segment's points and close the ways it took; give the end of what is written."""
    row, column, way = start[0], start[1], start[2]
    points[end, 0], points[end, 1] = row, column
    end += 1
    while True:
        ways[row, column] &= ~(1 << way) & 15
        points[end, 0] = row + _STEPS[way, 0] / 2
        points[end, 1] = column + _STEPS[way, 1] / 2
        end += 1
        row, column = row + _STEPS[way, 0], column + _STEPS[way, 1]
        ways[row, column] &= ~(1 << ((way + 2) % 4)) & 15
        if nodes[row, column] or ways[row, column] == 0:
            break
        for following in range(4):
            if (ways[row, column] >> following) & 1:
                way = following
    points[end, 0], points[end, 1] = row, column
    return end + 1


@compiled
def _kept(points: NDArray[np.float64], offsets: NDArray[np.int64], tolerance: float) -> NDArray[np.bool_]:
    """Choose the points of polygons near enough to all others (Douglas and Peucker)."""
    kept = np.zeros(len(points), np.bool_)
    stack = np.empty((len(points) + 1, 2), np.int64)
    for chain in range(len(offsets) - 1):
        first, last = offsets[chain], offsets[chain + 1] - 1
        kept[first] = kept[last] = True
        stack[0, 0], stack[0, 1] = first, last
        waiting = 1
        while waiting > 0:
            waiting -= 1
            low, high = stack[waiting, 0], stack[waiting, 1]
            far, distance = _farthest(points, low, high)
            if distance > tolerance:
                kept[far] = True
                stack[waiting, 0], stack[waiting, 1] = low, far
                stack[waiting + 1, 0], stack[waiting + 1, 1] = far, high
                waiting += 2
    return kept


@compiled
def _farthest(points: NDArray[np.float64], low: int, high: int) -> tuple[int, float]:
    """Find the point between two that is farthest from the line that joins them."""
    rise, run = points[high, 0] - points[low, 0], points[high, 1] - points[low, 1]
    chord = math.hypot(rise, run)
    far, distance = low, -1.0
    for point in range(low + 1, high):
        up, over = points[point, 0] - points[low, 0], points[point, 1] - points[low, 1]
        away = abs(up * run - over * rise) / chord if chord > 0 else math.hypot(up, over)
        if away > distance:
            far, distance = point, away
    return far, distance


@compiled
def headings(
    points: NDArray[np.float64], offsets: NDArray[np.int64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give both ends of each segment, shape (2 S, 2), and the direction in which it leaves them [degrees].

    The direction is that to the point at the distance `reach` along the segment, or to its other end.
    """
    segments = len(offsets) - 1
    ends, angles = np.empty((2 * segments, 2)), np.empty(2 * segments)
    for segment in range(segments):
        for turned in range(2):
            first, last, step = offsets[segment], offsets[segment + 1] - 1, 1
            if turned:
                first, last, step = last, first, -1
            left, here = reach, first
            length = 0.0
            while here != last:
                length = math.hypot(
                    points[here + step, 0] - points[here, 0], points[here + step, 1] - points[here, 1]
                )
                if length >= left:
                    break
                left -= length
                here += step
            share = left / length if here != last else 0.0
            other = here + step if here != last else here
            row = points[here, 0] + share * (points[other, 0] - points[here, 0]) - points[first, 0]
            column = points[here, 1] + share * (points[other, 1] - points[here, 1]) - points[first, 1]
            index = 2 * segment + turned
            ends[index] = points[first]
            angles[index] = math.degrees(math.atan2(-row, column))
    return ends, angles
