"""What an operation changes in a closed network: only the grains that it touches are labelled again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from temgrains._compiled import compiled
from temgrains.corrections.graph import sides_of, trace
from temgrains.corrections.strokes import raster
from temgrains.flooding import LINE, WAITING, touched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.corrections.strokes import Operation
    from temgrains.records import LabelArray, MaskArray

SPECK_PX = 4
"""Smaller pieces that a stroke cuts off are no grains: the line swallows them [px]."""

EXCLUDED = -3
"""Label of parts that show no specimen: no grain reaches in, and no stroke."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation changed, so that it can be taken back.

    ``where`` are flat indices into the labels, ``before`` and ``after`` their values, int32, all of shape
    (N,). ``born`` are grains that were not there before, ``gone`` those that are no more.
    """

    where: NDArray[np.int64] = field(repr=False)
    before: NDArray[np.int32] = field(repr=False)
    after: NDArray[np.int32] = field(repr=False)
    born: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return self.where.size == 0

    def reversed(self) -> Change:
        """Give the change that takes this one back."""
        return Change(self.where, self.after, self.before, self.gone, self.born)


def redraw(
    labels: LabelArray, operation: Operation, *, fresh: int | None = None, slack_px: float = 0.0
) -> Change:
    """Give what an operation changes in a closed network.

    Parameters
    ----------
    labels
        Grains, int32, shape (H, W), 0 on lines one pixel wide, `EXCLUDED` where no specimen is; numbers may
        have gaps.
    operation
        The strokes, which take effect together.
    fresh
        First number for new grains; None takes the one after the highest.
    slack_px
        How far beside a line an erasing stroke may run [px]: segments that lie mostly within it are erased as
        well. 0 erases the very pixels of the stroke, as on the network for which it was made.

    Notes
    -----
    An operation that only erases takes no pixel where three grains meet, so that it merges two and not three.
    The network stays closed and one pixel wide. A line that ends in a grain separates nothing and leaves no
    trace; where a stroke cuts off less than 4 px the line takes the shortest way around. Of a grain that is
    cut the largest part keeps the number; of grains that merge the largest gives its number.
    """
    erased, added = _pixels(labels, operation)
    if slack_px > 0:
        erased = _with_segments(labels, operation, erased, slack_px)
    erased = erased[labels[tuple(erased.T)] == 0]
    added = added[labels[tuple(added.T)] >= 0]
    if len(erased) and not len(added):
        erased = _without_crossings(labels, erased)
    touched = _touched(labels, erased, added)
    if touched.size == 0:
        return _nothing()
    window = window_of(labels, np.concatenate([erased, added]), touched)
    origin = np.array([window[0].start, window[1].start])
    before = labels[window]
    first = int(labels.max()) + 1 if fresh is None else fresh
    after = _relabelled(before, (erased - origin, added - origin), touched, first)
    _settle(after, before == 0, _open_sides(window, labels.shape))
    return _difference(labels.shape, window, before, after)


def apply_change(labels: LabelArray, change: Change) -> LabelArray:
    """Give the labels after a change; the ones before stay as they are."""
    new = labels.copy()
    new.reshape(-1)[change.where] = change.after
    return new


def keeps_grains(change: Change) -> bool:
    """Whether lines have moved without a grain being made or lost."""
    return not change.empty and not change.born and not change.gone


def _pixels(labels: LabelArray, operation: Operation) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the pixels that are erased and those that are added; what is added is not erased."""
    shape = (labels.shape[0], labels.shape[1])
    empty = np.zeros((0, 2), np.intp)
    parts: dict[bool, list[NDArray[np.intp]]] = {True: [empty], False: [empty]}
    for stroke in operation.strokes:
        parts[stroke.erase].append(raster(stroke.points, shape))
    erased, added = np.concatenate(parts[True]), np.concatenate(parts[False])
    if erased.size and added.size:
        flat = added @ [shape[1], 1]
        erased = erased[~np.isin(erased @ [shape[1], 1], flat)]
    return erased, added


def _with_segments(
    labels: LabelArray, operation: Operation, erased: NDArray[np.intp], slack_px: float
) -> NDArray[np.intp]:
    """Add the segments that lie mostly within the slack of an erasing stroke."""
    shape = (labels.shape[0], labels.shape[1])
    parts = [erased]
    for stroke in (s for s in operation.strokes if s.erase):
        path = raster(stroke.points, shape)
        if len(path):
            parts.append(_segments_near(labels, path, slack_px))
    return np.concatenate(parts)


def _without_crossings(labels: LabelArray, erased: NDArray[np.intp]) -> NDArray[np.intp]:
    near = _around(erased, labels.shape, 1)
    _, _, plain = sides_of(labels[near], erased - (near[0].start, near[1].start))
    return erased[plain]


def _segments_near(labels: LabelArray, path: NDArray[np.intp], slack_px: float) -> NDArray[np.intp]:
    reach = int(np.ceil(slack_px)) + 1
    near = _around(path, labels.shape, reach)
    numbers = np.unique(labels[near])
    window = window_of(labels, path, numbers[numbers > 0])
    origin = np.array([window[0].start, window[1].start])
    graph = trace(labels[window])
    away = np.ones(labels[window].shape, bool)
    away[tuple((path - origin).T)] = False
    close = ndimage.distance_transform_edt(away)[tuple(graph.pixels.T)] <= slack_px
    share = np.bincount(graph.owner, close, graph.count) / np.maximum(np.bincount(graph.owner), 1)
    found: NDArray[np.intp] = graph.pixels[(share >= 0.5)[graph.owner]] + origin
    return found


def _touched(labels: LabelArray, erased: NDArray[np.intp], added: NDArray[np.intp]) -> NDArray[np.int32]:
    """Give the grains that are cut or merged."""
    sides = [labels[tuple(added.T)]]
    for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = erased + step
        inside = ((beside >= 0) & (beside < labels.shape)).all(axis=1)
        sides.append(labels[tuple(beside[inside].T)])
    numbers = np.unique(np.concatenate(sides))
    grains: NDArray[np.int32] = numbers[numbers > 0]
    return grains


def _around(pixels: NDArray[np.intp], shape: tuple[int, ...], reach: int) -> tuple[slice, slice]:
    low = np.maximum(pixels.min(axis=0) - reach, 0)
    high = np.minimum(pixels.max(axis=0) + reach + 1, shape)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def window_of(labels: LabelArray, pixels: NDArray[np.intp], grains: NDArray[np.int32]) -> tuple[slice, slice]:
    """Give a window that holds the pixels and all of the grains, with a margin of two pixels."""
    height, width = labels.shape
    rows, columns = _around(pixels, labels.shape, 2)
    top, bottom, left, right = rows.start, rows.stop, columns.start, columns.stop
    # A grain is connected, so it lies inside as soon as it is not seen on the window's frame.
    step = 32
    while True:
        frame = {
            "top": top > 0 and np.isin(labels[top : top + 2, left:right], grains).any(),
            "bottom": bottom < height and np.isin(labels[bottom - 2 : bottom, left:right], grains).any(),
            "left": left > 0 and np.isin(labels[top:bottom, left : left + 2], grains).any(),
            "right": right < width and np.isin(labels[top:bottom, right - 2 : right], grains).any(),
        }
        if not any(frame.values()):
            return slice(top, bottom), slice(left, right)
        top, bottom = max(top - step * frame["top"], 0), min(bottom + step * frame["bottom"], height)
        left, right = max(left - step * frame["left"], 0), min(right + step * frame["right"], width)
        step *= 2


def _relabelled(
    before: LabelArray,
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    touched: NDArray[np.int32],
    fresh: int,
) -> LabelArray:
    """Label the parts of the touched grains; what belongs to none of them is 0."""
    erased, added = pixels
    region = np.isin(before, touched)
    region[tuple(erased.T)] = True
    region[tuple(added.T)] = False
    parts, count = ndimage.label(region)
    after = np.where(np.isin(before, touched), np.int32(0), before)
    after[tuple(added.T)] = 0
    numbers = _numbers(parts, before, count, fresh)
    after[region] = numbers[parts[region]]
    return after


def _numbers(parts: NDArray[np.integer], before: LabelArray, count: int, fresh: int) -> NDArray[np.int32]:
    """Give each part the number of the grain that it is most of, unless a larger part has it."""
    numbers = np.zeros(count + 1, np.int32)
    inside = (parts > 0) & (before > 0)
    whole = np.bincount(before[inside])
    pairs, areas = np.unique(
        parts[inside].astype(np.int64) << 32 | before[inside].astype(np.int64), return_counts=True
    )
    taken: set[int] = set()
    done: set[int] = set()
    for k in np.argsort(-areas, kind="stable"):
        part, grain = int(pairs[k] >> 32), int(pairs[k] & 0xFFFFFFFF)
        if part in done:
            continue
        done.add(part)
        if grain not in taken:
            taken.add(grain)
            numbers[part] = grain
        elif areas[k] >= min(SPECK_PX, whole[grain]):
            numbers[part] = fresh
            fresh += 1
    return numbers


def _open_sides(window: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
    """Tell which sides of a window lie inside the image, so that lines there cannot be judged."""
    rows, columns = window
    return rows.start > 0, rows.stop < shape[0], columns.start > 0, columns.stop < shape[1]


def _settle(labels: LabelArray, lines: MaskArray, open_sides: tuple[bool, ...]) -> None:
    """Let the grains take, in place, what separates nothing: new lines first, then the ``lines`` before."""
    top, bottom, left, right = open_sides
    padded = np.pad(labels, 1, constant_values=LINE)
    for cut, frame in (
        (top, np.s_[1, :]),
        (bottom, np.s_[-2, :]),
        (left, np.s_[:, 1]),
        (right, np.s_[:, -2]),
    ):
        if cut:
            padded[frame] = np.where(padded[frame] == 0, LINE, padded[frame])
    late = np.pad(lines, 1).ravel()
    _spread(padded.ravel(), late, np.empty(padded.size, np.int64), padded.shape[1])
    padded[padded == LINE] = 0
    labels[...] = padded[1:-1, 1:-1]


# A free pixel waits as soon as one of its sides touches a grain. When its turn comes it joins that grain, or
# is line if its sides touch two by then. Lines of a closed network touch two already, so they stay.
@compiled
def _spread(labels: LabelArray, late: MaskArray, waiting: NDArray[np.int64], stride: int) -> None:
    sides = np.array([-stride, -1, 1, stride])
    first = last = 0
    for turn in (False, True):
        for pixel in range(labels.size):
            if labels[pixel] == 0 and late[pixel] == turn and touched(labels, sides, pixel) != 0:
                labels[pixel] = WAITING
                waiting[last] = pixel
                last += 1
    while first < last:
        pixel = waiting[first]
        first += 1
        labels[pixel] = touched(labels, sides, pixel)
        if labels[pixel] == LINE:
            continue
        for side in sides:
            if labels[pixel + side] == 0:
                labels[pixel + side] = WAITING
                waiting[last] = pixel + side
                last += 1


def _difference(
    shape: tuple[int, ...], window: tuple[slice, slice], before: LabelArray, after: LabelArray
) -> Change:
    rows, columns = np.nonzero(before != after)
    old, new = before[rows, columns], after[rows, columns]
    known, left = np.unique(before), np.unique(after)
    return Change(
        where=(rows + window[0].start).astype(np.int64) * shape[1] + columns + window[1].start,
        before=old,
        after=new,
        born=tuple(int(n) for n in np.setdiff1d(left, known) if n > 0),
        gone=tuple(int(n) for n in np.setdiff1d(known, left) if n > 0),
    )


def _nothing() -> Change:
    none = np.zeros(0, np.int32)
    return Change(np.zeros(0, np.int64), none, none)
