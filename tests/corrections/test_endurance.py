"""Two thousand operations in a row: undone, done again, replayed from the journal, in little memory."""

from __future__ import annotations

import numpy as np
import pytest
from networks import check_closed, random_network

from temgrains.corrections import History, verbs
from temgrains.corrections.history import marks_of
from temgrains.corrections.journal import Journal

OPERATIONS = 2000

BYTES_EACH = 20_000
"""Most memory per operation on a small image, change and marks together."""


def corrected_for_long(start):
    """Cut grains and join the parts again, with an undo now and then, and give the history."""
    history, rng = History(start), np.random.default_rng(2)
    size = start.labels.shape
    while len(history.operations) < OPERATIONS:
        here = tuple(rng.uniform(2, size[0] - 3, 2))
        try:
            cut = verbs.split(history.labels, here, (here[0] + rng.uniform(-3, 3), here[1] + 2))
            history.do(cut)
            middle = tuple(np.mean(cut.strokes[0].points, axis=0))
            history.do(verbs.erase(history.labels, middle, reach_px=2))
        except verbs.Impossible:
            continue
        if rng.random() < 0.05:
            history.undo()
    return history


@pytest.fixture(scope="module")
def long():
    start = random_network((72, 72), 20, 3)
    return start, corrected_for_long(start)


def test_memory_grows_with_the_edits_and_not_with_the_image(long):
    _, history = long
    held = 0
    for done in history._done:
        change = done.change
        arrays = (change.where, change.before, change.after, *done.marks, *done.under)
        held += sum((array if array.base is None else array.base).nbytes for array in arrays)
    assert held / len(history.operations) < BYTES_EACH


def test_all_is_undone_and_done_again(long):
    start, history = long
    end, marks, count = history.labels.copy(), history.marks(), len(history.operations)
    check_closed(end)
    assert np.array_equal(marks, marks_of(history.operations, end.shape))
    for _ in range(count):
        history.undo()
    assert history.undo() is None
    assert np.array_equal(history.labels, start.labels)
    assert not history.marks().any()
    for _ in range(count):
        history.redo()
    assert history.redo() is None
    assert np.array_equal(history.labels, end)
    assert np.array_equal(history.marks(), marks)


def test_the_journal_gives_the_same_network(long, tmp_path):
    start, history = long
    journal = Journal("film", folder=tmp_path)
    journal.begin(start, history.operations[:-100])
    for operation in history.operations[-100:]:
        journal.do(operation)
    journal.close()
    again = Journal("film", folder=tmp_path)
    kept = again.kept()
    again.close()
    assert kept.operations == history.operations
    replayed = History(kept.start)
    for operation in kept.operations:
        replayed.do(operation)
    assert np.array_equal(replayed.boundaries().labels, history.boundaries().labels)
