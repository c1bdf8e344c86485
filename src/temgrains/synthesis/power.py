"""Power diagrams (weighted Voronoi diagrams) of circles, and the boundaries between their cells, on pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from temgrains.records import LabelArray, MaskArray

GRID = 1024
"""Sites are rounded to 1 / GRID px: every sum and product of the kernels is then exact in float64."""
LIMIT_PX = 16384
"""Largest side, coordinate and radius [px] for which that holds."""
_BAND = 32


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
    sites, sizes = snap(centres, radii)
    _check_shape(shape)
    order = np.argsort(sites[:, 1], kind="stable")
    owner = np.empty(shape, np.int32)
    _fill_bands(sites[order, 0], sites[order, 1], sizes[order], order, owner)
    return owner


def snap(centres: ArrayLike, radii: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Round circles to the grid on which `power_diagram` is exact.

    Raises
    ------
    ValueError
        If there is no circle, or a number is not finite or too large.
    """
    sites = np.asarray(centres, np.float64)
    sizes = np.asarray(radii, np.float64)
    if sites.ndim != 2 or sites.shape[1:] != (2,) or sizes.shape != sites.shape[:1] or not len(sizes):
        raise ValueError(
            f"centres {sites.shape} and radii {sizes.shape} must be (N, 2) and (N,), with at least one circle"
        )
    if not (np.abs(sites) <= LIMIT_PX).all() or not ((sizes >= 0) & (sizes <= LIMIT_PX)).all():
        raise ValueError(f"centres and radii must be finite, at most {LIMIT_PX} px, and radii not negative")
    return np.rint(sites * GRID) / GRID, np.rint(sizes * GRID) / GRID


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
    sites, sizes = snap(centres, radii)
    mask = np.zeros(owner.shape, np.bool_)
    # One pixel more than half the thickness: the steps of the raster stray from the line by less than that.
    reach = math.ceil(thickness_px / 2) + 1
    _draw_interfaces(owner, sites[:, 0], sites[:, 1], sizes, thickness_px, reach, mask)
    return mask


def _check_shape(shape: tuple[int, int]) -> None:
    if len(shape) != 2 or not all(1 <= side <= LIMIT_PX for side in shape):
        raise ValueError(f"shape is {shape}; it must be two sides from 1 to {LIMIT_PX} px")


@compiled
def _fill_bands(
    cy: NDArray[np.float64],
    cx: NDArray[np.float64],
    radius: NDArray[np.float64],
    index: NDArray[np.int64],
    owner: LabelArray,
) -> None:
    """Fill the raster band by band, each with the circles that can own a pixel of it; cx ascends."""
    height, width = owner.shape
    count = len(cx)
    nearest = np.empty(count)
    chosen = np.empty(count, np.int64)
    constant = np.empty(count)
    stack = np.empty(count, np.int64)
    start = np.empty(count + 1, np.int64)
    guess = 4.0 * height * width / count
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        for i in range(count):
            gap = max(top - cy[i], cy[i] - (bottom - 1), 0.0)
            nearest[i] = gap * gap - radius[i] * radius[i]
        bound = guess
        while True:
            kept = 0
            for i in range(count):
                if nearest[i] <= bound:
                    chosen[kept] = i
                    kept += 1
            worst = np.inf
            if kept:
                worst = -np.inf
                for y in range(top, bottom):
                    power = _fill_row(y, chosen[:kept], cy, cx, radius, index, constant, stack, start, owner)
                    worst = max(worst, power)
            # A circle left out is everywhere in the band farther than `bound`: it loses if nobody is.
            if worst <= bound or kept == count:
                break
            bound = worst


@compiled
def _fill_row(y, chosen, cy, cx, radius, index, constant, stack, start, owner):  # type: ignore[no-untyped-def]
    """Fill one row with the lower envelope of its lines; give the largest power distance in it."""
    width = owner.shape[1]
    top = -1
    for i in chosen:
        dy = y - cy[i]
        constant[i] = cx[i] * cx[i] + dy * dy - radius[i] * radius[i]
        first = 0
        while top >= 0:
            first = _takes_over(stack[top], i, cx, constant, index, width)
            if first > start[top]:
                break
            top -= 1
            first = 0
        if first < width:
            top += 1
            stack[top] = i
            start[top] = first
    start[top + 1] = width
    worst = -np.inf
    for k in range(top + 1):
        i = stack[k]
        left, right = start[k], start[k + 1]
        label = index[i]
        for x in range(left, right):
            owner[y, x] = label
        # Along a run the power distance is convex: its ends hold the maximum.
        for x in (left, right - 1):
            worst = max(worst, x * x - 2.0 * cx[i] * x + constant[i])
    return worst


@compiled
def _takes_over(i, j, cx, constant, index, width):  # type: ignore[no-untyped-def]
    """Give the first column (0..width) at which circle j, right of circle i, beats it."""
    rise = constant[j] - constant[i]
    slope = 2.0 * (cx[j] - cx[i])
    wins_tie = index[j] < index[i]
    if slope == 0.0:
        return 0 if rise < 0.0 or (rise == 0.0 and wins_tie) else width
    if slope * width < rise:
        return width
    if rise < 0.0:
        return 0
    # The quotient is rounded, the product is exact: it settles which side of the crossing x is on.
    x = int(rise / slope)
    while x > 0 and slope * (x - 1) >= rise:
        x -= 1
    while slope * x < rise or (slope * x == rise and not wins_tie):
        x += 1
    return min(x, width)


@compiled
def _draw_interfaces(owner, cy, cx, radius, thickness, reach, mask):  # type: ignore[no-untyped-def]
    """Visit each step between two cells and draw its neighbourhood."""
    height, width = owner.shape
    for y in range(height):
        for x in range(width):
            here = owner[y, x]
            if x + 1 < width and owner[y, x + 1] != here:
                _draw_step(y, x, here, owner[y, x + 1], owner, cy, cx, radius, thickness, reach, mask)
            if y + 1 < height and owner[y + 1, x] != here:
                _draw_step(y, x, here, owner[y + 1, x], owner, cy, cx, radius, thickness, reach, mask)


@compiled
def _draw_step(y, x, i, j, owner, cy, cx, radius, thickness, reach, mask):  # type: ignore[no-untyped-def]
    """Draw the pixels of cells i and j around (y, x) that lie within half the thickness of their interface."""
    height, width = owner.shape
    dy, dx = cy[j] - cy[i], cx[j] - cx[i]
    # Power distances differ by twice the centres' distance times the distance to the interface.
    limit = thickness * math.sqrt(dy * dy + dx * dx)
    constant = cy[j] * cy[j] + cx[j] * cx[j] - radius[j] * radius[j]
    constant -= cy[i] * cy[i] + cx[i] * cx[i] - radius[i] * radius[i]
    for row in range(max(y - reach, 0), min(y + reach + 1, height)):
        for column in range(max(x - reach, 0), min(x + reach + 1, width)):
            label = owner[row, column]
            if label == i or label == j:
                if abs(constant - 2.0 * (row * dy + column * dx)) <= limit:
                    mask[row, column] = True
