"""What a report is made of, whatever it is shown as."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; an empty header is not shown. ``widths`` are shares of the page [%]."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as PNG, what it shows, and how high it may be on paper."""

    png: bytes = field(repr=False)
    caption: str
    height_mm: int = 150


PAIR = (38, 62)
"""Widths of a table of names and values."""

Block = Heading | Text | Table | Picture
