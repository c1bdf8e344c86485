"""Operations on a network, in their order, each of which can be undone and done again, without limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from temgrains.corrections.redraw import EXCLUDED, Change, redraw
from temgrains.corrections.strokes import raster
from temgrains.records import Boundaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from temgrains.corrections.strokes import Operation, Stroke
    from temgrains.records import ByteArray, LabelArray

REPLAY_SLACK_PX = 3.0
"""How far beside a line an erasing stroke may run when it is replayed on another network [px]."""

DRAWN, ERASED = 1, 2
"""Marks in `History.marks`."""


@dataclass(frozen=True, slots=True)
class _Done:
    operation: Operation
    change: Change
    marks: tuple[NDArray[np.int64], ...]
    under: tuple[ByteArray, ...]


class History:
    """A closed network under correction.

    ``labels`` is int32, shape (H, W), changed in place with every operation; grains keep their numbers, so
    these have gaps (`boundaries` closes them). Operations that changed nothing are kept too: a line
    that closes nothing yet still tells the refinement where boundary is, and takes part as soon as a later
    line touches it.
    """

    def __init__(self, start: Boundaries) -> None:
        self.start = start
        self.labels = start.labels.copy()
        if start.excluded is not None:
            self.labels[start.excluded] = EXCLUDED
        self._marks = np.zeros(self.labels.shape, np.uint8)
        self._fresh = int(self.labels.max(initial=0)) + 1
        self._done: list[_Done] = []
        self._undone: list[_Done] = []

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What was done and not undone."""
        return tuple(done.operation for done in self._done)

    @property
    def undone(self) -> tuple[Operation, ...]:
        """What `redo` would do again, the next one last."""
        return tuple(done.operation for done in self._undone)

    def do(self, operation: Operation, *, slack_px: float = 0.0) -> Change:
        """Apply an operation; what was undone before cannot be done again then."""
        whole = replace(operation, strokes=(*operation.strokes, *self._loose_near(operation)))
        change = redraw(self.labels, whole, fresh=self._fresh, slack_px=slack_px)
        self._fresh = max(self._fresh, *(number + 1 for number in change.born), 0)
        self._put(change)
        marks = _marks(operation, self.labels.shape)
        self._done.append(_Done(operation, change, marks, self._mark(marks)))
        self._undone.clear()
        return change

    def undo(self) -> Change | None:
        """Take the last operation back and say what that changed; None if there is none."""
        if not self._done:
            return None
        last = self._done.pop()
        self._undone.append(last)
        for where, under in zip(reversed(last.marks), reversed(last.under), strict=True):
            self._marks.reshape(-1)[where] = under
        back = last.change.reversed()
        self._put(back)
        return back

    def redo(self) -> Change | None:
        """Do again what was undone last; None if there is nothing."""
        if not self._undone:
            return None
        last = self._undone.pop()
        self._done.append(last)
        self._mark(last.marks)
        self._put(last.change)
        return last.change

    def sketch(self) -> LabelArray:
        """Give the labels with the lines drawn in that close nothing yet, for new lines to be joined with.

        Where there is no such line it is `labels` itself: a copy of a large image takes longer than the rest.
        """
        loose = self._loose()
        drawn = self.labels.copy() if loose else self.labels
        for stroke in loose:
            pixels = raster(stroke.points, (drawn.shape[0], drawn.shape[1]))
            pixels = pixels[drawn[tuple(pixels.T)] > 0]
            drawn[tuple(pixels.T)] = 0
        return drawn

    def marks(self, window: tuple[slice, slice] = np.s_[:, :]) -> ByteArray:
        """Give what was done by hand in a part of the image, uint8: 1 drawn or accepted, 2 erased, 0 else."""
        return self._marks[window].copy()

    @property
    def marked(self) -> ByteArray:
        """The marks of all the image, to be looked at and not changed."""
        return self._marks

    def boundaries(self) -> Boundaries:
        """Give the network as a record, its grains numbered without gaps."""
        return numbered(self.labels, self.start)

    def _loose(self) -> list[Stroke]:
        """Give the drawn strokes that lie in grains, mostly, since they closed nothing."""
        shape = (self.labels.shape[0], self.labels.shape[1])
        found = []
        for done in self._done:
            if done.change.empty and done.operation.verb == "draw":
                for stroke in done.operation.strokes:
                    pixels = raster(stroke.points, shape)
                    if len(pixels) and (self.labels[tuple(pixels.T)] > 0).mean() > 0.5:
                        found.append(stroke)
        return found

    def _loose_near(self, operation: Operation) -> list[Stroke]:
        """Give the loose strokes that an added line touches, and those that these touch."""
        reached = [np.array(s.points) for s in operation.strokes if not s.erase]
        left, near = self._loose() if reached else [], []
        while reached:
            corners = reached.pop()
            low, high = corners.min(axis=0) - 2, corners.max(axis=0) + 2
            touching = [s for s in left if _meets(s, low, high)]
            left = [s for s in left if s not in touching]
            near += touching
            reached += [np.array(s.points) for s in touching]
        return near

    def _mark(self, marks: tuple[NDArray[np.int64], ...]) -> tuple[ByteArray, ...]:
        """Paint what an operation did, and give what was there before."""
        flat, under = self._marks.reshape(-1), []
        for value, where in zip((ERASED, DRAWN), marks, strict=True):
            under.append(flat[where])
            flat[where] = value
        return tuple(under)

    def _put(self, change: Change) -> None:
        self.labels.reshape(-1)[change.where] = change.after


def corrected(
    boundaries: Boundaries, operations: Iterable[Operation], *, slack_px: float = REPLAY_SLACK_PX
) -> Boundaries:
    """Give a network with operations applied in their order, as when corrections are replayed in a batch.

    Parameters
    ----------
    boundaries
        The network; it may be another one of the same image than that on which the corrections were made.
    operations
        What to do.
    slack_px
        How far beside a line an erasing stroke may run [px].
    """
    history = History(boundaries)
    for operation in operations:
        history.do(operation, slack_px=slack_px)
    return history.boundaries()


def gapless(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give numbers without gaps, in the same order, by the numbers with gaps; 0 where no grain has one."""
    known = np.bincount(np.maximum(labels, 0).reshape(-1)) > 0
    known[0] = False
    return np.where(known, np.cumsum(known), 0)


def numbered(
    labels: NDArray[np.int32], start: Boundaries, numbers: NDArray[np.int64] | None = None
) -> Boundaries:
    """Make a record of labels whose numbers have gaps; the other figures are those of ``start``.

    ``numbers`` are what `gapless` gives, where it was asked before.
    """
    numbers = gapless(labels) if numbers is None else numbers
    return Boundaries(
        mask=labels == 0,
        labels=numbers.astype(np.int32)[np.maximum(labels, 0)],
        pruned_px=start.pruned_px,
        completed_px=start.completed_px,
        excluded=start.excluded,
    )


def marks_of(operations: Sequence[Operation], shape: tuple[int, int]) -> ByteArray:
    """Give what operations did by hand, as `History.marks` does."""
    return _painted((_marks(operation, shape) for operation in operations), shape)


def _marks(operation: Operation, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], ...]:
    """Give the flat indices of what was erased, and of what was drawn."""
    size = shape[0], shape[1]
    marks = []
    for erase in (True, False):
        parts = [raster(s.points, size) for s in operation.strokes if s.erase is erase]
        pixels = np.concatenate([np.zeros((0, 2), np.intp), *parts])
        marks.append((pixels @ [size[1], 1]).astype(np.int64))
    return tuple(marks)


def _painted(all_marks: Iterable[tuple[NDArray[np.int64], ...]], shape: tuple[int, ...]) -> ByteArray:
    found = np.zeros(shape, np.uint8)
    flat = found.reshape(-1)
    for marks in all_marks:  # a later stroke lies over an earlier one
        for value, where in zip((ERASED, DRAWN), marks, strict=True):
            flat[where] = value
    return found


def _meets(stroke: Stroke, low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Whether the box of a stroke meets another one."""
    corners = np.array(stroke.points)
    return bool((corners.min(axis=0) <= high).all() and (corners.max(axis=0) >= low).all())
