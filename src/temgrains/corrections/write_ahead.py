"""What a damage of SQLite's write-ahead log costs, which SQLite passes over without a word."""

from __future__ import annotations

import contextlib
import shutil
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_HEADER = struct.Struct(">8I")
"""Magic number, version, page size, number of checkpoints, two salts, two sums of what is before them."""
_FRAME = struct.Struct(">6I")
"""Page, pages of the database where a transaction ends here or else 0, two salts, two sums."""
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""How the words are laid that the sums add up."""


def lost_of_log(base: sqlite3.Connection, path: Path) -> list[str]:
    """Say in a sentence what SQLite leaves out of a damaged log, and keep a copy of that.

    Parameters
    ----------
    base
        A database that is locked, in no transaction, and to which nothing was written yet.
    path
        Its file; the log lies beside it.

    Raises
    ------
    sqlite3.Error
        If the database is damaged, too.
    """
    log = path.with_name(f"{path.name}-wal")
    lost = _lost_transactions(log, base)
    if not lost:
        return []
    aside = path.with_suffix(f".damaged-{time.time_ns()}-wal")
    with contextlib.suppress(OSError):  # such as a full disk
        shutil.copyfile(log, aside)
    entries = "the last entry is" if lost == 1 else f"at least the last {lost} entries are"
    kept = f"; what can be read of it lies in {aside}" if aside.exists() else ""
    return [f"the end of the journal was damaged: {entries} lost, so look at the latest corrections{kept}"]


def _lost_transactions(log: Path, base: sqlite3.Connection) -> int:
    """Count what a log holds and SQLite leaves out; one whose end is damaged itself leaves no trace."""
    # It copies what is whole into the database, and counts it.
    _, taken, _ = base.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    side: int = base.execute("PRAGMA page_size").fetchone()[0]
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return 0
    if len(content) < _HEADER.size:
        return 0
    whole = range(_HEADER.size, len(content) - _FRAME.size - side + 1, _FRAME.size + side)
    frames = [_FRAME.unpack_from(content, start) for start in whole]
    if not frames:
        return 0
    # Frames of an earlier round of the log, which lie behind those of this one, have other salts.
    salts = _HEADER.unpack_from(content)[4:6] if _is_whole(content[: _HEADER.size]) else frames[0][2:4]
    return sum(end > 0 and tuple(salt) == salts for _, end, *salt, _, _ in frames[max(0, taken) :])


def _is_whole(header: bytes) -> bool:
    """Tell whether the sums of the log's first bytes are right."""
    magic, *_, first, second = _HEADER.unpack(header)
    if magic not in _MAGIC:
        return False
    words = struct.unpack(f"{_MAGIC[magic]}6I", header[:24])
    one = other = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + other) % 2**32
        other = (other + odd + one) % 2**32
    return (one, other) == (first, second)
