"""What was corrected by hand, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains.corrections.strokes import Operation

PAUSE_S = 60.0
"""A longer time between two operations is a break, and counts as this much [s]."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Count of operations, by verb; length drawn and erased by hand [px]; time spent on it [min].

    Accepted segments count as operations, and neither as drawn nor as erased.
    """

    operations: int
    by_verb: dict[str, int]
    added_px: float
    removed_px: float
    minutes: float


def ledger(operations: Sequence[Operation]) -> Ledger:
    """Sum up operations."""
    lengths = {True: 0.0, False: 0.0}
    for operation in operations:
        if operation.verb != "accept":
            for stroke in operation.strokes:
                lengths[stroke.erase] += stroke.length_px
    times = sorted(o.seconds for o in operations if o.seconds > 0)
    spent = sum(min(b - a, PAUSE_S) for a, b in pairwise(times))
    return Ledger(
        operations=len(operations),
        by_verb=dict(Counter(operation.verb for operation in operations)),
        added_px=lengths[False],
        removed_px=lengths[True],
        minutes=spent / 60,
    )
