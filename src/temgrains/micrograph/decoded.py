"""What the readers of all formats give, and how they choose a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from temgrains.micrograph.pixels import UnreadableImage, refuse
from temgrains.records import Instrument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.micrograph.calibration import Calibration
    from temgrains.records import Box


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels as the file holds them, (H, W) or (H, W, 3 or 4), its scale, and sentences for the user.

    ``page`` is which of the file's images this is, ``pages`` how many of them can be read, ``signal`` what
    the file calls this one; ``instrument`` says how it was taken; ``excluded`` are the parts that show no
    specimen, of maps of labels that tell them.
    """

    pixels: NDArray[Any]
    calibration: Calibration
    notes: tuple[str, ...] = ()
    page: int = 0
    instrument: Instrument = field(default_factory=Instrument)
    pages: int = 1
    signal: str = ""
    excluded: tuple[Box, ...] = ()


class SeveralImages(UnreadableImage):
    """A file of several different images, such as those of several detectors, of which one must be chosen.

    ``pages`` holds the number of each one's (first) page, ``titles`` what the file calls them.
    """

    def __init__(self, path: str | Path, pages: Sequence[int], titles: Sequence[str]) -> None:
        named = (
            f'{page} "{title}"' if title else str(page) for page, title in zip(pages, titles, strict=True)
        )
        super().__init__(path, f"it holds {len(pages)} images; choose one by its page: {', '.join(named)}")
        # All three stay arguments, so that the error survives the way back from another process.
        self.args = (str(path), tuple(pages), tuple(titles))
        self.pages = tuple(pages)
        self.titles = tuple(titles)


class NoSuchPage(UnreadableImage):
    """A file that has other pages than the one asked for; ``count`` says how many."""

    def __init__(self, path: str | Path, page: int, count: int) -> None:
        last = "page 0 is the only one" if count == 1 else f"choose from 0 to {count - 1}"
        super().__init__(path, f"it has no page {page}; {last}")
        self.args = (str(path), page, count)
        self.count = count


def chosen_page(path: Path, page: int | None, count: int) -> tuple[int, tuple[str, ...]]:
    """Give the index of the page to read, and a note where there are several."""
    if count == 0:
        refuse(path, "it holds no image; save it again")
    index = 0 if page is None else page
    if index >= count:
        raise NoSuchPage(path, index, count)
    return index, (f"page {index + 1} of {count} was read",) if count > 1 else ()
