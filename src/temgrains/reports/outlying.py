"""What reports say of grains that stand apart: the largest one, and two kinds of grain in one structure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from temgrains.reports.blocks import PAIR, Block, Heading, Table, Text
from temgrains.reports.words import number
from temgrains.statistics.astm import NM_PER_MM
from temgrains.statistics.outliers import ALA_COARSER_BY_G, ALA_LARGEST_SHARE

if TYPE_CHECKING:
    from temgrains.statistics.report import SizeStatistics


def apart_of(found: SizeStatistics) -> list[Block]:
    """Give the part of a report on the largest grain and on kinds of grain; nothing without a scale."""
    content = found.content["distribution"]
    if "area_share_by_g" not in content:
        return []
    shares = content["area_share_by_g"]
    listed = ", ".join(f"{g}: {100 * share:.1f} %" for g, share in shares.items()) or "no whole grain"
    rows: list[tuple[str, ...]] = [
        *_largest(content["largest"]),
        ("area of whole grains by whole G", listed),
    ]
    return [
        Heading("Largest grain and kinds of grain"),
        Table((), rows, PAIR),
        Text(
            "A grain stands apart (ASTM E930, as large as) where grains "
            f"{ALA_COARSER_BY_G:g} G coarser than the others hold at most {100 * ALA_LARGEST_SHARE:g} % of "
            "the area. Two peaks of the area over G show a duplex structure, which diameters by number hide. "
            "No compliance with E930 or E1181 is claimed."
        ),
    ]


def _largest(largest: dict[str, Any] | None) -> list[tuple[str, ...]]:
    if largest is None:
        return []
    diameter = 2 * math.sqrt(largest["area_mm2"] / math.pi) * NM_PER_MM
    bound = ", cut by the border: a lower bound" if largest["lower_bound"] else ""
    first = ("largest grain", f"ECD {number(diameter)} nm, G = {largest['g']:.2f}{bound}")
    if largest["matrix_g"] is None:
        return [first]
    count, share = largest["outliers"], f"{100 * largest['outliers_share']:.1f} % of the area"
    apart = f"{count}, with {share}" if count else "none"
    return [
        first,
        ("mean of the others", f"G = {largest['matrix_g']:.2f}"),
        (
            "grains that stand apart (E930)",
            f"{apart}: {'it applies' if largest['applies'] else 'it does not apply'}",
        ),
    ]
