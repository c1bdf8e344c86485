"""What the panel "Grain sizes" shows: columns, what the filters leave, texts. Knows no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.statistics.astm import NM_PER_MM, g_of_area, g_of_intercept
from temgrains.statistics.naming import counted

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from temgrains.statistics.distribution import Lognormal, Summary
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.outliers import Largest
    from temgrains.statistics.report import Choices, Measured
    from temgrains.statistics.unfolding import Unfolded

EMPTY = "No grains yet: find them under Extract, or choose a layer of labels above."

_TITLES = {
    "grain": ("Grain", "Number of the grain in its layer"),
    "ecd": ("ECD", "Equivalent circle diameter: that of a circle of the grain's area"),
    "area": ("Area", "Area; pixels of boundaries are shared among the grains they touch"),
    "perimeter": ("Perimeter", "Length of the outline by Crofton's formula"),
    "feret_max": ("Feret max", "Largest caliper diameter"),
    "feret_min": ("Feret min", "Smallest caliper diameter"),
    "major_axis": ("Major axis", "Of the ellipse with the same second moments"),
    "minor_axis": ("Minor axis", "Of the ellipse with the same second moments"),
    "aspect_ratio": ("Aspect ratio", "Major by minor axis"),
    "orientation_deg": ("Orientation [°]", "Major axis to the image's rows, counter-clockwise"),
    "circularity": ("Circularity", "4 π area / perimeter²; 1 for a circle"),
    "solidity": ("Solidity", "Area by that of the convex hull"),
    "neighbours": ("Neighbours", "Grains that share a boundary with it"),
    "mean_grey": ("Mean grey", "Of the micrograph, 0 to 1, without the boundaries"),
    "confidence": ("Confidence", "How sure the grain is, 0 to 1"),
    "on_border": ("Cut", "Cut by the image border or by what is left out: sizes are lower bounds"),
    "remark": ("Remark", "Why a value is missing or a bound"),
}
_LENGTHS = ("ecd", "perimeter", "feret_max", "feret_min", "major_axis", "minor_axis")
_NO_COLOUR = {"grain", "on_border", "remark"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its name there, and what the user reads."""

    name: str
    title: str
    tip: str

    @property
    def coloured(self) -> bool:
        """Whether grains can be coloured by it."""
        return self.name not in _NO_COLOUR


@dataclass(frozen=True, slots=True)
class Filters:
    """Which grains count for the table, the distribution and the colours.

    ``whole_only`` leaves out those that the border cuts, ``smallest`` those of less area in the square of the
    unit, ``surest`` those of less confidence.
    """

    whole_only: bool = True
    smallest: float = 0.0
    surest: float = 0.0


def unit_of(table: pd.DataFrame) -> str:
    """Give the unit of a table's lengths: nm where there is a scale."""
    return "nm" if "area_nm2" in table else "px"


def columns_of(table: pd.DataFrame) -> list[Column]:
    """Give the columns to show, in nm where they are there."""
    unit = unit_of(table)
    columns = []
    for key, (title, tip) in _TITLES.items():
        name = f"{key}_{unit}" if key in _LENGTHS else f"area_{unit}2" if key == "area" else key
        if name in table:
            shown = f"{title} [{unit}]" if key in _LENGTHS else title
            columns.append(Column(name, f"{title} [{unit}²]" if key == "area" else shown, tip))
    return columns


def kept(found: Measured, filters: Filters) -> tuple[NDArray[np.bool_], str]:
    """Tell which grains pass the filters, and say how many they leave and why the others are out."""
    table = found.table
    area = table[f"area_{unit_of(table)}2"].to_numpy()
    on_border, cut = table["on_border"].to_numpy(), np.zeros(len(table), np.bool_)
    cut[area > 0] = found.counted.cut  # also by ground that belongs to no grain, as in all reports
    tests = {
        "cut by the border": on_border & filters.whole_only,
        "beside ground of no grain": cut & ~on_border & filters.whole_only,
        "too small": area < filters.smallest,
        "not sure enough": _unsure(table, filters.surest),
        "without a pixel": area <= 0,
    }
    out = np.zeros(len(table), np.bool_)
    reasons = []
    for reason, failing in tests.items():
        if count := int(np.count_nonzero(failing & ~out)):
            reasons.append(f"{count} {reason}")
        out |= failing
    text = f"{len(table) - int(out.sum())} of {len(table)} grains"
    return ~out, f"{text}; left out: {', '.join(reasons)}" if reasons else text


def weights_of_kept(found: Measured, kept: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Give the weights of the grains that are kept; there are none for grains that something cuts."""
    weights, whole = found.weights, ~found.counted.cut
    if weights is None or whole.shape != kept.shape or (kept & ~whole).any():
        return None
    all_weights = np.zeros(len(whole))
    all_weights[whole] = weights
    of_kept: NDArray[np.float64] = all_weights[kept]
    return of_kept


@dataclass(frozen=True, slots=True)
class Shown:
    """The distribution of the grains that the filters leave, and what stands apart in it.

    ``plain_mean`` is the mean without the weights of the border, None where there are none. ``shares`` are
    those of the area by whole G; it and ``largest``, which is of all grains, are None without a scale.
    """

    diameters: NDArray[np.float64] = field(repr=False)
    unit: str
    summary: Summary
    fit: Lognormal
    plain_mean: float | None = None
    largest: Largest | None = None
    shares: dict[int, float] | None = None
    unfolded: Unfolded | None = None

    @classmethod
    def of(
        cls, found: Measured | None, kept: NDArray[np.bool_], choices: Choices, *, weighted: bool
    ) -> Shown:
        """Describe the grains that are kept, without the goodness of fit."""
        from temgrains.statistics import distribution, outliers, report  # noqa: PLC0415

        if found is None:
            d, w, unit, areas = np.zeros(0), None, "px", np.zeros(0)
        else:
            unit = unit_of(found.table)
            d = found.table[f"ecd_{unit}"].to_numpy()[kept]
            areas = found.table[f"area_{unit}2"].to_numpy()[kept]
            w = weights_of_kept(found, kept) if weighted else None
        return cls(
            diameters=d,
            unit=unit,
            summary=distribution.summarise(d, weights=w),
            fit=distribution.fit_lognormal(d, weights=w, replicates=0),
            plain_mean=float(d.mean()) if w is not None and len(d) else None,
            largest=report.largest_of(found.counted) if found is not None else None,
            shares=outliers.g_classes(areas / NM_PER_MM**2, weights=w) if unit == "nm" else None,
            unfolded=report.unfolded(d, choices),
        )


def distribution_text(shown: Shown) -> str:
    """Say in a few lines what the diameters show."""
    summary, fit, unit = shown.summary, shown.fit, shown.unit
    if not summary.count:
        return "No grain is left: there is no distribution."
    d10, d50, d90 = summary.percentiles
    by_area = f"mean by area {number(summary.area_weighted_mean)} {unit}"
    if shown.plain_mean is not None:
        # Elsewhere the plain mean is shown: a number must not change without saying why.
        by_area += f", without the weights of the border {number(shown.plain_mean)} {unit}"
    interval = f" (95 %: {number(summary.mean_low)} to {number(summary.mean_high)})"
    lines = [
        f"<b>mean ECD {number(summary.mean)} {unit}</b>{interval if math.isfinite(summary.mean_low) else ''}",
        by_area,
        f"D10, D50, D90: {number(d10)}, {number(d50)}, {number(d90)} {unit}",
    ]
    if math.isfinite(fit.sample_sigma):
        goodness = f", p = {fit.p:.2g}" if math.isfinite(fit.p) else ""
        lines += [
            f"lognormal mean {number(fit.mean)} {unit} (95 %: {number(fit.mean_low)} to "
            f"{number(fit.mean_high)})",
            f"µ = {fit.mu:.3f} ({fit.mu_low:.3f} to {fit.mu_high:.3f}), "
            f"σ = {fit.sample_sigma:.3f} ({fit.sigma_low:.3f} to {fit.sigma_high:.3f})",  # noqa: RUF001
            f"distance of Kolmogorov and Smirnov {fit.distance:.3f}{goodness}",
        ]
    else:
        lines.append("too few different grains for a fit")
    if shown.unfolded is not None:
        spheres = shown.unfolded
        lines.append(
            f"mean diameter of the spheres {number(spheres.mean)} {unit}, green "
            f"({100 * spheres.negative:.1f} % came out below 0)"
        )
    return "<br>".join([*lines, *_largest_text(shown.largest)])


def _largest_text(largest: Largest | None) -> list[str]:
    """Say how far the largest of all grains is from the others."""
    if largest is None:
        return []
    diameter = 2 * math.sqrt(largest.area_mm2 / math.pi) * NM_PER_MM
    bound = ", cut: a lower bound" if largest.lower_bound else ""
    apart = (
        f"{largest.outliers} stand{'s' if largest.outliers == 1 else ''} apart (E930), with "
        f"{100 * largest.outliers_share:.1f} % of the area"
        if largest.applies
        else "none stands apart (E930)"
    )
    others = f"; the others {largest.matrix_g:.2f}: {apart}" if math.isfinite(largest.matrix_g) else ""
    return [f"largest of all grains {number(diameter)} nm, G {largest.g:.2f}{bound}{others}"]


def method_text(found: GrainSize) -> str:
    """Give formula, counts and limits of one method."""
    inputs = " · ".join(counted(name, number(value)) for name, value in found.inputs.items())
    notes = "".join(f"<br>• {note}" for note in found.notes)
    return f"<b>{found.method}</b>: {found.size_is}<br><i>{found.formula}</i><br>{inputs}{notes}"


def why_text(methods: list[GrainSize]) -> str:
    """Say why the methods differ, with the numbers of this image."""
    side, intercept = methods[0].size, methods[1].size
    general = (
        "Each method measures another length. <b>Areas</b> give the side of a square of the mean area, "
        "<b>intercepts</b> the mean chord, which is shorter. The <b>mean diameter</b> leaves out grains that "
        "the border cuts, mostly large ones."
    )
    if not (math.isfinite(side) and math.isfinite(intercept)):
        return general
    ratio = intercept / side
    offset = g_of_intercept(ratio) - g_of_area(1.0)
    return (
        f"{general}<br>Here chord / side is <b>{ratio:.3f}</b>. With 0.891 both would give one G; regular "
        f"hexagons have 0.844, random cells 0.785. So G by intercepts differs by {offset:+.2f} from that by "
        "areas. That is geometry and no error: name the method, do not average."
    )


def number(value: float) -> str:
    """Give a number with four figures, or a dash where it is undefined."""
    if not math.isfinite(value):
        return "–"  # noqa: RUF001
    if abs(value) < 1e7 and (value == round(value) or abs(value) >= 1e4):
        return f"{value:,.0f}".replace(",", "\N{THIN SPACE}")
    return f"{value:#.4g}".removesuffix(".")


def with_unit(value: float, unit: str) -> str:
    """Give a number with its unit, or a dash where it is undefined."""
    return f"{number(value)} {unit}" if math.isfinite(value) else number(value)


def cell(value: Any) -> str:
    """Give an entry of the table as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "cut" if value else ""
    return number(float(value))


def _unsure(table: pd.DataFrame, least: float) -> NDArray[np.bool_]:
    if "confidence" not in table:
        return np.zeros(len(table), np.bool_)
    unsure: NDArray[np.bool_] = ~(table["confidence"].to_numpy() >= least) & (least > 0)
    return unsure
