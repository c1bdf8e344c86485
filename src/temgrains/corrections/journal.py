"""Corrections on disk as they happen, so that a crash loses at most the operation under way."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from temgrains.corrections.strokes import Operation, operation_from_plain
from temgrains.records import Boundaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MOST_WINDOWS = 9
"""Number of windows that may correct one image at the same time, each with a journal of its own."""

KEPT_STARTS = 5
"""Number of beginnings (another network, or a restore that was declined) that a journal keeps."""

_TABLE = """CREATE TABLE IF NOT EXISTS events
    (id INTEGER PRIMARY KEY, start INTEGER, at REAL, kind TEXT, body BLOB)"""


class JournalError(OSError):
    """The journal cannot be written; what is done from now on is only in memory."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a journal holds: the network at the beginning, what was done and undone, when it was last used.

    ``saved`` tells whether all of it was saved as a project. ``notes`` say what could not be read.
    """

    start: Boundaries
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
            row = self._base.execute("SELECT max(start) FROM events").fetchone()
        self._start = int(row[0] or 0)

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
        """Give what the last beginning holds, None if there is nothing to restore."""
        rows: list[tuple[str, float, bytes]] = []
        with contextlib.suppress(sqlite3.DatabaseError):  # of a damaged file, the part before the damage
            query = "SELECT kind, at, body FROM events WHERE start = ? ORDER BY id"
            rows.extend(self._base.execute(query, (self._start,)))
        return _replayed(rows)

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
                return _opened(path), path, k > 1
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
            except sqlite3.DatabaseError:  # "file is not a database", "disk image is malformed"
                aside = path.with_suffix(f".damaged-{int(time.time())}")
                path.replace(aside)
                self.notes.append(f"the journal was damaged; it lies in {aside}, and a new one was begun")
                return _opened(path), path, k > 1
        raise JournalError(f"{MOST_WINDOWS} windows correct this image already; close one of them")


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        base.execute("PRAGMA locking_mode=EXCLUSIVE")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        with base:
            base.execute("BEGIN EXCLUSIVE")
            base.execute(_TABLE)
    except BaseException:
        base.close()
        raise
    return base


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
    if labels.dtype != np.int32 or labels.ndim != 2:
        raise ValueError(f"labels are {labels.dtype} of shape {labels.shape}")
    excluded = given if given.shape == labels.shape else None
    mask = (labels == 0) if excluded is None else (labels == 0) & ~excluded
    return Boundaries(mask=mask, labels=labels, excluded=excluded)


def _text(operations: Sequence[Operation], undone: Sequence[Operation]) -> bytes:
    return json.dumps([[o.to_plain() for o in group] for group in (operations, undone)]).encode()


def _replayed(rows: list[tuple[str, float, bytes]]) -> Kept | None:
    """Read the events of one beginning; one that cannot be read is named, and the rest is taken."""
    start: Boundaries | None = None
    done: list[Operation] = []
    undone: list[Operation] = []
    notes: list[str] = []
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
        except (
            ValueError, KeyError, TypeError, EOFError, OSError, zlib.error, zipfile.BadZipFile,
        ) as error:  # fmt: skip
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
            notes.append(f"the entry {kind} of {when} cannot be read: {error}")
        saved = kind in {"saved", "start", "carried"} and (saved or kind == "saved")
    if start is None or not (done or undone):
        return None
    return Kept(start, tuple(done), tuple(undone), rows[-1][1], saved, tuple(notes))
