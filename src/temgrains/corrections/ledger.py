"""What was corrected by hand, in numbers and in words."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from temgrains.corrections.strokes import Operation, Stroke
    from temgrains.records import PixelSize

PAUSE_S = 60.0
"""A longer time between two operations is a break, and counts as this much [s]."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Count of operations, by verb; length drawn and erased by hand [px]; time spent on it [min].

    Accepted segments count as operations, and neither as drawn nor as erased. Lengths in nm are None where
    the pixel size is unknown.
    """

    operations: int
    by_verb: dict[str, int]
    added_px: float
    removed_px: float
    minutes: float
    added_nm: float | None = None
    removed_nm: float | None = None


def ledger(operations: Sequence[Operation], pixel_size: PixelSize | None = None) -> Ledger:
    """Sum up operations; with the size of a pixel, height and width [nm], lengths are given in nm too."""
    drawn = _strokes(operations, erase=False)
    erased = _strokes(operations, erase=True)
    times = sorted(o.seconds for o in operations if o.seconds > 0)
    spent = sum(min(b - a, PAUSE_S) for a, b in pairwise(times))
    return Ledger(
        operations=len(operations),
        by_verb=dict(Counter(operation.verb for operation in operations)),
        added_px=math.fsum(stroke.length_px for stroke in drawn),
        removed_px=math.fsum(stroke.length_px for stroke in erased),
        minutes=spent / 60,
        added_nm=_length_nm(drawn, pixel_size),
        removed_nm=_length_nm(erased, pixel_size),
    )


def in_words(told: Mapping[str, Any]) -> str:
    """Say the lengths and the time of a ledger as it stands in a provenance: "9 px = 4.5 nm drawn, 12 s"."""
    parts = [
        f"{_length(told.get(f'{what}_px'), told.get(f'{what}_nm'))} {verb}"
        for what, verb in (("added", "drawn"), ("removed", "erased"))
    ]
    seconds = 60 * float(told.get("minutes") or 0)
    if seconds >= PAUSE_S:
        parts.append(f"{seconds / 60:.{0 if seconds >= 600 else 1}f} min")
    elif seconds > 0:
        parts.append("less than 1 s" if seconds < 1 else f"{seconds:.0f} s")
    return ", ".join(parts)


def _strokes(operations: Sequence[Operation], *, erase: bool) -> list[Stroke]:
    return [s for o in operations if o.verb != "accept" for s in o.strokes if s.erase is erase]


def _length_nm(strokes: Sequence[Stroke], pixel_size: PixelSize | None) -> float | None:
    if pixel_size is None:
        return None
    height, width = pixel_size
    if height == width:  # the lengths in pixels are known: this is asked after each correction
        return math.fsum(stroke.length_px for stroke in strokes) * height
    return math.fsum(
        math.hypot(height * (b[0] - a[0]), width * (b[1] - a[1]))
        for stroke in strokes
        for a, b in pairwise(stroke.points)
    )


def _length(px: float | None, nm: float | None) -> str:
    text = f"{px or 0:.0f} px"
    if not px or nm is None:
        return text
    value, unit = (nm / 1e3, "µm") if nm >= 1e4 else (nm, "nm")
    return f"{text} = {value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
