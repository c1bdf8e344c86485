"""The journal: what is there after a crash, a damage, a second window, a full disk."""

from __future__ import annotations

import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
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


def filled(folder, count=300):
    """A journal of so many operations, all in one file."""
    journal = Journal("film", folder=folder)
    journal.begin(random_network((300, 400), 200, 1))
    for row in range(count):
        journal.do(line(row))
    journal.close()
    return folder / "film.sqlite"


def test_of_a_journal_that_was_cut_off_the_first_part_is_kept(folder):
    path = filled(folder)
    whole = path.read_bytes()
    for share in (0.9, 0.6, 0.25, 0.01):
        path.write_bytes(whole[: int(share * len(whole))])
        journal = Journal("film", folder=folder)
        kept = journal.kept()
        (note,) = journal.notes
        assert note.startswith(f"the journal was damaged; it lies in {folder / 'film.damaged-'}")
        if share > 0.5:
            rows = [int(operation.seconds) - 1000 for operation in kept.operations]
            assert rows == sorted(set(rows))
            assert kept.operations == tuple(map(line, rows))
            assert np.array_equal(kept.start.labels, random_network((300, 400), 200, 1).labels)
            assert len(kept.operations) > 300 * share - 100
        journal.begin(three_bands())
        journal.do(line(3))
        journal.close()
        assert reopened(folder).operations == (line(3),)
    cut = sorted(folder.glob("film.damaged-*"), key=lambda file: file.stat().st_size)
    assert [file.read_bytes() for file in cut] == [
        whole[: int(s * len(whole))] for s in (0.01, 0.25, 0.6, 0.9)
    ]


def test_what_can_be_read_of_a_damaged_journal_outlasts_a_second_crash(folder):
    path = filled(folder)
    path.write_bytes(path.read_bytes()[:-10_000])
    kept = reopened(folder)
    assert len(kept.operations) > 100
    again = Journal("film", folder=folder)
    assert (again.kept().operations, again.notes) == (kept.operations, [])
    again.close()


def test_flipped_bytes_end_in_a_sentence_or_in_what_can_be_read(folder):
    path = filled(folder, 60)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    told = 0
    for _ in range(60):
        for file in folder.iterdir():
            file.unlink()
        content = bytearray(whole)
        for place in rng.integers(len(content), size=8):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        journal = Journal("film", folder=folder)
        kept = journal.kept()
        notes = [*journal.notes, *(kept.notes if kept is not None else ())]
        assert not any("\n" in note for note in notes)
        assert kept is not None or notes, "all is lost and nobody says so"
        told += bool(notes)
        journal.begin(three_bands())
        journal.do(line(3))
        journal.close()
    assert told > 10


def killed(folder, count=20):
    """The files of a journal, with the log that a program leaves when it is killed."""
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    for row in range(count):
        journal.do(line(row))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    journal.close()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "film.sqlite-wal"


def ends_of(log):
    """Where the frames begin that end a transaction."""
    content = log.read_bytes()
    starts = range(32, len(content), 24 + 4096)
    return [start for start in starts if int.from_bytes(content[start + 4 : start + 8])]


def flip(log, place):
    content = bytearray(log.read_bytes())
    content[place] ^= 0xFF
    log.write_bytes(content)


@pytest.mark.parametrize(
    ("frame", "byte", "lost"),
    [(-1, 2000, 1), (-5, 4000, 5), (-5, 17, 5), (-5, 9, 4), (-20, 24, 20)],
    ids=["the last page", "a page", "a sum", "a salt", "early"],
)
def test_what_a_damaged_log_costs_is_said(folder, frame, byte, lost):
    log = killed(folder)
    flip(log, ends_of(log)[frame] + byte)
    damaged = log.read_bytes()
    journal = Journal("film", folder=folder)
    (note,) = journal.notes
    entries = "the last entry is" if lost == 1 else f"at least the last {lost} entries are"
    assert note.startswith(f"the end of the journal was damaged: {entries} lost, so look at the latest")
    (aside,) = folder.glob("film.damaged-*")
    assert str(aside) in note
    assert aside.read_bytes() == damaged
    kept = journal.kept()
    assert (() if kept is None else kept.operations) == tuple(
        map(line, range(20 + frame if frame < 0 else 0))
    )
    journal.do(line(50))
    journal.close()
    again = Journal("film", folder=folder)
    assert again.notes == [], "said once"
    assert again.kept().operations[-1] == line(50)
    again.close()


@pytest.mark.parametrize("byte", [0, 13, 18, 25])
def test_a_log_whose_beginning_is_damaged_costs_all_of_it(folder, byte):
    log = killed(folder)
    count = len(ends_of(log))
    flip(log, byte)
    journal = Journal("film", folder=folder)
    assert f"at least the last {count} entries are lost" in journal.notes[0]
    journal.close()


def test_a_log_that_is_whole_or_whose_last_entry_was_under_way_costs_nothing(folder):
    log = killed(folder)
    whole = log.read_bytes()
    base = (folder / "film.sqlite").read_bytes()
    for length, operations in ((len(whole), 20), (len(whole) - 100, 19), (32, 0), (20, 0), (0, 0)):
        (folder / "film.sqlite").write_bytes(base)
        log.write_bytes(whole[:length])
        journal = Journal("film", folder=folder)
        assert journal.notes == []
        kept = journal.kept()
        assert (0 if kept is None else len(kept.operations)) == operations
        journal.close()


def test_pages_of_an_earlier_round_of_the_log_are_no_loss(folder):
    """A log is written from its beginning again once it was copied: what lies behind is old, not damaged."""
    journal = Journal("film", folder=folder)
    journal.begin(three_bands())
    for row in range(20):
        journal.do(line(row))
    journal._base.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    journal.do(line(20))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    journal.close()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert len(ends_of(folder / "film.sqlite-wal")) > 20
    again = Journal("film", folder=folder)
    assert again.notes == []
    assert len(again.kept().operations) == 21
    again.close()


def changed(path, command, *values):
    with sqlite3.connect(path) as base:
        base.execute(command, values)
    base.close()


def test_where_the_beginning_is_lost_the_operations_are_not(folder):
    changed(filled(folder, 3), "UPDATE events SET body = x'00' WHERE kind = 'start'")
    kept = reopened(folder)
    assert kept.start is None
    assert kept.operations == (line(0), line(1), line(2))
    assert kept.notes[1] == "the lines that they began from are lost; they are done again on those at hand"


def packed(**changes):
    arrays = {"labels": three_bands().labels, "excluded": np.zeros(0, bool), **changes}
    made = io.BytesIO()
    np.savez_compressed(made, **arrays)
    return made.getvalue()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (packed(labels=np.full((15, 32), -1, np.int32)), "grains are numbered -1 to -1 in 480 pixels"),
        (packed(labels=np.full((15, 32), 2**31 - 1, np.int32)), "grains are numbered 2147483647 to"),
        (packed(labels=np.zeros((0, 0), np.int32)), r"labels are int32 of shape (0, 0)"),
        (packed(labels=np.zeros((3, 4, 5), np.int32)), r"labels are int32 of shape (3, 4, 5)"),
        (packed(labels=np.zeros((15, 32))), r"labels are float64 of shape (15, 32)"),
        (packed(excluded=np.ones((15, 32))), "what is left out is float64, not true or false"),
        ("text", "a bytes-like object is required"),
        (b"PK", "cannot be read: "),
    ],
)
def test_a_beginning_that_is_no_network_is_refused_in_a_sentence(folder, body, why):
    changed(filled(folder, 2), "UPDATE events SET body = ? WHERE kind = 'start'", body)
    kept = reopened(folder)
    assert kept.start is None
    assert why in kept.notes[0]
    assert "the entry start of " in kept.notes[0]


@pytest.mark.parametrize("at", ["noon", None, 1e300, -5, float("inf")])
def test_a_time_that_is_none_costs_nothing(folder, at):
    path = filled(folder, 2)
    changed(path, "UPDATE events SET at = ?", at)
    changed(path, "UPDATE events SET body = x'00' WHERE kind = 'start'")
    kept = reopened(folder)
    assert kept.seconds == 0
    assert len(kept.operations) == 2


def test_entries_of_other_kinds_are_passed_over(folder):
    path = filled(folder, 2)
    changed(path, "INSERT INTO events (start, at, kind, body) VALUES ('x', 'y', x'ff', 7)")
    changed(path, "INSERT INTO events (start, at, kind, body) VALUES (1, 0, 'do', ?)", "[" * 10**5)
    changed(path, "INSERT INTO events (start, at, kind, body) VALUES (1, 0, 'do', '[]')")
    kept = reopened(folder)
    assert len(kept.operations) == 2
    assert kept.notes[0].startswith("2 entries of the journal cannot be read; the entry do of ")


def test_the_journal_of_another_image_is_set_aside(folder):
    filled(folder, 3).rename(folder / "other.sqlite")
    journal = Journal("other", folder=folder)
    assert journal.kept() is None
    assert journal.notes[0].startswith(f"the journal was of another image; it lies in {folder}")
    journal.close()
    (aside,) = folder.glob("other.damaged-*")
    aside.rename(folder / "film.sqlite")
    assert len(reopened(folder).operations) == 3


def test_a_database_of_something_else_is_set_aside(folder):
    folder.mkdir()
    changed(folder / "film.sqlite", "CREATE TABLE events (what TEXT)")
    journal = Journal("film", folder=folder)
    assert "was damaged" in journal.notes[0]
    journal.begin(three_bands())
    journal.do(line(3))
    journal.close()
    assert reopened(folder).operations == (line(3),)


READ_ONLY = """
    import os, sys
    from pathlib import Path
    from temgrains.corrections.journal import Journal, JournalError
    if os.getuid() == 0:  # for whom nothing is read-only
        os.setuid(65534)
    try:
        Journal("film", folder=Path(sys.argv[1]))
    except JournalError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_folder_that_is_read_only_is_named_and_keeps_its_journal():
    with tempfile.TemporaryDirectory() as home:  # one that others may enter, unlike pytest's
        Path(home).chmod(0o755)
        path = filled(Path(home) / "journals", 3)
        before = path.read_bytes()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        told = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(READ_ONLY), str(path.parent)],
            capture_output=True,
            text=True,
            check=True,
        )
        path.parent.chmod(0o755)
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["film.sqlite"]
    said = r"corrections cannot be journalled in .*journals: .*; they are only in memory.*\n"
    assert re.fullmatch(said, told.stdout)


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
