"""Proposals for a boundary that is missing: the cheapest lines through a point that divide its grain."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from temgrains.corrections.paths import Wire
from temgrains.corrections.redraw import SPECK_PX, redraw, window_of
from temgrains.corrections.strokes import Operation, Stroke, corners_of
from temgrains.corrections.verbs import Impossible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.corrections.paths import LazyEvidence
    from temgrains.records import GreyArray, LabelArray

MOST = 3
"""Number of proposals at most."""

_ARMS = 6
"""How many of the cheapest ways from the point to the boundary are combined."""


def propose(
    labels: LabelArray, evidence: GreyArray | LazyEvidence, point: tuple[float, float], *, most: int = MOST
) -> tuple[Operation, ...]:
    """Propose lines through a point, from boundary to boundary of its grain, the most likely first.

    Parameters
    ----------
    labels
        Grains, int32, shape (H, W), 0 on lines one pixel wide.
    evidence
        How much speaks for boundary (see `evidence_of`), of the same shape, in [0, 1].
    point
        Row and column of a place where a boundary is missing [px].
    most
        Number of proposals at most.

    Raises
    ------
    Impossible
        If the point lies in no grain, or no line through it divides the grain.

    Notes
    -----
    The cheapest ways from the point to each stretch of the grain's outline are found once; proposals are
    pairs of them, ordered by their mean cost per pixel, that divide the grain and differ in where they end.
    """
    row, column = (int(np.floor(x + 0.5)) for x in point)
    inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
    if not inside or labels[row, column] == 0:
        raise Impossible("that point lies in no grain; click where a boundary is missing")
    grain = np.array([labels[row, column]], np.int32)
    window = window_of(labels, np.array([[row, column]]), grain)
    origin = np.array([window[0].start, window[1].start])
    part = labels[window]
    arms = _arms(part, evidence[window], np.array([row, column]) - origin)
    found: list[Operation] = []
    for one, other in sorted(combinations(arms, 2), key=_cost_per_px):
        path = np.concatenate([one[1][::-1], other[1][1:]])
        made = Operation("close", (Stroke(corners_of(path + origin)),))
        if not any(_alike(made, before) for before in found) and _divides(part, path):
            found.append(made)
        if len(found) == most:
            break
    if not found:
        raise Impossible("no line through that point divides the grain; draw one with D")
    return tuple(found)


def _arms(
    labels: LabelArray, evidence: GreyArray, here: NDArray[np.intp]
) -> list[tuple[float, NDArray[np.intp]]]:
    """Give the cost and the path of the cheapest ways to different stretches of the grain's outline."""
    grain = labels == labels[tuple(here)]
    outline = ndimage.binary_dilation(grain, np.ones((3, 3), bool)) & ~grain
    height, width = labels.shape
    outline[[0, height - 1]] |= grain[[0, height - 1]]
    outline[:, [0, width - 1]] |= grain[:, [0, width - 1]]
    allowed = np.where(grain | outline, evidence, np.float32(0))
    wire = Wire(
        allowed,
        (float(here[0]), float(here[1])),
        labels=labels,
        blocked=~(grain | outline),
        span_px=max(height, width),
    )
    costs = np.where(outline, wire.costs, np.inf)
    size = np.sqrt(grain.sum())
    arms: list[tuple[float, NDArray[np.intp]]] = []
    rows, columns = np.indices(costs.shape)
    while len(arms) < _ARMS and np.isfinite(costs).any():
        end = np.unravel_index(int(costs.argmin()), costs.shape)
        arms.append((float(costs[end]), wire.to((float(end[0]), float(end[1])))))
        costs[np.hypot(rows - end[0], columns - end[1]) < max(0.35 * size, 4)] = np.inf
    return arms


def _cost_per_px(pair: tuple[tuple[float, NDArray[np.intp]], ...]) -> float:
    return sum(cost for cost, _ in pair) / sum(len(path) for _, path in pair)


def _divides(labels: LabelArray, path: NDArray[np.intp]) -> bool:
    change = redraw(labels, Operation("close", (Stroke(corners_of(path)),)))
    return len(change.born) == 1 and int((change.after == change.born[0]).sum()) >= SPECK_PX


def _alike(one: Operation, other: Operation) -> bool:
    """Whether two lines run mostly together."""
    first, second = (np.array(o.strokes[0].points) for o in (one, other))
    ends = [np.hypot(*(first[a] - second[b])) for a, b in ((0, 0), (-1, -1), (0, -1), (-1, 0))]
    return bool(min(max(ends[:2]), max(ends[2:])) < 6)
