"""Statistics of grain sizes as files: tables, polygons, figures, reports."""

from temgrains.reports.context import Context
from temgrains.reports.formats import DEFAULT, FORMATS, OF_POOLED, check, kind_of, write, write_pooled
from temgrains.reports.words import paragraph

__all__ = [
    "DEFAULT",
    "FORMATS",
    "OF_POOLED",
    "Context",
    "check",
    "kind_of",
    "paragraph",
    "write",
    "write_pooled",
]
