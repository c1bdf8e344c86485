"""What TESCAN's instruments write into a TIFF: lines ``name=value`` under headings such as ``[MAIN]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tifffile import TiffPage

_TAG = 50431
_LINE = re.compile(r"^[ \t]*(\w{1,40})[ \t]*=[ \t]*([^\r\n\0]{1,80}?)[ \t]*\r?$", re.MULTILINE)


def words(page: TiffPage) -> dict[str, str]:
    """Give the values by their names, empty where the page has none; what is said first counts.

    Parameters
    ----------
    page
        A page of a TIFF. Other bytes, such as a small picture, may stand before the text in its tag.
    """
    value = page.tags.valueof(_TAG)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str) or "[MAIN]" not in text:
        return {}
    lines = _LINE.findall(text[text.index("[MAIN]") :])
    return dict(reversed(lines))
