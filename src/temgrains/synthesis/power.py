"""Power diagrams (weighted Voronoi diagrams) of circles, and the boundaries of their cells, on pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray

    from temgrains.records import LabelArray, MaskArray

    FloatArray: TypeAlias = NDArray[np.float64]
    IndexArray: TypeAlias = NDArray[np.int64]

LIMIT_PX = 16384
"""Largest side, coordinate and radius of a raster and its circles [px]."""
# Circles are rounded to 1/1024 px: up to the limit, all sums and products are then exact in float64.
_GRID = 1024
_BAND = 8


def power_diagram(centres: ArrayLike, radii: ArrayLike, shape: tuple[int, int]) -> LabelArray:
    """Find for each pixel the circle whose power distance is least.

    Parameters
    ----------
    centres
        Shape (N, 2), (row, column) of the circles' centres [px]; pixel (0, 0) has its centre at (0, 0).
    radii
        Shape (N,), the circles' radii [px].
    shape
        Height and width of the raster [px].

    Returns
    -------
    int32, shape (H, W): index 0..N-1 of the owning circle. Some circles may own no pixel.

    Raises
    ------
    ValueError
        If there is no circle, or a number is not finite or too large.

    Notes
    -----
    The power distance of pixel p to circle i is |p - c_i|² - r_i². Ties go to the lowest index. Centres and
    radii are rounded to 1/1024 px first, which makes the result exact and the same on all machines.

    On one image row the power distance less x² is linear in x, so that the row's owners are the lower
    envelope of N lines whose slopes are sorted once for the whole image.
    """
    sites = _snap(centres, radii)
    require_shape(shape)
    order = np.argsort(sites[:, 1], kind="stable")
    owner = np.empty(shape, np.int32)
    _fill_bands(sites[order], order, owner)
    return owner


def cell_boundaries(
    owner: LabelArray, centres: ArrayLike, radii: ArrayLike, *, thickness_px: float
) -> MaskArray:
    """Draw the interfaces between the cells of a power diagram with a given thickness.

    Parameters
    ----------
    owner
        What `power_diagram` gave for these circles: int32, shape (H, W), 0..N-1.
    centres, radii
        The circles, as for `power_diagram`.
    thickness_px
        Thickness of the drawn lines [px], at least 1.

    Returns
    -------
    bool, shape (H, W): pixels whose centre lies within half the thickness of an interface of their own cell.

    Raises
    ------
    ValueError
        If the thickness is below 1 px (thinner lines have holes) or not finite.

    Notes
    -----
    Interfaces are the exact straight lines of the diagram, not the steps of the raster. An interface counts
    where two cells touch in the raster: one that lies outside the image, or between pixels, draws nothing.
    Of two 4-connected pixels of different cells at least one is drawn, so that no cell leaks into another.
    """
    if not 1 <= thickness_px <= LIMIT_PX:
        raise ValueError(f"thickness_px is {thickness_px!r}; it must be from 1 to {LIMIT_PX} px")
    mask = np.zeros(owner.shape, np.bool_)
    _draw_interfaces(owner, _snap(centres, radii), float(thickness_px), mask)
    return mask


def renumber(owner: LabelArray, count: int) -> tuple[LabelArray, IndexArray]:
    """Give the cells that own pixels numbers from 1 without gaps.

    Parameters
    ----------
    owner
        What `power_diagram` gave: int32, shape (H, W), 0..count-1.
    count
        Number of circles.

    Returns
    -------
    labels
        int32, shape (H, W), 1..N in the order of the circles.
    pixels
        int64, shape (count,), the number of pixels each circle owns.
    """
    pixels, labels = np.zeros(count, np.int64), np.empty_like(owner)
    _renumber(owner, pixels, labels)
    return labels, pixels


def gap_share(owner: LabelArray, centres: ArrayLike, radii: ArrayLike) -> float:
    """Give the share of the raster that no circle covers; parameters as for `cell_boundaries`.

    A pixel that any circle covers has a negative power distance to that one, and so to its owner.
    """
    return _count_uncovered(owner, _snap(centres, radii)) / owner.size


def require_shape(shape: object) -> None:
    """Refuse what is not the height and width of a raster."""
    sides = shape if isinstance(shape, tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= LIMIT_PX for side in sides):
        raise ValueError(f"shape is {shape!r}; it must be two whole numbers from 1 to {LIMIT_PX} px")


def _snap(centres: ArrayLike, radii: ArrayLike) -> FloatArray:
    """Check circles, round them to the grid and give (row, column, radius²), shape (N, 3)."""
    places, sizes = np.asarray(centres, np.float64), np.asarray(radii, np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or sizes.shape != places.shape[:1] or not len(sizes):
        raise ValueError(
            f"centres {places.shape} and radii {sizes.shape} must be (N, 2) and (N,) with at least one circle"
        )
    if not (np.abs(places) <= LIMIT_PX).all() or not ((sizes >= 0) & (sizes <= LIMIT_PX)).all():
        raise ValueError(f"centres and radii must be finite, at most {LIMIT_PX} px, and radii not negative")
    snapped = np.rint(np.column_stack([places, sizes]) * _GRID) / _GRID
    snapped[:, 2] **= 2
    return snapped


@compiled
def _fill_bands(sites: FloatArray, index: IndexArray, owner: LabelArray) -> None:
    """Fill the raster band by band, each with the circles that can own a pixel of it.

    ``sites`` holds (row, column, radius²) by ascending column, ``index`` the circles' numbers.
    """
    height, width = owner.shape
    count = len(sites)
    lines, runs = np.empty((count, 2)), np.empty((count + 1, 2), np.int64)
    nearest = np.empty(count)
    margin = 0.25 * height * width / count
    worst = 0.0
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        for i in range(count):
            gap = max(top - sites[i, 0], sites[i, 0] - (bottom - 1), 0.0)
            nearest[i] = gap * gap - sites[i, 2]
        bound = max(worst + margin, nearest.min())
        while True:
            chosen = np.flatnonzero(nearest <= bound)
            near, numbers = sites[chosen], index[chosen]
            worst = -np.inf
            for y in range(top, bottom):
                worst = max(worst, _fill_row(y, near, numbers, lines, runs, owner))
            # A circle left out is farther than `bound` everywhere in the band: it loses if no winner is.
            if worst <= bound:
                break
            bound = worst


@compiled
def _fill_row(
    y: int, sites: FloatArray, index: IndexArray, lines: FloatArray, runs: IndexArray, owner: LabelArray
) -> float:
    """Fill one row with the lower envelope of its lines; give the largest power distance in it.

    The stack of the envelope is ``lines``, each falling by 2 lines[k, 0] per column from lines[k, 1], and
    ``runs``, the first column and the number of the circle. The products that compare lines are exact.
    """
    width = owner.shape[1]
    top = -1
    for i in range(len(sites)):
        dy, centre, number = y - sites[i, 0], sites[i, 1], index[i]
        value = centre * centre + dy * dy - sites[i, 2]
        first = 0
        while top >= 0:
            rise, slope = value - lines[top, 1], 2.0 * (centre - lines[top, 0])
            lead = slope * runs[top, 0] - rise
            if lead < 0.0 or (lead == 0.0 and number > runs[top, 1]):
                first = _crossing(rise, slope, number < runs[top, 1], width)
                break
            top -= 1
        if first < width:
            top += 1
            lines[top, 0], lines[top, 1] = centre, value
            runs[top, 0], runs[top, 1] = first, number
    runs[top + 1, 0] = width
    worst = -np.inf
    for k in range(top + 1):
        left, right, number = runs[k, 0], runs[k + 1, 0], runs[k, 1]
        for x in range(left, right):
            owner[y, x] = number
        # Along a run the power distance is convex: its ends hold the maximum.
        for x in (left, right - 1):
            worst = max(worst, x * x - 2.0 * lines[k, 0] * x + lines[k, 1])
    return worst


@compiled
def _crossing(rise: float, slope: float, wins_tie: bool, width: int) -> int:
    """Give the first column (up to the width) at which the later line is below, or level and wins ties."""
    last = slope * (width - 1) - rise
    if last < 0.0 or (last == 0.0 and not wins_tie):
        return width
    # The quotient is rounded; the products settle on which side of the crossing x is.
    x = int(rise / slope)
    while slope * (x - 1) >= rise:
        x -= 1
    while slope * x < rise or (slope * x == rise and not wins_tie):
        x += 1
    return x


@compiled
def _draw_interfaces(owner: LabelArray, sites: FloatArray, thickness: float, mask: MaskArray) -> None:
    """Visit each step of the raster between two cells and draw its surroundings."""
    height, width = owner.shape
    # The raster's steps stray from the line by less than a pixel.
    reach = int(thickness / 2) + 1
    for y in range(height):
        for x in range(width):
            here = owner[y, x]
            # Where a step goes straight on from the one before, only a row or a column of pixels is new.
            if x + 1 < width and here != owner[y, x + 1]:
                goes_on = y > 0 and here == owner[y - 1, x] and owner[y, x + 1] == owner[y - 1, x + 1]
                window = (y + reach if goes_on else y - reach, y + reach + 1, x - reach, x + reach + 2)
                _draw_step((here, owner[y, x + 1]), window, owner, sites, thickness, mask)
            if y + 1 < height and here != owner[y + 1, x]:
                goes_on = x > 0 and here == owner[y, x - 1] and owner[y + 1, x] == owner[y + 1, x - 1]
                window = (y - reach, y + reach + 2, x + reach if goes_on else x - reach, x + reach + 1)
                _draw_step((here, owner[y + 1, x]), window, owner, sites, thickness, mask)


@compiled
def _draw_step(
    pair: tuple[int, int],
    window: tuple[int, int, int, int],
    owner: LabelArray,
    sites: FloatArray,
    thickness: float,
    mask: MaskArray,
) -> None:
    """Draw the pixels of two cells in a window that lie within half the thickness of their interface."""
    (i, j), (top, bottom, left, right) = pair, window
    dy, dx = sites[j, 0] - sites[i, 0], sites[j, 1] - sites[i, 1]
    # Power distances to the two circles differ by 2 |c_j - c_i| times the distance to the interface.
    limit = thickness * math.sqrt(dy * dy + dx * dx)
    constant = sites[j, 0] ** 2 + sites[j, 1] ** 2 - sites[j, 2]
    constant -= sites[i, 0] ** 2 + sites[i, 1] ** 2 - sites[i, 2]
    for y in range(max(top, 0), min(bottom, owner.shape[0])):
        for x in range(max(left, 0), min(right, owner.shape[1])):
            label = owner[y, x]
            near = abs(constant - 2.0 * (y * dy + x * dx)) <= limit
            # Without branches, which the processor would mostly guess wrongly here.
            mask[y, x] |= near & ((label == i) | (label == j))


@compiled
def _count_uncovered(owner: LabelArray, sites: FloatArray) -> int:
    count = 0
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            i = owner[y, x]
            count += (y - sites[i, 0]) ** 2 + (x - sites[i, 1]) ** 2 > sites[i, 2]
    return count


@compiled
def _renumber(owner: LabelArray, pixels: IndexArray, labels: LabelArray) -> None:
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            pixels[owner[y, x]] += 1
    numbers = np.cumsum(pixels > 0)
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            labels[y, x] = numbers[owner[y, x]]
