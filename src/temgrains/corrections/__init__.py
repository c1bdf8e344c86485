"""Correcting a closed network by hand: strokes, verbs that make them, undo, and a journal that loses nothing.

A verb (`verbs`, `gaps`) turns clicks into an `Operation`, a few strokes that add and erase boundary.
`redraw` gives what an operation changes and touches no other grain; `History` keeps the changes, so that each
can be undone; the journal (`journal.Journal`) keeps the operations on disk.
"""

from temgrains.corrections.graph import SegmentGraph, trace
from temgrains.corrections.history import History, corrected
from temgrains.corrections.ledger import Ledger, ledger
from temgrains.corrections.pins import pins_of
from temgrains.corrections.redraw import Change, redraw
from temgrains.corrections.strokes import Operation, Stroke

__all__ = [
    "Change",
    "History",
    "Ledger",
    "Operation",
    "SegmentGraph",
    "Stroke",
    "corrected",
    "ledger",
    "pins_of",
    "redraw",
    "trace",
]
