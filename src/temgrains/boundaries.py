"""From the grey state to a closed network of lines one pixel wide."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains._compiled import compiled
from temgrains.records import Boundaries, Progress, silent
from temgrains.settings import BoundarySettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, LabelArray, MaskArray

_STEPS = 4
_WAITING = -1
_LINE = -2


def close(
    state: ByteArray,
    *,
    settings: BoundarySettings = BoundarySettings(),  # noqa: B008  (frozen)
    progress: Progress = silent,
) -> Boundaries:
    """Reduce a grey boundary map to closed lines, one pixel wide, between the grains that it shows.

    Parameters
    ----------
    state
        How surely each pixel is boundary, uint8, shape (H, W), 0 (grain) .. 255 (boundary).
    settings
        Threshold, radius of the closing, smallest grain.
    progress
        Called as ``progress("boundaries", step, 4)``.

    Returns
    -------
    Boundaries
        Lines and grains. ``pruned_px`` counts the pixels of the thinned map that have one and the same grain
        on all sides (loose ends, lone lines, dots); ``completed_px`` counts the pixels of the lines where the
        map is not above the threshold.

    Raises
    ------
    ValueError
        If the state is not a two-dimensional uint8 array that holds a pixel.

    Notes
    -----
    Two grains that a gap in the map connects, wider than the closing bridges, are one grain: nothing is
    invented. Regions below ``min_grain_px`` are no grains but part of the ground that their neighbours
    share, and so is a single pixel at any setting. Where the map shows no grain, or boundary everywhere,
    there is no line, and the whole image is one grain.

    A line pixel touches at least two grains with its four sides, or none where lines cross: no pixel can be
    taken from the lines without joining two grains. Of two equally good places for a line the one further
    down or to the right is taken.
    """
    _check(state)
    progress("boundaries", 0, _STEPS)
    level = settings.threshold * 255
    above = state > level
    closed = _close_gaps(above, settings.closing_radius_px)
    progress("boundaries", 1, _STEPS)
    seeds = _seeds(closed, max(settings.min_grain_px, 2))
    progress("boundaries", 2, _STEPS)
    # What closing added counts as just below the threshold: the line takes the middle of a bridged gap.
    labels = _grow(seeds, np.maximum(state, np.uint8(level)))
    mask = labels == 0
    progress("boundaries", 3, _STEPS)
    pruned = _loose_length(closed)
    progress("boundaries", 4, _STEPS)
    return Boundaries(
        mask=mask, labels=labels, pruned_px=pruned, completed_px=int(np.count_nonzero(mask & ~above))
    )


def _check(state: ByteArray) -> None:
    if state.dtype != np.uint8 or state.ndim != 2 or state.size == 0:
        raise ValueError(
            f"state is {state.dtype} of shape {state.shape}; it must be uint8 of shape (rows, columns), "
            "0 (grain) to 255 (boundary)"
        )


def _close_gaps(mask: MaskArray, radius: int) -> MaskArray:
    """Close with a disk; what lies outside the image neither adds nor removes (as MATLAB's imclose)."""
    return ~_dilate(~_dilate(mask, radius), radius)


def _dilate(mask: MaskArray, radius: int) -> MaskArray:
    # A disk is a stack of horizontal runs, the longer the nearer to its middle row.
    height, width = mask.shape
    grown = np.zeros_like(mask)
    run = mask.copy()
    reach = 0
    for dy in reversed(range(min(radius, height - 1) + 1)):
        while reach < min(isqrt(radius**2 - dy**2), width - 1):
            reach += 1
            run[:, reach:] |= mask[:, :-reach]
            run[:, :-reach] |= mask[:, reach:]
        grown[dy:] |= run[: height - dy]
        grown[: height - dy] |= run[dy:]
    return grown


def _seeds(closed: MaskArray, min_grain_px: int) -> LabelArray:
    """Label the 4-connected regions without boundary that are large enough for a grain, from 1."""
    regions, _ = ndimage.label(~closed)
    large = np.bincount(regions.ravel()) >= min_grain_px
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    seeds: LabelArray = numbers[regions]
    return seeds


def _grow(seeds: LabelArray, grey: ByteArray) -> LabelArray:
    """Let the seeds grow until only lines are left between them, numbered in reading order."""
    if not seeds.any():
        return np.ones_like(seeds)
    stride = seeds.shape[1] + 2
    labels = np.pad(seeds, 1, constant_values=_LINE)
    levels = np.pad(grey, 1)
    index = np.int32 if labels.size <= np.iinfo(np.int32).max else np.int64
    _flood(levels.ravel(), labels.ravel(), np.empty(labels.size, index), stride)
    return _number(labels, int(seeds.max()))


# Flooding by rising grey value (Meyer). From the moment a neighbour belongs to a grain a pixel waits, in one
# first-in-first-out queue per grey value. When its turn comes it joins that grain, unless its four sides
# touch two grains by then: it is line, and nothing spreads from it. So grains never touch, each is
# 4-connected to its seed, and pixels that only lines surround are never reached: they are line as well.
@compiled
def _flood(
    grey: NDArray[np.uint8], labels: LabelArray, following: NDArray[np.signedinteger], stride: int
) -> None:
    """Grow the labels (0 = free) in place; on return what is not positive is line. Arrays are flat."""
    sides = np.array([-stride, -1, 1, stride])
    first = np.full(256, -1, np.int64)
    last = np.full(256, -1, np.int64)
    for pixel in range(labels.size):
        if labels[pixel] == 0 and _touched(labels, sides, pixel) > 0:
            labels[pixel] = _WAITING
            _queue(first, last, following, grey[pixel], pixel)
    for level in range(256):
        while first[level] >= 0:
            pixel = first[level]
            first[level] = following[pixel]
            labels[pixel] = _touched(labels, sides, pixel)
            if labels[pixel] == _LINE:
                continue
            for side in sides:
                if labels[pixel + side] == 0:
                    labels[pixel + side] = _WAITING
                    _queue(first, last, following, max(level, grey[pixel + side]), pixel + side)


@compiled
def _touched(labels: LabelArray, sides: NDArray[np.int64], pixel: int) -> int:
    """Give the grain at the four sides of a pixel, 0 for none, the mark of a line for several."""
    grain = 0
    for side in sides:
        label = labels[pixel + side]
        if label > 0 and grain == 0:
            grain = label
        elif label > 0 and label != grain:
            return _LINE
    return grain


@compiled
def _queue(
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    following: NDArray[np.signedinteger],
    level: int,
    pixel: int,
) -> None:
    following[pixel] = -1
    if first[level] < 0:
        first[level] = pixel
    else:
        following[last[level]] = pixel
    last[level] = pixel


@compiled
def _number(padded: LabelArray, count: int) -> LabelArray:
    """Cut off the padding and number the grains in reading order; lines become 0."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    numbers = np.zeros(count + 1, np.int32)
    labels = np.zeros((height, width), np.int32)
    known = 0
    for row in range(height):
        for column in range(width):
            label = padded[row + 1, column + 1]
            if label > 0:
                if numbers[label] == 0:
                    known += 1
                    numbers[label] = known
                labels[row, column] = numbers[label]
    return labels


def _loose_length(closed: MaskArray) -> int:
    """Count the pixels of the thinned map that separate nothing: 3 x 3 pixels around show one region."""
    # Thinning draws lines back from the image border, so that they enclose nothing; a frame holds them.
    skeleton = skeletonize(np.pad(np.pad(closed, 1, constant_values=True), 1))
    regions, _ = ndimage.label(~skeleton)
    rows, columns = np.nonzero(skeleton[2:-2, 2:-2])
    around = np.stack([regions[rows + dy, columns + dx] for dy in (1, 2, 3) for dx in (1, 2, 3)])  # (9, N)
    high = around.max(axis=0)
    low = np.where(around > 0, around, high).min(axis=0)
    return int(np.count_nonzero(low == high))
