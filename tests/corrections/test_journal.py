"""The journal: what is there after a crash, a damage, a second window, a full disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from networks import random_network, three_bands

from temgrains.corrections import History, Operation, Stroke
from temgrains.corrections.journal import Journal, JournalError, digest_of, journal_folder


def line(row, verb="draw"):
    return Operation(verb, (Stroke(((row, 11), (row, 20))),), 1000.0 + row)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journals"


def reopened(folder, digest="film"):
    journal = Journal(digest, folder=folder)
    try:
        return journal.kept()
    finally:
        journal.close()


def test_what_was_done_and_undone_is_kept(folder):
    journal = Journal("film", folder=folder)
    assert journal.kept() is None
    journal.begin(three_bands())
    journal.do(line(3))
    journal.do(line(6))
    journal.do(line(9))
    journal.undo()
    journal.undo()
    journal.redo()
    journal.close()
    kept = reopened(folder)
    assert kept.operations == (line(3), line(6))
    assert kept.undone == (line(9),)
    assert np.array_equal(kept.start.labels, three_bands().labels)
    assert not kept.saved
    assert kept.notes == ()


def test_a_new_operation_forgets_what_was_undone(folder):
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    journal.do(line(3))
    journal.undo()
    journal.do(line(6))
    journal.close()
    assert reopened(folder).undone == ()


def test_after_saving_nothing_is_unsaved_until_the_next_operation(folder):
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    journal.do(line(3))
    journal.saved()
    assert journal.kept().saved
    journal.do(line(6))
    assert not journal.kept().saved
    journal.close()


def test_a_new_network_carries_the_operations_on(folder):
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    journal.do(line(3))
    other = random_network((15, 32), 5, 3)
    journal.begin(other, [line(3)], [line(6)])
    journal.close()
    kept = reopened(folder)
    assert (kept.operations, kept.undone) == ((line(3),), (line(6),))
    assert np.array_equal(kept.start.labels, other.labels)


def test_old_beginnings_are_dropped(folder):
    journal = Journal("film", folder=folder)
    for _ in range(12):
        journal.begin(three_bands())
    count = journal._base.execute("SELECT count(DISTINCT start) FROM events").fetchone()[0]
    journal.close()
    assert count == 5


def test_a_second_window_gets_its_own_journal(folder):
    first, second = Journal("film", folder=folder), Journal("film", folder=folder)
    assert not first.shared
    assert second.shared
    first.begin(three_bands())
    second.begin(three_bands())
    first.do(line(3))
    assert second.kept() is None
    first.close()
    second.close()
    assert reopened(folder).operations == (line(3),)


def test_more_windows_than_journals_are_refused(folder):
    held = [Journal("film", folder=folder) for _ in range(9)]
    with pytest.raises(JournalError, match="9 windows correct this image already"):
        Journal("film", folder=folder)
    for journal in held:
        journal.close()


def test_images_are_told_apart_by_pixels_and_shape():
    pixels = np.zeros((4, 6), np.float32)
    other = pixels.copy()
    other[3, 5] = 1e-6
    assert len({digest_of(pixels), digest_of(other), digest_of(pixels.reshape(6, 4))}) == 3
    assert digest_of(pixels) == digest_of(pixels.T.copy().T)


def test_the_folder_is_the_users(home):
    assert journal_folder() == home / "corrections"


def test_a_file_that_is_no_journal_is_set_aside(folder):
    folder.mkdir()
    (folder / "film.sqlite").write_bytes(b"this is no database at all" * 100)
    journal = Journal("film", folder=folder)
    assert "was damaged" in journal.notes[0]
    journal.begin(three_bands())
    journal.do(line(3))
    journal.close()
    assert list(folder.glob("film.damaged-*"))
    assert reopened(folder).operations == (line(3),)


@pytest.mark.parametrize("body", [b'{"verb": 3', None, b"7"])
def test_of_a_damaged_entry_the_rest_is_kept(folder, body):
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    for row in (3, 6, 9):
        journal.do(line(row))
    journal.close()
    with sqlite3.connect(folder / "film.sqlite") as base:
        base.execute("UPDATE events SET body = ? WHERE kind = 'do' AND id = 4", (body,))
    base.close()
    kept = reopened(folder)
    assert kept.operations == (line(3), line(9))
    assert "entry do of" in kept.notes[0]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match=r"cannot be journalled in .*file"):
        Journal("film", folder=tmp_path / "file" / "below")


def fill(journal):
    for row in range(4, 4000):
        journal.do(line(row))


def test_a_full_disk_is_told_and_the_journal_stays(folder):
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    journal.do(line(3))
    pages = journal._base.execute("PRAGMA page_count").fetchone()[0]
    journal._base.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match=r"full.*save the project soon"):
        fill(journal)
    journal.close()
    assert reopened(folder).operations[0] == line(3)


CHILD = """
    import sys
    from pathlib import Path
    sys.path[:0] = {paths!r}
    from networks import three_bands
    from temgrains.corrections import Operation, Stroke
    from temgrains.corrections.journal import Journal
    journal = Journal("film", folder=Path(sys.argv[1]))
    journal.begin(three_bands())
    for k in range(100000):
        journal.do(Operation("draw", (Stroke(((k, 0), (k, 9))),), float(k + 1)))
        print(k, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
@pytest.mark.parametrize("pause", [0.0, 0.013, 0.05])
def test_killed_at_any_instant_only_the_operation_under_way_is_lost(folder, pause):
    here = Path(__file__).parent
    code = textwrap.dedent(CHILD).format(paths=[str(here), str(here.parent)])
    child = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    told = [int(child.stdout.readline()) for _ in range(20)]
    time.sleep(pause)
    os.kill(child.pid, signal.SIGKILL)
    told += [int(text) for text in child.stdout.read().split()]
    child.wait()
    child.stdout.close()
    kept = reopened(folder)
    assert len(told) <= len(kept.operations) <= len(told) + 1
    assert [o.seconds for o in kept.operations] == [k + 1.0 for k in range(len(kept.operations))]
    history = History(kept.start)
    for operation in kept.operations[:5]:
        history.do(operation)
