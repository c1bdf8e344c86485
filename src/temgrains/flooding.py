"""Let grains grow from their seeds over a grey map until only lines are left between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, LabelArray, MaskArray

WAITING = -1
"""Mark of a pixel whose turn will come."""

LINE = -2
"""Mark of a pixel that separates grains."""


def grow(seeds: LabelArray, grey: ByteArray, outside: MaskArray | None = None) -> LabelArray:
    """Let the seeds grow, in the order of the grey, until only lines are left between them.

    Parameters
    ----------
    seeds
        Grain of each seed pixel, int32, shape (H, W), from 1; 0 elsewhere.
    grey
        How surely each pixel is boundary, uint8, shape (H, W).
    outside
        Bool, shape (H, W): where nothing grows; None for nowhere.

    Returns
    -------
    labels
        int32, shape (H, W): the grains, 4-connected each, numbered in reading order; 0 on lines and outside.
        Without a seed each region inside is one grain.
    """
    outside = np.zeros(seeds.shape, np.bool_) if outside is None else outside
    if not seeds.any():
        regions, _ = ndimage.label(~outside)
        return regions.astype(np.int32, copy=False)
    stride = seeds.shape[1] + 2
    labels = np.pad(np.where(outside, np.int32(LINE), seeds), 1, constant_values=LINE)
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
        if labels[pixel] == 0 and touched(labels, sides, pixel) > 0:
            labels[pixel] = WAITING
            _queue(first, last, following, grey[pixel], pixel)
    for level in range(256):
        while first[level] >= 0:
            pixel = first[level]
            first[level] = following[pixel]
            labels[pixel] = touched(labels, sides, pixel)
            if labels[pixel] == LINE:
                continue
            for side in sides:
                if labels[pixel + side] == 0:
                    labels[pixel + side] = WAITING
                    _queue(first, last, following, max(level, grey[pixel + side]), pixel + side)


@compiled
def touched(labels: LabelArray, sides: NDArray[np.int64], pixel: int) -> int:
    """Give the grain at the four sides of a pixel, 0 for none, the mark of a line for several."""
    grain = 0
    for side in sides:
        label = labels[pixel + side]
        if label > 0 and grain == 0:
            grain = label
        elif label > 0 and label != grain:
            return LINE
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
