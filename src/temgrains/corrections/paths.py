"""Lines that follow the image between two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.graph import MCP_Geometric

from temgrains.corrections.strokes import raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, EdgeMaps, GreyArray, LabelArray, MaskArray

FLOOR = 0.4
"""Evidence of a pixel that shows nothing: along the surest ridge a way may be 1 + 1 / FLOOR times as long.

What the networks missed shows little; a lower floor sends lines around it, along the next ridge."""

SPAN_PX = 120
"""How far from its start a line can follow the image [px]; beyond that it is straight."""


FIRST_SPAN_PX = 48
"""How far paths are found at once; further only when a point asks for it [px]."""

DETOUR_PX = 16
"""How far beyond the point that it leads to a path may go at least [px]."""

LINE_REACH_PX = 3
"""Distance from a line up to which the evidence is its own, and speaks for no other line [px]."""


def evidence_of(map_grey: ByteArray, edges: EdgeMaps | None = None) -> GreyArray:
    """Say how much speaks for boundary at each pixel: the networks' map first, the edges where it is silent.

    Parameters
    ----------
    map_grey
        How surely each pixel is boundary, uint8, shape (H, W).
    edges
        Edge maps of the same shape; None for none.

    Returns
    -------
    evidence
        float32, shape (H, W), in [0, 1].
    """
    evidence = map_grey.astype(np.float32) / 255
    if edges is not None:
        agreed = ndimage.uniform_filter(edges.maps.astype(np.float32).mean(axis=0) / 255, 3)
        evidence = np.maximum(evidence, np.float32(0.4) * agreed)
    smooth: GreyArray = ndimage.gaussian_filter(evidence, 1.0).astype(np.float32).clip(0, 1)
    return smooth


_SMOOTHED_PX = 4
"""How far `evidence_of` looks around a pixel [px]."""


class LazyEvidence:
    """The evidence of `evidence_of`, found for a window when asked for: all of a large image takes seconds.

    Parameters
    ----------
    maps_grey
        Maps whose mean says how surely each pixel is boundary, each uint8, shape (H, W).
    """

    def __init__(self, *maps_grey: ByteArray) -> None:
        self._maps = maps_grey
        self.shape = (maps_grey[0].shape[0], maps_grey[0].shape[1])

    def __getitem__(self, window: tuple[slice, slice]) -> GreyArray:
        """Give the evidence in a window, float32 in [0, 1]."""
        bounds = [part.indices(side)[:2] for part, side in zip(window, self.shape, strict=True)]
        wide = tuple(slice(max(low - _SMOOTHED_PX, 0), high + _SMOOTHED_PX) for low, high in bounds)
        inside = tuple(
            slice(low - part.start, high - part.start) for (low, high), part in zip(bounds, wide, strict=True)
        )
        total = sum(grey[wide].astype(np.uint16) for grey in self._maps)
        mean = np.asarray(total // len(self._maps), np.uint8)
        found: GreyArray = evidence_of(mean)[inside]
        return found


class Wire:
    """Least-cost paths from one start to all points around it, read off as a mouse moves.

    Parameters
    ----------
    evidence
        How much speaks for boundary, shape (H, W), in [0, 1].
    start
        Row and column of the start [px].
    labels
        Grains, int32, shape (H, W), 0 on lines: close to these nothing speaks for another; None for none.
    blocked
        Pixels to keep off, bool, shape (H, W), such as other grains; None for none.
    """

    def __init__(
        self,
        evidence: GreyArray | LazyEvidence,
        start: tuple[float, float],
        *,
        labels: LabelArray | None = None,
        blocked: MaskArray | None = None,
        span_px: int = SPAN_PX,
    ) -> None:
        self._shape = (evidence.shape[0], evidence.shape[1])
        self._evidence, self._labels, self._blocked = evidence, labels, blocked
        self._start = np.clip(np.rint(start).astype(int), 0, np.array(self._shape) - 1)
        self._most = span_px
        self._search_within(min(span_px, FIRST_SPAN_PX))

    @property
    def costs(self) -> NDArray[np.float64]:
        """The cost of the path to each pixel within the span, for images no larger than it."""
        if self._span < self._most:
            self._search_within(self._most)
        return self._costs

    def to(self, point: tuple[float, float]) -> NDArray[np.intp]:
        """Give the pixels of the path to a point, shape (N, 2), the start first."""
        end = np.clip(np.rint(point).astype(int), 0, np.array(self._shape) - 1)
        needed = int(np.abs(end - self._start).max()) + DETOUR_PX
        if needed > self._span < self._most:
            self._search_within(min(max(needed, 2 * self._span), self._most))
        inside = np.clip(end, self._low, self._high - 1)
        path = np.array(self._search.traceback(tuple(inside - self._low)), np.intp) + self._low
        if not np.array_equal(inside, end):
            straight = raster([tuple(inside), tuple(end)], self._shape)
            path = np.concatenate([path, straight[1:]])
        found: NDArray[np.intp] = path
        return found

    def _search_within(self, span_px: int) -> None:
        """Find the paths to all pixels this close; the time grows with the square of the span."""
        self._span = span_px
        self._low = np.maximum(self._start - span_px, 0)
        self._high = np.minimum(self._start + span_px + 1, self._shape)
        window = slice(self._low[0], self._high[0]), slice(self._low[1], self._high[1])
        cost = 1 / (FLOOR + self._evidence[window].astype(np.float64))
        if self._labels is not None:
            lines = self._labels[window] == 0
            near = ndimage.binary_dilation(lines, np.ones((3, 3), bool), LINE_REACH_PX)
            cost[near] = 1 / FLOOR
        if self._blocked is not None:
            cost[self._blocked[window]] = 10 / FLOOR
        self._search = MCP_Geometric(cost)
        self._costs: NDArray[np.float64]
        self._costs, _ = self._search.find_costs([tuple(self._start - self._low)])


def joined(path: NDArray[np.intp], labels: LabelArray, join_px: float) -> NDArray[np.intp]:
    """Extend both ends of a path to the nearest line, or to the image border, where one is within reach."""
    if not len(path):
        return path
    before = _reach(path[0], labels, join_px)[::-1]
    after = _reach(path[-1], labels, join_px)
    return np.concatenate([before[:-1], path, after[1:]])


def _reach(end: NDArray[np.intp], labels: LabelArray, join_px: float) -> NDArray[np.intp]:
    """Give the straight pixels from an end to the nearest line; the end alone if none is within reach."""
    reach = int(np.ceil(join_px))
    low, high = np.maximum(end - reach, 0), np.minimum(end + reach + 1, labels.shape)
    lines = np.argwhere(labels[low[0] : high[0], low[1] : high[1]] == 0) + low
    height, width = labels.shape
    border = np.array([(0, end[1]), (height - 1, end[1]), (end[0], 0), (end[0], width - 1)])
    targets = np.concatenate([lines, border])
    distance = np.hypot(*(targets - end).T)
    k = int(distance.argmin())
    if distance[k] > join_px:
        return end[None]
    return raster([tuple(end), tuple(targets[k])], (height, width))
