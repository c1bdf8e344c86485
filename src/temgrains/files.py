"""Writing files so that a crash, a full disk or an error leaves the old file as it was; JSON and CSV."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import time
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from temgrains.records import Box

_RUNS = frozenset("=+-@\t\r")
"""Text that starts so is a formula for a spreadsheet."""

# Windows keeps these names for devices, whatever suffix follows.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")}
_STEM_BYTES = 200
"""File systems take names of 255 bytes; the rest is for what follows the stem."""

RESULT_MAPS = ("overlay.png", "boundaries.tif", "labels.tif", "iterates.tif", "iterates.gif")
"""What the names of a result's images end in, after the stem and a dot."""
_OF_A_RESULT = ("json", "labels.tif", "boundaries.tif", "iterates.tif")
"""Endings of the files without which a result cannot be read again."""

_UNFINISHED: set[Path] = set()
"""Temporary files and folders that are being written."""


_TEMPORARY = ".temgrains-"
_ABANDONED_S = 3600.0
"""What was not written to for so long, and whose process is no more, was left behind [s]."""
_LEFT: dict[Path, list[Path]] = {}
"""By folder, the temporary files that were there when this process first wrote to it."""


@contextlib.contextmanager
def unfinished(temporary: Path) -> Iterator[None]:
    """Remove a temporary file or folder, if it is still there, when the block ends or the program is told to.

    Parameters
    ----------
    temporary
        What the block makes, fills and moves to its place.
    """
    _UNFINISHED.add(temporary)
    try:
        yield
    finally:
        _remove(temporary)
        _UNFINISHED.discard(temporary)


def remove_unfinished() -> None:
    """Remove what is half written: for a program that ends at once, without leaving its blocks."""
    for temporary in tuple(_UNFINISHED):
        with contextlib.suppress(OSError):
            _remove(temporary)


def _remove(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)


def temporary_in(folder: Path, name: str) -> Path:
    """Name a temporary file or folder, and remove those that a program which was killed has left.

    Removed is what was begun on this computer, under the same `name`, by a process that is no more, and was
    not written to for an hour; so that processes which write the same file at the same time do not meet. A
    folder is looked through once by each process, for one may hold the results of thousands of images.

    Parameters
    ----------
    folder
        Where it shall lie.
    name
        Of what it becomes; the temporary file has its suffix.
    """
    told = hashlib.blake2b(os.fsencode(f"{platform.node()}/{name}"), digest_size=8)
    start = f"{_TEMPORARY}{told.hexdigest()}-"
    if folder not in _LEFT:
        with contextlib.suppress(OSError):
            _LEFT[folder] = [path for path in folder.iterdir() if path.name.startswith(_TEMPORARY)]
    for path in _LEFT.get(folder, ()):
        found = re.match(rf"{start}(\d+)-", path.name)
        # Whatever goes wrong with the old one, the new one is what the user wants.
        with contextlib.suppress(OSError):
            if found and _is_abandoned(path, int(found[1])):
                _remove(path)
    return folder / f"{start}{os.getpid()}-{secrets.token_hex(4)}{Path(name).suffix}"


def _is_abandoned(temporary: Path, process: int) -> bool:
    return time.time() - temporary.lstat().st_mtime > _ABANDONED_S and not _is_running(process)


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # where `os.kill` ends it, and a file that is open cannot be removed anyway
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # the latter where no process has such a number
        return False
    except PermissionError:  # it is another user's
        return True
    return True


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary file to write to, which replaces `path` only when all was written.

    Parameters
    ----------
    path
        The file to write. Its folder must exist; a symbolic link is followed, so the link stays.

    Yields
    ------
    temporary
        An empty file in the same folder with the same suffix. When the block ends without error it is flushed
        to the disk and takes the place (and the permissions) of `path`; otherwise it is removed.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to, if `path` is a folder, or if the disk is full.
    """
    target = Path(os.path.realpath(path))
    temporary = temporary_in(target.parent, target.name)
    mode = _mode_of(target)
    with unfinished(temporary):
        _create(temporary, target, mode)
        yield temporary
        _flush(temporary)
        if mode is not None:
            # Losing the permissions (FAT, some network drives) is better than losing the result.
            with contextlib.suppress(PermissionError):
                temporary.chmod(mode)
        _replace(temporary, target)
    _flush_folder(target.parent)


def find_saved(stem: str, folders: Iterable[str | Path]) -> Path | None:
    """Find the JSON of an analysis that was written under this stem, the newest of several.

    Parameters
    ----------
    stem
        Start of the files' names, without the folder.
    folders
        Where to look; one that is not there is passed over.
    """
    found = []
    for folder in dict.fromkeys(map(Path, folders)):
        files = [folder / f"{stem}.{ending}" for ending in _OF_A_RESULT]
        if all(file.is_file() for file in files):
            found.append(files[0])
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def allowed_stem(stem: str) -> str:
    """Give the start of a file name that every file system takes: not too long, and no name of a device."""
    named = f"_{stem}" if stem.partition(".")[0].strip().casefold() in _RESERVED else stem
    kept = os.fsencode(named)[:_STEM_BYTES]
    return named if len(kept) == len(os.fsencode(named)) else kept.decode("utf-8", "ignore").rstrip(". ")


def in_natural_order(name: str) -> list[tuple[int, int, str]]:
    """Give a key to sort file names by as people do: ``page_2`` before ``page_10``, upper as lower case."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _mode_of(target: Path) -> int | None:
    """Give the permissions of the file that is there, None if there is none."""
    try:
        found = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(f"cannot write {target}: it is a folder; give a file name")
    return stat.S_IMODE(found)


def _create(temporary: Path, target: Path, mode: int | None) -> None:
    # Never wider than the old file, so that a private file does not become readable while it is written.
    permissions = 0o666 if mode is None else mode | stat.S_IWUSR
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, permissions))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"cannot write {target}: the folder {target.parent} does not exist; create it first"
        ) from error
    except OSError as error:
        raise type(error)(
            f"cannot write {target}: {error.strerror} in {target.parent}; choose another folder"
        ) from error


def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except PermissionError as error:
        raise PermissionError(
            f"cannot replace {target}: {error.strerror}; close the program that has it open"
        ) from error


def _flush(temporary: Path) -> None:
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name durable where folders can be flushed (not on Windows nor on some network drives)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def saving(path: str | Path) -> Iterator[Path]:
    """Give a temporary file that takes the place of `path` once it is whole; a failure is said in a sentence.

    Raises
    ------
    OSError
        If the file cannot be written; what was there stays as it was.
    """
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as error:
        if str(error).startswith("cannot "):  # atomic_path has said it
            raise
        reason = error.strerror or str(error)
        raise OSError(f"cannot write {path}: {reason}; the file is as it was before") from error


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8 with plain line ends, whole or not at all.

    What UTF-8 cannot hold, such as bytes of a file name in another encoding, is written as JSON escapes it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with saving(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def csv_text(table: pd.DataFrame) -> str:
    """Give a table as CSV with decimal points, empty where undefined; no text of it runs as a formula."""
    safe = table.copy()
    for name in safe.select_dtypes(exclude=["number", "bool"]).columns:
        safe[name] = safe[name].map(harmless)
    return safe.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def harmless(text: Any) -> Any:
    """Put a quote before text that a spreadsheet would take for a formula."""
    return f"'{text}" if isinstance(text, str) and text[:1] in _RUNS else text


def boxes_text(boxes: Iterable[Box]) -> str:
    """Put boxes into one line for the description of a TIFF, as ``2,0,9,40;5,6,7,8``."""
    return ";".join(",".join(map(str, box)) for box in boxes)


def boxes_in(description: str) -> tuple[Box, ...]:
    """Give the boxes after ``excluded=`` in the description of a TIFF."""
    found = re.search(r"\bexcluded=((?:\d{1,9}[,;]?)+)", description)
    listed = re.findall(r"(\d+),(\d+),(\d+),(\d+)(?:;|$)", found[1]) if found else []
    return tuple((int(top), int(left), int(bottom), int(right)) for top, left, bottom, right in listed)


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows; what is not finite becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return os.fspath(value) if isinstance(value, os.PathLike) else value
