"""Figures for papers: map of grain sizes, histogram with fit, cumulative shares, Q-Q plot, G, neighbours."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator
from scipy import stats

from temgrains.files import saving
from temgrains.statistics import distribution
from temgrains.statistics.report import weights_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from temgrains.statistics.report import SizeStatistics

_WIDTH_MM, _ROW_MM = 180, 215 / 3
"""Of the figure, and of two panels beside each other."""
_ALONE_MM = 110
"""Height of a figure of one panel."""
_DPI = 300
_STYLE: Any = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "svg.hashsalt": "temgrains",  # the same identifiers each time
    "svg.fonttype": "none",
}


def draw(found: SizeStatistics, kind: str, *, dpi: int = _DPI) -> bytes:
    """Give the figure as "png" or "svg"."""
    with mpl.rc_context(_STYLE):
        figure = _figure(found)
        made = io.BytesIO()
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(made, format=kind, dpi=dpi, metadata=metadata)
    return made.getvalue()


def write_figure(path: str | Path, found: SizeStatistics, kind: str) -> None:
    """Write the figure as "png" or "svg".

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    made = draw(found, kind)
    with saving(path) as temporary:
        temporary.write_bytes(made)


@dataclass(frozen=True, slots=True)
class _Panel:
    """One plot: what it shows, in words, and what draws it."""

    shows: str
    draw: Callable[[Axes, SizeStatistics], None]


def _figure(found: SizeStatistics) -> Figure:
    panels = _panels(found)
    rows, columns = -(-len(panels) // 2), min(len(panels), 2)
    height = rows * _ROW_MM if columns > 1 else _ALONE_MM
    figure = Figure(figsize=(_WIDTH_MM / 25.4, height / 25.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, letter, panel in zip(axes, "abcdef", panels, strict=False):
        panel.draw(axis, found)
        if len(panels) > 1:
            axis.set_title(letter, loc="left", fontweight="bold")
    for axis in axes[len(panels) :]:
        axis.remove()
    return figure


def caption(found: SizeStatistics) -> str:
    """Say what the panels of the figure show; those that would be empty are left out of both."""
    panels = _panels(found)
    if len(panels) == 1:
        return f"{panels[0].shows[0].upper()}{panels[0].shows[1:]}."
    return " ".join(f"{letter}: {panel.shows}." for letter, panel in zip("abcdef", panels, strict=False))


def _panels(found: SizeStatistics) -> list[_Panel]:
    """Give the plots that these grains have something to show in."""
    panels = [_Panel("grains by equivalent circle diameter (ECD)", _map)]
    diameters = found.diameters
    if len(diameters) > 1 and np.ptp(diameters) > 0:
        panels += [
            _Panel("histogram of whole grains with the fitted lognormal distribution", _histogram),
            _Panel("cumulative shares", _cumulative),
            _Panel("quantiles against those of a normal distribution of ln(ECD)", _quantiles),
        ]
    # Without a pixel size there is no G.
    if found.content["distribution"].get("area_share_by_g"):
        panels.append(_Panel("share of the area of whole grains in each whole ASTM G", _kinds))
    if found.content["network"]["neighbours"]["shares"]:
        panels.append(_Panel("whole grains by their number of neighbours", _neighbours))
    return panels


def _map(axis: Axes, found: SizeStatistics) -> None:
    counted = found.counted
    rows, columns = counted.cells.shape
    ecd = np.concatenate([[np.nan], 2 * np.sqrt(counted.areas * counted.pixel_area / np.pi)])
    step = max(1, round(max(rows, columns) / 1200))
    labels = found.labelled.grains.labels[::step, ::step]
    shown = np.where(labels > 0, ecd[counted.cells[::step, ::step]], np.nan)
    extent = (0, columns * counted.pixel[1], rows * counted.pixel[0], 0)
    drawn = axis.imshow(shown, cmap="viridis", extent=extent, interpolation="nearest")
    axis.set_xlabel(f"x [{counted.unit}]")
    axis.set_ylabel(f"y [{counted.unit}]")
    if np.isfinite(shown).any():
        axis.figure.colorbar(drawn, ax=axis, label=f"ECD [{counted.unit}]")


def _fit(found: SizeStatistics) -> distribution.Lognormal:
    return distribution.fit_lognormal(found.diameters, weights=weights_of(found.counted), replicates=0)


def _histogram(axis: Axes, found: SizeStatistics) -> None:
    fit = _fit(found)
    bins = distribution.histogram(found.diameters)
    width = bins.edges[1] - bins.edges[0]
    axis.bar(
        bins.edges[:-1], bins.by_number / width, width, align="edge", color="0.75", edgecolor="0.3", lw=0.5
    )
    x = np.linspace(bins.edges[-1] / 300, bins.edges[-1], 300)
    law = stats.lognorm(fit.sigma, scale=fit.median)
    label = f"lognormal: $\\mu$ = {fit.mu:.3f}, $\\sigma$ = {fit.sample_sigma:.3f}"
    axis.plot(x, law.pdf(x), "C3", lw=1.2, label=label)
    axis.margins(y=0.25)
    axis.set_xlabel(f"ECD [{found.counted.unit}]")
    axis.set_ylabel(f"density [1/{found.counted.unit}]")
    axis.legend(frameon=False, title=f"{fit.count} whole grains", loc="upper right")


def _cumulative(axis: Axes, found: SizeStatistics) -> None:
    fit = _fit(found)
    rising, number, area = distribution.cumulative(found.diameters)
    axis.step(rising, 100 * number, "0.2", where="post", lw=1, label="by number")
    axis.step(rising, 100 * area, "C0", where="post", lw=1, label="by area")
    axis.plot(
        rising, 100 * stats.lognorm(fit.sigma, scale=fit.median).cdf(rising), "C3", lw=1, label="lognormal"
    )
    axis.set_xlabel(f"ECD [{found.counted.unit}]")
    axis.set_ylabel("cumulative share [%]")
    axis.set_xlim(0)
    axis.set_ylim(0, 100)
    axis.legend(frameon=False)


def _quantiles(axis: Axes, found: SizeStatistics) -> None:
    fit = _fit(found)
    normal, logs = distribution.quantiles(found.diameters)
    axis.plot(normal, np.exp(logs), ".", color="0.3", ms=3)
    ends = np.array([normal[0], normal[-1]])
    axis.plot(ends, np.exp(fit.mu + fit.sigma * ends), "C3", lw=1)
    axis.set_yscale("log")
    for kind, subs in (("major", (1.0,)), ("minor", (2.0, 3.0, 5.0))):
        getattr(axis.yaxis, f"set_{kind}_locator")(LogLocator(subs=subs))
        getattr(axis.yaxis, f"set_{kind}_formatter")(FormatStrFormatter("%g"))
    axis.set_xlabel("quantile of the normal distribution")
    axis.set_ylabel(f"ECD [{found.counted.unit}]")


def _kinds(axis: Axes, found: SizeStatistics) -> None:
    """Show two kinds of grain, which diameters by number hide."""
    _bars(axis, found.content["distribution"]["area_share_by_g"])
    axis.invert_xaxis()  # coarse grains to the right, as above
    axis.set_xlabel("ASTM G, whole numbers")
    axis.set_ylabel("share of the area [%]")


def _neighbours(axis: Axes, found: SizeStatistics) -> None:
    _bars(axis, found.content["network"]["neighbours"]["shares"])
    axis.set_xlabel("neighbours of a grain")
    axis.set_ylabel("share of the grains [%]")


def _bars(axis: Axes, shares: dict[str, float]) -> None:
    """Draw the shares of whole numbers."""
    numbers = [int(number) for number in shares]
    axis.bar(numbers, [100 * share for share in shares.values()], 0.9, color="0.6")
    axis.set_xlim(min(numbers) - 1, max(numbers) + 1)  # of one bar alone the ticks would be fractions
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
