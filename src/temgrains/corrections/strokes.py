"""What a hand draws, as data: lines that add or erase boundary, and the operations that they make up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FURTHEST_PX = 1e6
"""No image reaches as far as this: a point beyond it comes from a damaged file."""

VERBS = ("draw", "erase", "split", "merge", "move", "straighten", "close", "accept")
"""What one can do; each operation is one of these."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn by hand: ``points`` are the corners (row, column) [px]; it adds or erases boundary.

    ``width_px`` is the width with which the refinement sees it; the lines of a network are always one pixel
    wide. Points may lie outside the image; that part is ignored.
    """

    points: tuple[tuple[float, float], ...]
    width_px: float = 3.0
    erase: bool = False
    length_px: float = field(init=False, repr=False, compare=False)
    """Length along the corners [px]."""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not self.points or not all(all(map(math.isfinite, point)) for point in self.points):
            raise ValueError(f"a stroke needs points of two finite numbers, not {self.points!r}")
        if any(abs(side) > FURTHEST_PX for point in self.points for side in point):
            raise ValueError(f"a stroke reaches further than {FURTHEST_PX:g} px from the image's corner")
        if not 0 < self.width_px <= 100:
            raise ValueError(f"width_px is {self.width_px!r}; it must be above 0 and at most 100 px")
        # The ledger sums the lengths of all strokes after each correction, so that they are found once.
        object.__setattr__(self, "length_px", math.fsum(math.dist(a, b) for a, b in pairwise(self.points)))


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of correcting, which is undone as a whole: its verb, its strokes, and when it was done.

    ``seconds`` counts from the epoch (1970); 0 is unknown.
    """

    verb: str
    strokes: tuple[Stroke, ...]
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no step."""
        if self.verb not in VERBS:
            raise ValueError(f"verb is {self.verb!r}; it must be one of {', '.join(VERBS)}")
        if not self.strokes:
            raise ValueError(f"the operation {self.verb} has no stroke; it needs at least one")

    def to_plain(self) -> dict[str, Any]:
        """Give the operation as plain values for JSON."""
        strokes = [
            {"points": [list(p) for p in s.points], "width_px": s.width_px, "erase": s.erase}
            for s in self.strokes
        ]
        return {"verb": self.verb, "strokes": strokes, "seconds": self.seconds}


def operation_from_plain(plain: Any) -> Operation:
    """Read an operation back from plain values.

    Raises
    ------
    ValueError
        If the values are no operation; the sentence says what is wrong.
    """
    try:
        strokes = tuple(
            Stroke(
                tuple((float(row), float(column)) for row, column in s["points"]),
                float(s["width_px"]),
                bool(s["erase"]),
            )
            for s in plain["strokes"]
        )
        return Operation(str(plain["verb"]), strokes, float(plain.get("seconds", 0.0)))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"this is no operation: {plain!r:.80} ({error!r})") from error


def raster(points: Sequence[tuple[float, float]], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Give the pixels (row, column) along a polyline, shape (N, 2), each touching the next by side or corner.

    Notes
    -----
    Pixels outside of the image are left out. A pixel that the line passes twice is given twice.
    """
    corners = np.rint(np.asarray(points, np.float64)).astype(np.intp)
    way = np.diff(corners, axis=0)
    steps = np.abs(way).max(axis=1, initial=0)
    piece = np.repeat(np.arange(len(steps)), steps)
    done = np.arange(len(piece)) - (np.cumsum(steps) - steps)[piece] + 1  # from 1 to the steps of each piece
    along = corners[piece] + done[:, None] * (way[piece] / steps[piece, None])
    pixels = np.concatenate([corners[:1], np.floor(along + 0.5).astype(np.intp)])
    inside = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    kept: NDArray[np.intp] = pixels[inside]
    return kept


def corners_of(path: NDArray[np.intp]) -> tuple[tuple[float, float], ...]:
    """Give the corners of a path of touching pixels, shape (N, 2): `raster` gives the same pixels back."""
    if len(path) < 3:
        return tuple((float(r), float(c)) for r, c in path)
    steps = np.diff(path, axis=0)
    turns = np.flatnonzero((steps[1:] != steps[:-1]).any(axis=1)) + 1
    kept = path[[0, *turns, len(path) - 1]]
    return tuple((float(r), float(c)) for r, c in kept)
