"""Divide an image along its likeliest boundaries: many small basins, joined across the weakest lines first.

A line with a gap divides two grains all the same if most of it is seen. Whether it does is decided for each
segment, the whole line between two grains, by its support: the mean likelihood along it.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from temgrains.flooding import grow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, GreyArray, LabelArray, MaskArray

SUPPORT = 0.45
"""Mean likelihood above which a segment divides two grains: what is about as likely true as not is drawn."""

_SURE = 0.9
"""Support that is enough for a grain of any size."""

_SMOOTHING_PX = 1.5
_PULL = 0.02
"""Fall of the ground per pixel of distance from likely boundary: it parts basins at the neck of a gap."""
_PULL_REACH_PX = 40.0
_LIKELY = 0.3
_MINIMUM_PX = 5
"""A basin's deepest place is the deepest within a window of this side."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The lines between pairs of grains.

    ``first`` and ``second`` are the grains, first < second, shape (N,); ``pixels`` counts the line's pixels
    that touch both; ``support`` is the mean likelihood along them, 0..1.
    """

    first: NDArray[np.int64] = field(repr=False)
    second: NDArray[np.int64] = field(repr=False)
    pixels: NDArray[np.int64] = field(repr=False)
    support: NDArray[np.float64] = field(repr=False)


def divide(
    grey: ByteArray,
    *,
    support: float = SUPPORT,
    small_share: float = 0.0,
    min_grain_px: int = 20,
    outside: MaskArray | None = None,
) -> LabelArray:
    """Divide an image into grains along boundaries whose support is high enough.

    Parameters
    ----------
    grey
        Likelihood of a boundary, uint8, shape (H, W), 0..255.
    support
        Segments with less are no boundary (0..1).
    small_share
        Share of the mean area of its neighbours below which a grain is doubted: its weakest segment needs a
        support that rises towards 0.9 the smaller it is. At 0 size does not matter.
    min_grain_px
        Smaller grains are shared among their neighbours [px].
    outside
        Bool, shape (H, W): where there is no specimen; None for nowhere.

    Returns
    -------
    labels
        int32, shape (H, W): grains from 1 in reading order, 0 on lines and outside.
    """
    likelihood = grey.astype(np.float32) / np.float32(255)
    basins = _basins(likelihood, outside)
    found = segments(basins, likelihood)
    root = _join(int(basins.max(initial=0)), found, support)
    joined: LabelArray = root[basins]
    if small_share > 0:
        areas = np.bincount(joined.ravel(), minlength=len(root))
        joined = _join_small(areas, segments(joined, likelihood), support, small_share)[joined]
    sizes = np.bincount(joined.ravel(), minlength=len(root))
    large = sizes >= max(min_grain_px, 2)
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return grow(numbers[joined], grey, outside)


def segments(labels: LabelArray, likelihood: GreyArray) -> Segments:
    """Find the segments of one-pixel lines (label 0) and their support.

    Parameters
    ----------
    labels
        int32, shape (H, W): grains from 1, 0 on the lines.
    likelihood
        float32, shape (H, W), 0..1. The highest value within a pixel of the line counts: the line may run
        beside the ridge.
    """
    padded = np.pad(labels, 1)
    sides = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    high = sides.max(axis=0)
    low = np.where(sides > 0, sides, high).min(axis=0)
    between = (labels == 0) & (low < high)
    count = int(labels.max(initial=0)) + 1
    keys, which = np.unique(low[between].astype(np.int64) * count + high[between], return_inverse=True)
    values = ndi.maximum_filter(likelihood, 3, mode="nearest")[between]
    pixels = np.bincount(which, minlength=len(keys))
    totals = np.bincount(which, values, len(keys))
    return Segments(keys // count, keys % count, pixels, totals / np.maximum(pixels, 1))


def _basins(likelihood: GreyArray, outside: MaskArray | None) -> LabelArray:
    """Cut the image into more pieces than it has grains: one for each low of the ground."""
    smooth = ndi.gaussian_filter(likelihood, _SMOOTHING_PX, mode="nearest")
    far = ndi.distance_transform_edt(smooth < _LIKELY).astype(np.float32)
    ground = smooth - np.float32(_PULL) * np.minimum(ndi.gaussian_filter(far, 1.0), _PULL_REACH_PX)
    deepest = ground == ndi.minimum_filter(ground, _MINIMUM_PX, mode="nearest")
    if outside is not None:
        deepest &= ~outside
    seeds, _ = ndi.label(deepest, np.ones((3, 3)))
    low, high = float(ground.min()), float(ground.max())
    levels = np.rint((ground - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    return grow(seeds.astype(np.int32), levels, outside)


def _join(count: int, found: Segments, support: float) -> NDArray[np.int32]:
    """Join grains 1..count across segments below the support, the weakest first; give each one's root."""
    beside = _neighbours(count, found)
    heap = [(mean, i, j) for i, others in enumerate(beside) for j, (mean, _) in others.items() if i < j]
    heapq.heapify(heap)
    root = np.arange(count + 1, dtype=np.int32)
    while heap and heap[0][0] < support:
        mean, i, j = heapq.heappop(heap)
        if beside[i].get(j, (None,))[0] != mean:
            continue  # one of the two, or their line, has changed since
        if len(beside[i]) < len(beside[j]):
            i, j = j, i
        root[j] = i
        for k in _take_over(beside, i, j):
            heapq.heappush(heap, (beside[i][k][0], i, k))
    return _followed(root)


def _join_small(areas: NDArray[np.int64], found: Segments, support: float, share: float) -> NDArray[np.int32]:
    """Join grains that are small beside their neighbours and badly supported, the smallest first.

    The support that the weakest segment needs rises from the usual one towards `_SURE` as
    exp(-area / (share * mean area of the neighbours)): what is small in a film of grains that large is more
    often a detail within a grain, while among small grains it is one of them.
    """
    beside = _neighbours(len(areas) - 1, found)
    area = areas.tolist()
    root = np.arange(len(area), dtype=np.int32)
    heap = [(area[i], i) for i, others in enumerate(beside) if others]
    heapq.heapify(heap)
    while heap:
        size, i = heapq.heappop(heap)
        if size != area[i] or not beside[i]:
            continue  # it has grown or is part of another since
        around = sum(area[k] for k in beside[i]) / len(beside[i])
        needed = support + (_SURE - support) * math.exp(-size / max(share * around, 1))
        weakest = min(beside[i], key=lambda k: (beside[i][k][0], k))
        if beside[i][weakest][0] < needed:
            root[i] = weakest
            area[weakest] += size
            _take_over(beside, weakest, i)
            heapq.heappush(heap, (area[weakest], weakest))
    return _followed(root)


def _neighbours(count: int, found: Segments) -> list[dict[int, tuple[float, int]]]:
    """Give, for each of the grains 0..count, its neighbours with support and pixels of the line to them."""
    beside: list[dict[int, tuple[float, int]]] = [{} for _ in range(count + 1)]
    ends = zip(found.first.tolist(), found.second.tolist(), strict=True)
    lines = zip(found.support.tolist(), found.pixels.tolist(), strict=True)
    for (i, j), line in zip(ends, lines, strict=True):
        beside[i][j] = beside[j][i] = line
    return beside


def _take_over(beside: list[dict[int, tuple[float, int]]], i: int, j: int) -> list[int]:
    """Give grain i the neighbours of grain j, and name them; lines to a common neighbour become one."""
    del beside[i][j], beside[j][i]
    for k, (mean, pixels) in beside[j].items():
        del beside[k][j]
        other, more = beside[i].get(k, (0.0, 0))
        support = (mean * pixels + other * more) / (pixels + more)
        beside[i][k] = beside[k][i] = (support, pixels + more)
    taken = list(beside[j])
    beside[j] = {}
    return taken


def _followed(root: NDArray[np.int32]) -> NDArray[np.int32]:
    """Follow each grain to the one that it has become part of in the end."""
    for k in range(len(root)):
        while root[root[k]] != root[k]:
            root[k] = root[root[k]]
    return root
