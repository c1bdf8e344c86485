"""The ASTM grain size number G: what it means, from its definition, and back.

A micrograph at 100x magnification shows 2^(G - 1) grains per square inch (ASTM E112), and at G = 0 the mean
intercept is 0.32 mm. All constants follow from that; the standard prints them rounded, which changes G by
less than 0.01.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

INCH_AT_100X_MM = 0.254
"""One inch of a micrograph at 100x, in the specimen [mm]."""
TABULATED = (-1.0, 14.0)
"""G from 00 to 14, the range that the standard tabulates."""
EXTRAPOLATED = "G is extrapolated: the standard tabulates 00 to 14"
"""What is said of a G outside of that range."""
NM_PER_MM = 1e6

_REFERENCE_INTERCEPT_MM = 0.32
"""Mean intercept at G = 0, as the standard sets it."""


def g_of_density(per_mm2: float) -> float:
    """Give G of a number of grains per area [1/mm^2]; NaN unless it is above 0."""
    return math.log2(per_mm2 * INCH_AT_100X_MM**2) + 1 if 0 < per_mm2 < math.inf else math.nan


def g_of_area(mean_area_mm2: float) -> float:
    """Give G of a mean grain area [mm^2]; NaN unless it is above 0.

    Notes
    -----
    Of the mean area, not of the mean diameter: where ln(diameter) scatters by sigma the latter is finer by
    sigma^2 / ln 2.
    """
    return g_of_density(1 / mean_area_mm2) if 0 < mean_area_mm2 < math.inf else math.nan


def g_of_intercept(mean_mm: float) -> float:
    """Give G of a mean intercept [mm]; NaN unless it is above 0."""
    return -2 * math.log2(mean_mm / _REFERENCE_INTERCEPT_MM) if 0 < mean_mm < math.inf else math.nan


def iso_643(g: float) -> float:
    """Give ISO 643's number, whose definition is m = 8 x 2^G grains per mm^2, of a G of ASTM."""
    return math.log2(Scale.of(g).density_per_mm2) - 3


@dataclass(frozen=True, slots=True)
class Scale:
    """What one G stands for: a row of the standard's table.

    ``density_per_mm2`` is the number of grains per area, ``mean_area_mm2`` its inverse, ``side_mm`` the
    square root of that (the standard's "average diameter"), ``ecd_mm`` the diameter of a circle of that
    area, ``intercept_mm`` the mean intercept.
    """

    per_square_inch: float
    density_per_mm2: float
    mean_area_mm2: float
    side_mm: float
    ecd_mm: float
    intercept_mm: float

    @classmethod
    def of(cls, g: float) -> Scale:
        """Give the row of a G."""
        per_square_inch = 2 ** (g - 1)
        density = per_square_inch / INCH_AT_100X_MM**2
        return cls(
            per_square_inch=per_square_inch,
            density_per_mm2=density,
            mean_area_mm2=1 / density,
            side_mm=density**-0.5,
            ecd_mm=2 * (math.pi * density) ** -0.5,
            intercept_mm=_REFERENCE_INTERCEPT_MM * 2 ** (-g / 2),
        )


def remark(g: float) -> str:
    """Say in a few words what keeps a G from being one of the standard's; empty where nothing does."""
    if math.isnan(g):
        return "G is undefined"
    low, high = TABULATED
    return "" if low <= g <= high else EXTRAPOLATED
