"""What several fields of one specimen tell together, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from temgrains.statistics.astm import NM_PER_MM, g_of_area, g_of_density, g_of_intercept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from temgrains.statistics.field import GrainSize

FEWEST_FIELDS = 5
"""ASTM E112 asks for."""
ACCEPTABLE_RA = 10.0
"""Relative accuracy that ASTM E112 takes as acceptable [%]."""

_G_OF: dict[str, Callable[[float], float]] = {
    "density": g_of_density,
    "area": g_of_area,
    "intercept": g_of_intercept,
}


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of fields, its standard deviation, the half width of its confidence interval, and that in %.

    ``deviation``, ``half_width`` and ``relative_accuracy`` are NaN for a single field.
    """

    count: int
    mean: float
    deviation: float
    half_width: float
    relative_accuracy: float

    def g(self, kind: str) -> tuple[float, float, float]:
        """Give G of the mean and of both ends of its interval, the finer one last.

        Parameters
        ----------
        kind
            What the values are: "density" [1/mm^2], "area" [mm^2] or "intercept" [mm].

        Raises
        ------
        ValueError
            If it is none of these.
        """
        if kind not in _G_OF:
            raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(_G_OF)}")
        ends = (self.mean - self.half_width, self.mean + self.half_width)
        low, high = sorted((_G_OF[kind](end) for end in ends), key=lambda g: (math.isnan(g), g))
        return _G_OF[kind](self.mean), low, high


def between_fields(values: Sequence[float], *, confidence: float = 0.95) -> Spread:
    """Give mean and confidence interval of what fields gave, after Student.

    Parameters
    ----------
    values
        One per field: numbers per area, mean areas or mean intercepts; those that are NaN are left out.
        Fields are independent images; tiles of one image are not, and make the interval too narrow.
    confidence
        Of the interval.

    Raises
    ------
    ValueError
        If the confidence does not lie between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
    x = np.asarray(values, np.float64)
    x = x[np.isfinite(x)]
    n = len(x)
    mean = float(x.mean()) if n else math.nan
    if n < 2:
        return Spread(n, mean, math.nan, math.nan, math.nan)
    deviation = float(x.std(ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation / math.sqrt(n)
    return Spread(n, mean, deviation, half, 100 * half / mean)


def pooled(results: Sequence[GrainSize]) -> Spread:
    """Give the spread of one method over fields: of mean intercepts, or of numbers per area.

    Raises
    ------
    ValueError
        If methods or units differ.
    """
    kinds = {(found.method, found.unit) for found in results}
    if len(kinds) > 1:
        raise ValueError(f"results are of {sorted(kinds)}; pool those of one method and one unit")
    intercepts = all(found.size_is == "mean intercept" for found in results)
    return between_fields([found.size if intercepts else found.size**-2 for found in results])


def pooled_g(results: Sequence[GrainSize]) -> tuple[float, float, float]:
    """Give G of the mean of fields and of the ends of its interval; NaN without a scale."""
    if not results or any(found.unit != "nm" for found in results):
        return (math.nan,) * 3
    spread = pooled(results)
    intercepts = results[0].size_is == "mean intercept"
    factor = 1 / NM_PER_MM if intercepts else NM_PER_MM**2
    scaled = Spread(
        spread.count,
        spread.mean * factor,
        spread.deviation * factor,
        spread.half_width * factor,
        spread.relative_accuracy,
    )
    return scaled.g("intercept" if intercepts else "density")


def calibration_in_g(relative_error: float) -> float:
    """Give how far G is off where a pixel's size is off by a share, the same for all methods.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1.
    """
    if not 0 <= relative_error < 1:
        raise ValueError(f"relative_error is {relative_error}; it must be from 0 to 1, such as 0.05 for 5 %")
    return 2 * math.log2(1 + relative_error)
