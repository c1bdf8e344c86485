"""Shapes that may be scale bars, in a mask of what is as black or as white as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from temgrains.records import MaskArray

    Columns = NDArray[np.intp]
    Shares = NDArray[np.float64]

FULL = 0.97
"""Share of a bar's pixels that are as black or white as it, where JPEG smoothed it."""
LENGTH_MIN = 20
_SHARE_MAX = 0.9
"""Longest bar, as a share of the image's width; what is longer is a data bar or a frame."""
_ASPECT_MIN = 4

# On ground that is black or white in part, a shape must be larger and its outline plain.
_LENGTH_MIN_ON_LIKE = 30
_HEIGHT_MIN_ON_LIKE = 2
_BESIDE_MAX = 0.6
"""Share of the pixels just above and below a bar that may be like it, and of those at each of its ends."""
_END_MIN = 0.5
"""Share of its rows that must end just where the bar does."""
_CORNER_PX, _CORNER_MIN = 3, 0.8
"""So much of the last columns of a bar must belong to it."""
_WIDTH_MAX, _HEIGHT_MIN = 1.1, 0.5
"""A letter is at most so wide and at least so high, in lengths of its horizontal stroke."""

Shape = tuple[slice, slice]


def apart(drawn: MaskArray) -> Iterator[Shape]:
    """Give the boxes of bars that nothing like them touches; with ticks, between the ends of the ticks.

    Parameters
    ----------
    drawn
        What is as black, or as white, as a bar: bool, shape (H, W).
    """
    labels, _ = ndimage.label(drawn)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        height, length = (side.stop - side.start for side in box)
        if not LENGTH_MIN <= length <= _SHARE_MAX * drawn.shape[1] or length < _ASPECT_MIN * height:
            continue
        # No program draws a bar at the border; dark rows of a camera lie there.
        if any(side.start == 0 or side.stop == full for side, full in zip(box, drawn.shape, strict=True)):
            continue
        shape = labels[box] == number
        full = shape.mean(axis=1) >= FULL
        if np.count_nonzero(np.diff(full.astype(np.int8), prepend=0) == 1) != 1:
            continue
        # Ticks stand on the ends; anything else that sticks out makes it no bar.
        inner = shape[~full, length // 10 : length - length // 10]
        if not inner.any() and shape[full].mean() >= FULL:
            yield box[0], box[1]


def on_like_ground(drawn: MaskArray, *, full: float) -> Iterator[Shape]:
    """Give the boxes of bars that stand on ground as black or white as they are in part, as saturated grains.

    Parameters
    ----------
    drawn
        What is as black, or as white, as a bar: bool, shape (H, W).
    full
        Share of a row that must be drawn between the bar's ends.

    Notes
    -----
    Each run of pixels in a row that is long enough says where a bar may begin and end. Rows above and below
    belong to it while they are drawn between these columns. It is a bar if just above and below fewer pixels
    are drawn, and enough of its rows end in the same two columns. Where the ground around an end is drawn
    all over, nobody can tell where the bar ends, and it is not given.
    """
    runs = _Runs.of(drawn)
    if not runs.rows.size:
        return
    top, bottom = runs.grown(full)
    height, length = bottom - top, runs.stops - runs.starts
    plausible = (height >= _HEIGHT_MIN_ON_LIKE) & (length >= _ASPECT_MIN * height)
    plausible &= (top > 0) & (bottom < len(drawn))
    plausible &= (runs.share(top - 1) <= _BESIDE_MAX) & (runs.share(bottom) <= _BESIDE_MAX)
    shapes = [
        (slice(int(top[k]), int(bottom[k])), slice(int(runs.starts[k]), int(runs.stops[k])))
        for k in np.flatnonzero(plausible)
    ]
    seen = [shape for shape in shapes if _ends(drawn, *shape)]
    if seen:
        labels, _ = ndimage.label(drawn)
        boxes = ndimage.find_objects(labels)
        yield from (
            (rows, columns)
            for rows, columns in seen
            if not _is_stroke(columns, boxes[labels[rows, columns.start].max() - 1])
        )


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of drawn pixels in rows that may be rows of a bar; ``sums`` counts drawn pixels along each row."""

    rows: Columns
    starts: Columns
    stops: Columns
    sums: NDArray[np.int32]

    @classmethod
    def of(cls, drawn: MaskArray) -> _Runs:
        width = drawn.shape[1]
        steps = np.diff(np.pad(drawn, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        rows, starts = np.nonzero(steps == 1)
        stops = np.nonzero(steps == -1)[1]
        length = stops - starts
        kept = (length >= _LENGTH_MIN_ON_LIKE) & (length <= _SHARE_MAX * width)
        kept &= (starts > 0) & (stops < width)
        sums = np.pad(np.cumsum(drawn, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
        return cls(rows[kept], starts[kept], stops[kept], sums)

    def share(self, rows: Columns) -> Shares:
        """Give which share between the ends of each run is drawn in another row, 0 outside the image."""
        inside = (rows >= 0) & (rows < len(self.sums))
        there = np.where(inside, rows, 0)
        drawn = self.sums[there, self.stops] - self.sums[there, self.starts]
        shares: Shares = np.where(inside, drawn / (self.stops - self.starts), 0.0)
        return shares

    def grown(self, full: float) -> tuple[Columns, Columns]:
        """Give the first row of what is drawn between the ends of each run, and the one after the last."""
        highest = (self.stops - self.starts) // _ASPECT_MIN
        top, bottom = self.rows.copy(), self.rows + 1
        for grown, beyond, step in ((top, -1, -1), (bottom, 0, 1)):
            going = np.ones(len(grown), np.bool_)
            while going.any():
                going &= (self.share(grown + beyond) >= full) & (bottom - top <= highest)
                grown[going] += step
        return top, bottom


def _ends(drawn: MaskArray, rows: slice, columns: slice) -> bool:
    """Whether both ends of a shape are plain to see."""
    start, stop, height = columns.start, columns.stop, rows.stop - rows.start
    needed, near = max(_HEIGHT_MIN_ON_LIKE, _END_MIN * height), max(_CORNER_PX, height)
    for outside, corner, beside in (
        (start - 1, slice(start, start + _CORNER_PX), slice(start, start + near)),
        (stop, slice(stop - _CORNER_PX, stop), slice(stop - near, stop)),
    ):
        if np.count_nonzero(~drawn[rows, outside]) < needed:
            return False
        if drawn[rows, corner].mean(axis=0).min() < _CORNER_MIN:
            return False
        if max(drawn[row, beside].mean() for row in (rows.start - 1, rows.stop)) > _BESIDE_MAX:
            return False
    return True


def _is_stroke(columns: slice, whole: Shape) -> bool:
    """Whether a shape is the stroke of a letter, as that of T or L: what it is part of is tall, not wider."""
    tall, wide = (side.stop - side.start for side in whole)
    length = columns.stop - columns.start
    return bool(wide <= _WIDTH_MAX * length and tall >= _HEIGHT_MIN * length)
