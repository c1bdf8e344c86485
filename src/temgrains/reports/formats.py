"""The files that can be written, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.reports.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from temgrains.statistics.report import SizeStatistics

FORMATS = {
    "csv": ".sizes.csv",
    "json": ".sizes.json",
    "xlsx": ".sizes.xlsx",
    "geojson": ".geojson",
    "coco": ".coco.json",
    "png": ".figure.png",
    "svg": ".figure.svg",
    "html": ".report.html",
    "pdf": ".report.pdf",
}
"""What each format's file names end in."""

DEFAULT = ("csv", "json")

OF_POOLED = ("html", "pdf")
"""Formats of a report on several images."""

_NOTHING = Context()


def check(formats: Iterable[str]) -> tuple[str, ...]:
    """Give formats once each.

    Raises
    ------
    ValueError
        If one is unknown.
    """
    chosen = tuple(dict.fromkeys(formats))
    if unknown := [name for name in chosen if name not in FORMATS]:
        raise ValueError(f"there is no format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    return chosen


def kind_of(path: str | Path) -> str:
    """Give the format that a file name ends in.

    Raises
    ------
    ValueError
        If there is none.
    """
    name = Path(path).name.lower()
    kind = next((kind for kind, ending in FORMATS.items() if name.endswith(ending)), Path(name).suffix[1:])
    return check(["coco" if name.endswith(".coco.json") else kind])[0]


def write(path: str | Path, found: SizeStatistics, kind: str, *, context: Context = _NOTHING) -> Path:
    """Write statistics in one of the `FORMATS`.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    found
        What `temgrains.statistics.report.describe` gave.
    kind
        One of the `FORMATS`.
    context
        Where the grains came from, for the reports.

    Raises
    ------
    ValueError
        If there is no such format, or it cannot hold so many grains.
    ImportError
        If what it needs, of the extra ``reports``, is not installed.
    OSError
        If the file cannot be written; what was there stays as it was.
    """
    from temgrains.reports import document, figures, outlines, pages, tables  # noqa: PLC0415  (drawing takes a second)

    check([kind])
    match kind:
        case "csv":
            tables.write_csv(path, found)
        case "json":
            tables.write_json(path, found.content)
        case "xlsx":
            tables.write_xlsx(path, found)
        case "geojson":
            outlines.write_geojson(path, found)
        case "coco":
            outlines.write_coco(path, found, image=Path(str(context.provenance.get("source", ""))).name)
        case "png" | "svg":
            figures.write_figure(path, found, kind)
        case _:
            title, blocks = document.title_of(found, context), document.blocks_of(found, context)
            (pages.write_html if kind == "html" else pages.write_pdf)(path, title, blocks)
    return Path(path)


def write_pooled(path: str | Path, pooled: dict[str, Any], kind: str) -> Path:
    """Write a report on several images of one specimen.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    pooled
        The content of ``pooled.json``.
    kind
        One of the `OF_POOLED`.

    Raises
    ------
    ValueError
        If there is no report of that kind.
    ImportError
        If what it needs, of the extra ``reports``, is not installed.
    OSError
        If the file cannot be written; what was there stays as it was.
    """
    from temgrains.reports import pages, together  # noqa: PLC0415

    if kind not in OF_POOLED:
        raise ValueError(
            f"there is no report of several images as {kind!r}; there are {', '.join(OF_POOLED)}"
        )
    write_page = pages.write_html if kind == "html" else pages.write_pdf
    write_page(path, together.TITLE, together.blocks_of_pool(pooled))
    return Path(path)
