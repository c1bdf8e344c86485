"""The text file that some microscopes write beside an image, and the scale in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from temgrains.micrograph.calibration import Calibration, of_axes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTES_MAX = 2**20
_NUMBER = r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?![\d.])"


def beside(path: Path, width: int) -> Calibration:
    """Read the scale from a file that belongs to an image by its name.

    Parameters
    ----------
    path
        The image, such as ``film.tif``: Hitachi and JEOL write ``film.txt``, TESCAN ``film-tif.hdr`` or
        ``film.hdr``.
    width
        Of the image [px]; a file that describes one of another width is not believed.
    """
    stem = path.stem
    for name in (f"{stem}.txt", f"{stem}.TXT", f"{stem}-{path.suffix[1:]}.hdr", f"{stem}.hdr"):
        for source, down, across, unit, said in _claims(_text(path.with_name(name))):
            if said and int(said) != width:
                note = (
                    f"{name} beside it describes an image of {said} px, this one has {width}: type the scale"
                )
                return Calibration(notes=(note,))
            return of_axes((down, unit), (across, unit), source=f"{source} file beside it")
    return Calibration()


def _claims(text: str) -> Iterator[tuple[str, float, float, str, str]]:
    """Give who wrote it, height and width of a pixel, their unit, and the width of the image or ""."""
    if "[SemImageFile]" in text:
        size = _value(text, rf"^PixelSize={_NUMBER}")
        if size:
            yield "Hitachi", float(size), float(size), "nm", _value(text, r"^DataSize=(\d{1,9})x\d+")
    if "$$SM_MICRON_BAR" in text:
        bar = _value(text, rf"^\$\$SM_MICRON_BAR\s+{_NUMBER}")
        marker = re.search(rf"^\$\$SM_MICRON_MARKER\s+{_NUMBER}\s*(\S+)", text, re.MULTILINE)
        if bar and float(bar) and marker:
            nm = float(marker[1]) / float(bar)
            yield "JEOL", nm, nm, marker[2], _value(text, r"^\$CM_FULL_SIZE\s+(\d{1,9})\s+\d+")
    across, down = (_value(text, rf"^PixelSize{axis}={_NUMBER}") for axis in "XY")
    if across and "[MAIN]" in text:
        yield "TESCAN", float(down or across), float(across), "m", ""


def _value(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def _text(path: Path) -> str:
    """Read a text file, "" where there is none to be read."""
    try:
        if not path.is_file() or path.stat().st_size > _BYTES_MAX:
            return ""
        content = path.read_bytes()
    except OSError:
        return ""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if wide else "utf-8", "replace").replace("\r\n", "\n")
