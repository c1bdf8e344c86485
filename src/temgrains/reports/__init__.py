"""Statistics of grain sizes as files: tables, polygons, figures, reports."""

from temgrains.reports.context import Context
from temgrains.reports.formats import DEFAULT, FORMATS, check, kind_of, write
from temgrains.reports.words import paragraph

__all__ = ["DEFAULT", "FORMATS", "Context", "check", "kind_of", "paragraph", "write"]
