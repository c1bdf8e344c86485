"""Tables as CSV and XLSX, everything as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import tempfile
from typing import TYPE_CHECKING, Any

from temgrains.files import csv_text, harmless, saving, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from temgrains.statistics.report import SizeStatistics

MOST_ROWS = 2**20 - 1
"""What a sheet holds below its header."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML, and so a workbook, cannot hold; file names can."""


def write_csv(path: str | Path, found: SizeStatistics) -> None:
    """Write the table of grains: UTF-8, decimal points, units in the header, reasons in ``remark``.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_text(path, csv_text(found.table))


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write plain JSON; undefined is null.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def write_xlsx(path: str | Path, found: SizeStatistics) -> None:
    """Write the sheets Grains, Methods and About; what is undefined is an empty cell.

    Raises
    ------
    ImportError
        If openpyxl, of the extra ``reports``, is not installed.
    ValueError
        If there are more grains than a sheet has rows.
    OSError
        If the file cannot be written.
    """
    try:
        from openpyxl import Workbook  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("XLSX needs openpyxl: pip install '.[reports]', or write CSV") from error
    if len(found.table) > MOST_ROWS:
        raise ValueError(f"{len(found.table)} grains: XLSX holds at most {MOST_ROWS} rows; write CSV")
    book = Workbook(write_only=True)
    made = io.BytesIO()
    try:
        _fill(book, found)
        book.save(made)
    except Exception as error:  # rows wait in temporary files, and lxml has errors of its own for full disks
        for sheet in book.worksheets:
            with contextlib.suppress(Exception):
                sheet.close()  # or the same error is printed again when the sheet is forgotten
        raise OSError(
            f"cannot write {path}: the folder for temporary files, {tempfile.gettempdir()}, is full or not "
            f"writable ({error}); the file is as it was before"
        ) from error
    with saving(path) as temporary:
        temporary.write_bytes(made.getbuffer())


def _fill(book: Any, found: SizeStatistics) -> None:
    methods = ["method", "size", "unit", "size is", "ASTM G", "formula", "inputs", "notes"]
    for title, header, rows in (
        ("Grains", list(found.table), found.table.itertuples(index=False)),
        ("Methods", methods, _methods(found)),
        ("About", ["what", "value"], _about(found.content)),
    ):
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        sheet.append(header)
        for row in rows:
            sheet.append([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, str):
        plain = _NO_TEXT.sub("?", plain)
    return None if isinstance(plain, float) and not math.isfinite(plain) else harmless(plain)


def _methods(found: SizeStatistics) -> Iterable[tuple[Any, ...]]:
    for method in found.methods:
        inputs = "; ".join(f"{name} = {value:.6g}" for name, value in method.inputs.items())
        notes = "; ".join(method.notes)
        yield (
            method.method,
            method.size,
            method.unit,
            method.size_is,
            method.g,
            method.formula,
            inputs,
            notes,
        )


def _entry(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _about(content: Any, name: str = "") -> Iterable[tuple[str, Any]]:
    """Give all single values with the way to them; methods have a sheet of their own."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in {"methods", "histogram"}:
                yield from _about(value, f"{name}.{key}" if name else key)
    elif isinstance(content, list):
        texts = any(isinstance(value, str) for value in content)
        yield name, ("; " if texts else ", ").join(map(_entry, content))
    else:
        yield name, content
