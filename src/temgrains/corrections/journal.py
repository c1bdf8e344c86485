"""Corrections on disk as they happen, so that a crash loses at most the operation under way."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.corrections.strokes import Operation, operation_from_plain
from temgrains.corrections.write_ahead import lost_of_log
from temgrains.errors import sentence
from temgrains.records import Boundaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MOST_WINDOWS = 9
"""Number of windows that may correct one image at the same time, each with a journal of its own."""

KEPT_STARTS = 5
"""Number of beginnings (another network, or a restore that was declined) that a journal keeps."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS events
    (id INTEGER PRIMARY KEY, start INTEGER, at REAL, kind TEXT, body BLOB)""",
    "CREATE TABLE IF NOT EXISTS image (digest TEXT)",
)
_ALL = "SELECT start, at, kind, body FROM events ORDER BY id"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""What SQLite says of a file that is no journal, or no longer whole; of a disk it says other things."""

_LONGEST = 2**34
"""No journal is longer [bytes]."""

_LATEST_S = 2.0**33
"""No entry is of a later time [s]."""


class JournalError(OSError):
    """The journal cannot be written; what is done from now on is only in memory."""


class _Unusable(Exception):
    """A file that is no journal of the image; the text says why, ``salvageable`` whether it was one."""

    def __init__(self, why: str, *, salvageable: bool = False) -> None:
        super().__init__(why)
        self.salvageable = salvageable


@dataclass(frozen=True, slots=True)
class Kept:
    """What a journal holds: the network at the beginning, what was done and undone, when it was last used.

    ``start`` is None where the network is lost: what was done can then be done again on another one.
    ``saved`` tells whether all of it was saved as a project. ``notes`` say what could not be read.
    """

    start: Boundaries | None
    operations: tuple[Operation, ...]
    undone: tuple[Operation, ...]
    seconds: float
    saved: bool
    notes: tuple[str, ...] = ()


def digest_of(pixels: NDArray[np.float32]) -> str:
    """Give a name for an image that no other image has: a digest of its shape and pixels."""
    found = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    found.update(np.ascontiguousarray(pixels).data)
    return found.hexdigest()


def journal_folder() -> Path:
    """Give the user's folder of journals: ``corrections`` in ``$TEMGRAINS_HOME`` or ``~/.temgrains``."""
    home = os.environ.get("TEMGRAINS_HOME")
    return (Path(home) if home else Path.home() / ".temgrains") / "corrections"


class Journal:
    """The journal of one image and one window.

    Every call is on the disk when it returns (SQLite, write-ahead log, synchronised). The file is locked
    while it is open; another window of the same image gets a file of its own, and ``shared`` is True there.

    Raises
    ------
    JournalError
        From every method, if the folder or the disk does not allow it.
    """

    def __init__(self, digest: str, *, folder: Path | None = None) -> None:
        folder = journal_folder() if folder is None else folder
        self.notes: list[str] = []
        with _speaking(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._base, self.path, self.shared = self._claim(folder, digest)
            numbers = "SELECT max(start) FROM events WHERE typeof(start) = 'integer'"
            self._start = self._base.execute(numbers).fetchone()[0] or 0

    def begin(
        self, start: Boundaries, operations: Sequence[Operation] = (), undone: Sequence[Operation] = ()
    ) -> None:
        """Begin anew on a network; what was there before stays in the file for a while."""
        self._start += 1
        self._write("start", _packed(start))
        self._write("carried", _text(operations, undone))
        with _speaking(self.path), self._base:
            self._base.execute("DELETE FROM events WHERE start <= ?", (self._start - KEPT_STARTS,))

    def do(self, operation: Operation) -> None:
        """Note an operation."""
        self._write("do", json.dumps(operation.to_plain()).encode())

    def undo(self) -> None:
        """Note that the last operation was undone."""
        self._write("undo", b"")

    def redo(self) -> None:
        """Note that it was done again."""
        self._write("redo", b"")

    def saved(self) -> None:
        """Note that all of it was saved elsewhere."""
        self._write("saved", b"")

    def kept(self) -> Kept | None:
        """Give what the last beginning holds, None if there is nothing to restore; `notes` may say why."""
        rows: list[tuple[str, float, bytes]] = []
        with contextlib.suppress(
            sqlite3.DatabaseError, UnicodeError
        ):  # of a damaged file, the part before the damage
            query = "SELECT kind, at, body FROM events WHERE start = ? ORDER BY id"
            rows.extend(self._base.execute(query, (self._start,)))
        kept, notes = _replayed(rows)
        if kept is None:
            self.notes += notes
        return kept

    def close(self) -> None:
        """Give the file free for others."""
        with contextlib.suppress(sqlite3.Error):
            self._base.close()

    def _write(self, kind: str, body: bytes) -> None:
        with _speaking(self.path), self._base:
            self._base.execute(
                "INSERT INTO events (start, at, kind, body) VALUES (?, ?, ?, ?)",
                (self._start, time.time(), kind, body),
            )

    def _claim(self, folder: Path, digest: str) -> tuple[sqlite3.Connection, Path, bool]:
        """Open the first journal of the image that no other window holds."""
        for k in range(1, MOST_WINDOWS + 1):
            path = folder / (f"{digest}.sqlite" if k == 1 else f"{digest}-{k}.sqlite")
            try:
                base, note = _opened(path, digest)
                self.notes += note
                return base, path, k > 1
            except sqlite3.Error as error:
                if _code(error) not in _BUSY:
                    raise
            except _Unusable as why:
                return self._anew(path, digest, why), path, k > 1
        raise JournalError(f"{MOST_WINDOWS} windows correct this image already; close one of them")

    def _anew(self, path: Path, digest: str, why: _Unusable) -> sqlite3.Connection:
        """Set a file aside, and begin another one with what can be read of it."""
        aside = path.with_suffix(f".damaged-{time.time_ns()}")
        # The log first: beside a new file it would be taken for a part of that.
        for part in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + part).replace(aside.with_name(aside.name + part))
        rows = _salvaged(aside) if why.salvageable else []
        base, _ = _opened(path, digest)
        with base:
            base.executemany("INSERT INTO events (start, at, kind, body) VALUES (?, ?, ?, ?)", rows)
        went_on = f"with the {len(rows)} entries that can be read" if rows else "without any of its entries"
        self.notes.append(f"the journal {why}; it lies in {aside}, and a new one was begun {went_on}")
        return base


def _code(error: sqlite3.Error | UnicodeError) -> int:
    """Give the reason without its details."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _opened(path: Path, digest: str) -> tuple[sqlite3.Connection, list[str]]:
    """Open and lock a journal; the notes say what a damage of its log has cost."""
    base = sqlite3.connect(path, timeout=0, check_same_thread=False)
    base.text_factory = _text_of
    try:
        base.execute("PRAGMA locking_mode=EXCLUSIVE")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("SELECT count(*) FROM sqlite_master").fetchone()  # locks the file
        notes = lost_of_log(base, path)
        with base:
            base.execute("BEGIN EXCLUSIVE")
            for table in _TABLES:
                base.execute(table)
            _check(base, digest)
    except (sqlite3.Error, UnicodeError) as error:  # SQLite may quote the damage
        base.close()
        if _code(error) in _DAMAGED:
            raise _Unusable("was damaged", salvageable=True) from error
        raise
    except BaseException:
        base.close()
        raise
    return base, notes


def _check(base: sqlite3.Connection, digest: str) -> None:
    """Refuse a journal that is damaged or another image's; a new one is given the image's digest."""
    if base.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise _Unusable("was damaged", salvageable=True)
    base.execute(f"{_ALL} LIMIT 1").fetchone()
    told = base.execute("SELECT digest FROM image").fetchone()
    if told is None:
        base.execute("INSERT INTO image VALUES (?)", (digest,))
    elif told != (digest,):
        raise _Unusable("was of another image")


def _text_of(content: bytes) -> str:
    return content.decode(errors="replace")


def _salvaged(path: Path) -> list[tuple[Any, ...]]:
    """Read the last beginning of a damaged journal, up to the damage."""
    rows: list[tuple[Any, ...]] = []
    with contextlib.suppress(sqlite3.Error, OSError, UnicodeError), tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "journal.sqlite"
        for part in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + part), copy.with_name(copy.name + part))
        _lengthen(copy)
        with contextlib.closing(sqlite3.connect(copy)) as base:
            base.text_factory = _text_of
            rows.extend(base.execute(_ALL))
    last = max((row[0] for row in rows if isinstance(row[0], int)), default=0)
    return [row for row in rows if row[0] == last]


def _lengthen(path: Path) -> None:
    """Give a file that was cut off the length that its header tells; SQLite reads nothing of it otherwise."""
    with path.open("r+b") as file:
        header = file.read(100)
        side, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
        length = (65536 if side == 1 else side) * pages
        # Holes take no room, but a header may be damaged as well.
        if path.stat().st_size < length <= _LONGEST:
            file.truncate(length)


@contextlib.contextmanager
def _speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into one sentence."""
    try:
        yield
    except JournalError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise JournalError(
            f"corrections cannot be journalled in {path}: {error}; they are only in memory, "
            "so save the project soon"
        ) from error


def _packed(start: Boundaries) -> bytes:
    excluded = np.zeros(0, np.bool_) if start.excluded is None else start.excluded
    buffer = io.BytesIO()
    np.savez_compressed(buffer, labels=start.labels, excluded=excluded)
    return buffer.getvalue()


def _unpacked(body: bytes) -> Boundaries:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        labels, given = arrays["labels"], arrays["excluded"]
    if labels.dtype != np.int32 or labels.ndim != 2 or not labels.size:
        raise ValueError(f"labels are {labels.dtype} of shape {labels.shape}")
    if not 0 <= labels.min() <= labels.max() <= labels.size:
        raise ValueError(f"grains are numbered {labels.min()} to {labels.max()} in {labels.size} pixels")
    if given.dtype != np.bool_:
        raise ValueError(f"what is left out is {given.dtype}, not true or false")
    excluded = given if given.shape == labels.shape else None
    mask = (labels == 0) if excluded is None else (labels == 0) & ~excluded
    return Boundaries(mask=mask, labels=labels, excluded=excluded)


def _text(operations: Sequence[Operation], undone: Sequence[Operation]) -> bytes:
    return json.dumps([[o.to_plain() for o in group] for group in (operations, undone)]).encode()


def _replayed(rows: list[tuple[str, float, bytes]]) -> tuple[Kept | None, list[str]]:
    """Read the events of one beginning; one that cannot be read is named, and the rest is taken."""
    start: Boundaries | None = None
    done: list[Operation] = []
    undone: list[Operation] = []
    lost: list[str] = []
    saved = True
    for kind, at, body in rows:
        try:
            if kind == "start":
                start = _unpacked(body)
            elif kind == "carried":
                done, undone = ([operation_from_plain(o) for o in group] for group in json.loads(body))
            elif kind == "do":
                done.append(operation_from_plain(json.loads(body)))
                undone.clear()
            elif kind == "undo" and done:
                undone.append(done.pop())
            elif kind == "redo" and undone:
                done.append(undone.pop())
        except Exception as error:  # damaged entries fail in a dozen ways, here and in what unpacks them
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_seconds(at)))
            lost.append(f"the entry {kind} of {when} cannot be read: {sentence(error)}")
        saved = kind in {"saved", "start", "carried"} and (saved or kind == "saved")
    notes = lost if len(lost) < 2 else [f"{len(lost)} entries of the journal cannot be read; {lost[0]}"]
    if not (done or undone):
        return None, notes
    if start is None:
        notes.append("the lines that they began from are lost; they are done again on those at hand")
    return Kept(start, tuple(done), tuple(undone), _seconds(rows[-1][1]), saved, tuple(notes)), notes


def _seconds(at: object) -> float:
    """Give the time of an entry, 0 where it is none."""
    return float(at) if isinstance(at, (int, float)) and 0 <= at < _LATEST_S else 0.0
