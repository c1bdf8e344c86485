"""Pixel sizes as the user types and reads them. Knows no Qt."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temgrains.records import PixelSize

_IN_NM = {"": 1.0, "nm": 1.0, "pm": 1e-3, "å": 0.1, "a": 0.1, "µm": 1e3, "μm": 1e3, "um": 1e3, "mm": 1e6}
_TYPED = re.compile(r"\s*([0-9.,eE+-]+)\s*(?:[x×]\s*([0-9.,eE+-]+)\s*)?([a-zµμå]*)\s*", re.IGNORECASE)  # noqa: RUF001

SMALLEST_NM, LARGEST_NM = 1e-4, 1e6


def parse(text: str) -> PixelSize | None:
    """Read a pixel size as typed: "0.72", "0.72 x 0.80", "1.2 µm"; without a unit in nm. Empty is unknown.

    Raises
    ------
    ValueError
        If the text is no size between 0.0001 nm and 1 mm.
    """
    if not text.strip():
        return None
    match = _TYPED.fullmatch(text)
    unit = _IN_NM.get(match[3].lower()) if match else None
    try:
        sizes = (
            [float(part.replace(",", ".")) * (unit or math.nan) for part in match.group(1, 2) if part]
            if match
            else []
        )
    except ValueError:
        sizes = []
    if not sizes or not all(SMALLEST_NM <= size <= LARGEST_NM for size in sizes):
        raise ValueError(
            f"{text.strip()!r} is no pixel size; type it as 0.72, 0.72 x 0.80 (height x width) or 1.2 µm, "
            f"from {SMALLEST_NM:g} nm to 1 mm"
        )
    return sizes[0], sizes[-1]


def shown(pixel_size: PixelSize | None) -> str:
    """Give a pixel size [nm] as text that `parse` reads back."""
    if pixel_size is None:
        return ""
    height, width = pixel_size
    return f"{height:.6g}" if math.isclose(height, width, rel_tol=1e-6) else f"{height:.6g} x {width:.6g}"
