"""Reports as HTML, in one file that needs nothing else, and as PDF."""

from __future__ import annotations

import base64
import datetime
import html
import io
from dataclasses import replace
from functools import cache, partial, singledispatch
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

from temgrains.files import saving, write_text
from temgrains.reports.blocks import Heading, Picture, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from temgrains.reports.blocks import Block

_CSS = """body{font:15px/1.5 system-ui,sans-serif;max-width:58em;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin:2em 0 .5em;padding-bottom:.2em;border-bottom:1px solid #ccc;
color:#003c6e}table{border-collapse:collapse;width:100%;table-layout:fixed;font-size:.9em;overflow-wrap:anywhere}
td,th{text-align:left;vertical-align:top;padding:.25em .8em .25em 0;border-bottom:1px solid #e4e4e4;
white-space:pre-line}td:first-child{color:#555}h1+table{font-size:1em}h1+table td+td{font-weight:600}
img{max-width:100%;display:block}figure{margin:1em 0}figcaption{font-size:.85em;color:#555;margin-top:.4em}
@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}"""

_FONT = "DejaVu"
_MISSING = "Characters that the font of this PDF does not have stand as ?; the report as HTML shows them."
_BLUE, _GREY, _RULE = (0, 60, 110), 110, 205
_ROW_MM = 5.2
"""Height of a row of one line, with its padding."""
_CAPTION_MM = 14
_HEADING_MM = 11
"""Height of a heading with what is above it."""
_SMALLEST = 0.7
"""Pictures are made smaller down to this share of their height before they go to the next page."""
_KEPT_MM = 75
"""Tables up to this height are not torn apart."""


def write_html(path: str | Path, title: str, blocks: Iterable[Block]) -> None:
    """Write a report as one HTML file with its pictures inside.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    title = html.escape(title)
    body = "\n".join(_as_html(block) for block in blocks)
    write_text(
        path,
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_CSS}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n",
    )


def write_pdf(path: str | Path, title: str, blocks: Iterable[Block]) -> None:
    """Write a report as PDF, A4.

    Raises
    ------
    ImportError
        If fpdf2, of the extra ``reports``, is not installed.
    OSError
        If the file cannot be written.
    """
    try:
        from fpdf import FPDF  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("a PDF report needs fpdf2: pip install '.[reports]', or write HTML") from error
    fonts = _fonts()
    named, blocks = title, list(blocks)
    title, shown = _printable(title), [_in_font(block) for block in blocks]
    if (title, shown) != (named, blocks):
        shown.append(Text(_MISSING))
    pdf: Any = FPDF()
    pdf.footer = partial(_number_page, pdf)
    pdf.alias_nb_pages()
    pdf.set_creation_date(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))  # the same bytes each time
    pdf.set_title(title)
    pdf.set_margin(16)
    pdf.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
    pdf.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
    pdf.add_page()
    pdf.set_font(_FONT, "B", 15)
    pdf.multi_cell(0, 8, title, new_x="LMARGIN", new_y="NEXT", align="L")
    for block, following in zip_longest(shown, shown[1:]):
        if isinstance(block, Heading) and isinstance(following, Picture):
            _break_before(following, pdf, above_mm=_HEADING_MM)
        _to_pdf(block, pdf)
    made = bytes(pdf.output())
    with saving(path) as temporary:
        temporary.write_bytes(made)


def _fonts() -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@cache
def _characters() -> frozenset[int]:
    """Give the characters that the font has."""
    return frozenset({ord("\n"), *FT2Font(str(_fonts() / "DejaVuSans.ttf")).get_charmap()})


def _printable(text: str) -> str:
    return "".join(character if ord(character) in _characters() else "?" for character in text)


def _in_font(block: Block) -> Block:
    """Give a block in characters that the font has: fpdf leaves the others out without a trace."""
    match block:
        case Heading() | Text():
            return replace(block, text=_printable(block.text))
        case Table():
            rows = [tuple(map(_printable, row)) for row in block.rows]
            return replace(block, header=tuple(map(_printable, block.header)), rows=rows)
        case Picture():
            return replace(block, caption=_printable(block.caption))


def _number_page(pdf: Any) -> None:
    pdf.set_y(-12)
    pdf.set_font(_FONT, "", 7.5)
    pdf.set_text_color(_GREY)
    pdf.cell(0, 5, f"{pdf.page_no()} / {{nb}}", align="R")
    pdf.set_text_color(0)


@singledispatch
def _as_html(block: Block) -> str:
    raise TypeError(f"no block of a report: {block!r}")


@_as_html.register
def _(block: Heading) -> str:
    return f"<h2>{html.escape(block.text)}</h2>"


@_as_html.register
def _(block: Text) -> str:
    return f"<p>{html.escape(block.text)}</p>"


@_as_html.register
def _(block: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in block.header)
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in block.rows
    )
    widths = "".join(f'<col style="width:{share}%">' for share in block.widths)
    return f"<table>{widths}{f'<tr>{head}</tr>' if head else ''}\n{rows}\n</table>"


@_as_html.register
def _(block: Picture) -> str:
    code = base64.b64encode(block.png).decode("ascii")
    caption = html.escape(block.caption)
    image = f'<img alt="{caption}" src="data:image/png;base64,{code}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


@singledispatch
def _to_pdf(block: Block, pdf: Any) -> None:
    raise TypeError(f"no block of a report for {pdf!r}: {block!r}")


@_to_pdf.register
def _(block: Heading, pdf: Any) -> None:
    pdf.ln(4)
    if pdf.will_page_break(35):
        pdf.add_page()
    pdf.set_font(_FONT, "B", 11)
    pdf.set_text_color(*_BLUE)
    pdf.cell(0, 7, block.text, new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(0)


@_to_pdf.register
def _(block: Text, pdf: Any) -> None:
    pdf.ln(1)
    pdf.set_font(_FONT, "", 9)
    pdf.multi_cell(0, 4.6, block.text, new_x="LMARGIN", new_y="NEXT", align="L")


@_to_pdf.register
def _(block: Table, pdf: Any) -> None:
    from fpdf.enums import TableBordersLayout, VAlign  # noqa: PLC0415
    from fpdf.fonts import FontFace  # noqa: PLC0415

    pdf.set_font(_FONT, "", 7.5)
    height = _ROW_MM * len(block.rows)
    if not block.header and height < _KEPT_MM and pdf.will_page_break(height):
        pdf.add_page()
    pdf.set_draw_color(_RULE)
    pdf.set_line_width(0.15)
    looks = {
        "col_widths": block.widths,
        "line_height": 3.9,
        "padding": (0.6, 1),
        "text_align": "LEFT",
        "v_align": VAlign.T,
        "borders_layout": TableBordersLayout.HORIZONTAL_LINES,
        "headings_style": FontFace(emphasis="BOLD"),
    }
    with pdf.table(first_row_as_headings=bool(block.header), **looks) as table:
        for row in ([block.header] if block.header else []) + block.rows:
            table.row(row)


@_to_pdf.register
def _(block: Picture, pdf: Any) -> None:
    from PIL import Image  # noqa: PLC0415

    _break_before(block, pdf)
    with Image.open(io.BytesIO(block.png)) as image:
        width = min(_height_of(block, pdf), _room(pdf)) * image.width / image.height
    pdf.image(io.BytesIO(block.png), w=width)
    pdf.set_font(_FONT, "", 7.5)
    pdf.multi_cell(0, 3.9, block.caption, new_x="LMARGIN", new_y="NEXT", align="L")
    pdf.ln(2)


def _break_before(block: Picture, pdf: Any, above_mm: float = 0.0) -> None:
    """Begin a page where a picture below so much would become too small."""
    if _room(pdf) - above_mm < _SMALLEST * _height_of(block, pdf):
        pdf.add_page()


def _room(pdf: Any) -> float:
    """Give what is left of the page for a picture [mm]."""
    return float(pdf.page_break_trigger - pdf.get_y() - _CAPTION_MM)


def _height_of(block: Picture, pdf: Any) -> float:
    """Give how high a picture is where there is room [mm]."""
    from PIL import Image  # noqa: PLC0415

    with Image.open(io.BytesIO(block.png)) as image:
        return min(float(pdf.epw) * image.height / image.width, block.height_mm)
