"""How many images a file holds, and which of them a user means by "all" or "1-5,8"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from temgrains.micrograph.decoded import NoSuchPage
from temgrains.micrograph.reading import read

if TYPE_CHECKING:
    from pathlib import Path

_BEYOND = 2**40
_PART = re.compile(r"([1-9]\d{0,11})(?:(-)([1-9]\d{0,11})?)?")


def count_pages(path: str | Path) -> int:
    """Count the images of a file, those of all its signals; no pixels are decoded where that can be helped.

    Raises
    ------
    UnreadableImage
        As `read`.
    """
    try:
        return read(path, page=_BEYOND).pages
    except NoSuchPage as said:
        return said.count


def check_pages(pages: str) -> None:
    """Refuse what chooses no pages.

    Raises
    ------
    ValueError
        If it is neither "all" nor numbers and ranges such as "1-5,8" or "3-".
    """
    _ranges(pages)


def choose_pages(pages: str, count: int) -> tuple[list[int], int]:
    """Find which images of a file are meant.

    Parameters
    ----------
    pages
        "all", or numbers and ranges that count from 1, such as "1-5,8" or "3-".
    count
        How many there are.

    Returns
    -------
    chosen
        Those that are there, in order, counted from 0 as `read` does.
    missing
        The first that was asked for and is not there, counted from 1; 0 if there is none.

    Raises
    ------
    ValueError
        As `check_pages`.
    """
    chosen: set[int] = set()
    missing = []
    for first, last in _ranges(pages):
        chosen.update(range(first - 1, count if last is None else min(last, count)))
        if max(first, last or 0) > count:
            missing.append(max(first, count + 1))
    return sorted(chosen), min(missing, default=0)


def _ranges(pages: str) -> list[tuple[int, int | None]]:
    if pages.strip().lower() == "all":
        return [(1, None)]
    found = [_PART.fullmatch(part.strip()) for part in pages.split(",")]
    ranges = [_range(part) for part in found if part is not None]
    if len(ranges) < len(found) or any(last is not None and last < first for first, last in ranges):
        raise ValueError(f"{pages!r:.60} chooses no pages; type all, or numbers from 1 such as 1-5,8 or 3-")
    return ranges


def _range(part: re.Match[str]) -> tuple[int, int | None]:
    first = int(part[1])
    if part[2] is None:
        return first, first
    return first, None if part[3] is None else int(part[3])
