"""Grain size from how often test lines cross boundaries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from temgrains.statistics.field import from_crossings

if TYPE_CHECKING:
    from temgrains.statistics.field import Field, GrainSize
    from temgrains.statistics.network import Network

FEWEST_LINE_CROSSINGS = 50
FEWEST_CIRCLE_CROSSINGS = 35
DIRECTIONS = (0.0, 22.5, 45.0, 67.5, 90.0, 112.5, 135.0, 157.5)
"""Of the test lines, from the image's rows [degrees]."""
ABRAMS = (1 / 3, 2 / 3, 1.0)
"""Diameters of the three circles, as shares of the largest."""

_SAMPLES_PER_PX = 4


def heyn(field: Field, network: Network) -> GrainSize:
    """Count what parallel lines in eight directions, one pixel apart, cross.

    Notes
    -----
    The lines cross polygons, not labels: labels sampled along oblique lines miss or repeat crossings. The
    directions are turned counter-clockwise from the image's rows; ``anisotropy`` is the largest of their mean
    intercepts by the smallest. Neighbouring lines see the same grains, so the number of crossings says
    nothing about the scatter; that of several fields does.
    """
    unit, spacing = field.unit, min(field.pixel)
    length = field.area / spacing
    crossings = np.array([line_crossings(network, degrees=d, spacing=spacing) for d in DIRECTIONS])
    with np.errstate(divide="ignore", invalid="ignore"):
        intercepts = length / crossings
    inputs: dict[str, float] = {"P": int(crossings.sum()), f"L_{unit}": length * len(DIRECTIONS)}
    for degrees, intercept in zip(DIRECTIONS, intercepts, strict=True):
        inputs[f"l_{degrees:g}deg_{unit}"] = float(intercept) if math.isfinite(intercept) else math.nan
    inputs["anisotropy"] = float(intercepts.max() / intercepts.min()) if crossings.all() else math.nan
    inputs[f"P_L_per_{unit}"] = inputs["P"] / inputs[f"L_{unit}"] if length > 0 else math.nan
    formula = "P_L = P / L over all directions; mean intercept = 1 / P_L"
    notes = _too_few(inputs["P"], FEWEST_LINE_CROSSINGS)
    return from_crossings("intercepts, lines (Heyn)", formula, inputs, unit=unit, notes=notes)


def line_crossings(network: Network, *, degrees: float, spacing: float) -> int:
    """Count how often parallel lines cross the polygons of the boundaries.

    Parameters
    ----------
    network
        Boundaries as polygons.
    degrees
        Direction of the lines, counter-clockwise from the image's rows.
    spacing
        Distance between the lines, in the network's unit.
    """
    across = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]) / spacing
    # A quarter off, so that no line runs along boundaries that follow the pixels.
    below = np.floor(network.starts @ across + 0.25), np.floor(network.ends @ across + 0.25)
    return int(np.abs(below[1] - below[0]).sum())


def hilliard(field: Field, network: Network) -> GrainSize:
    """Count what one circle, the largest that the image holds, crosses."""
    return _circles("intercepts, circle (Hilliard)", field, network, (1.0,))


def abrams(field: Field, network: Network) -> GrainSize:
    """Count what three concentric circles, diameters 1 : 2 : 3, cross; the largest fills the image."""
    return _circles("intercepts, three circles (Abrams)", field, network, ABRAMS)


def boundary_density(field: Field, network: Network) -> GrainSize:
    """Turn the length of the boundaries per area, L_A, into what random lines would cross (ASTM E1382)."""
    unit, length = field.unit, float(network.lengths.sum())
    per_area = length / field.area if field.area > 0 else math.nan
    inputs = {
        f"L_{unit}": length,
        f"A_{unit}2": field.area,
        f"L_A_per_{unit}": per_area,
        f"S_V_per_{unit}": 4 / math.pi * per_area,
        f"P_L_per_{unit}": 2 / math.pi * per_area,
    }
    formula = "L_A = L / A; P_L = 2 L_A / pi; mean intercept = 1 / P_L; S_V = 4 L_A / pi"
    return from_crossings("boundary length per area", formula, inputs, unit=unit)


def circle_of(field: Field) -> tuple[tuple[float, float], float]:
    """Give centre and radius of the largest circle that the image holds, in the field's unit."""
    (rows, columns), (height, width) = field.cells.shape, field.pixel
    return (rows * height / 2, columns * width / 2), min((rows - 1) * height, (columns - 1) * width) / 2


def circle_crossings(network: Network, *, centre: tuple[float, float], radius: float) -> int:
    """Count how often a circle crosses the polygons of the boundaries; a touch is no crossing.

    Parameters
    ----------
    network
        Boundaries as polygons.
    centre, radius
        Row and column of the centre, and the radius, in the network's unit.
    """
    start = network.starts - np.array(centre)
    way = network.ends - network.starts
    # |start + t way|^2 = radius^2 for t in [0, 1): where polygons bend, the next side counts.
    a, b = (way**2).sum(axis=1), (start * way).sum(axis=1)
    c = (start**2).sum(axis=1) - radius**2
    under = b**2 - a * c
    crossing = (under > 0) & (a > 0)
    a, b, root = a[crossing], b[crossing], np.sqrt(under[crossing])
    return sum(int(np.count_nonzero((t >= 0) & (t < 1))) for t in ((-b - root) / a, (-b + root) / a))


def _circles(method: str, field: Field, network: Network, shares: tuple[float, ...]) -> GrainSize:
    centre, largest = circle_of(field)
    crossings, length = 0, 0.0
    for share in shares:
        crossings += circle_crossings(network, centre=centre, radius=share * largest)
        length += 2 * math.pi * share * largest * _covered(field, centre, share * largest)
    unit = field.unit
    inputs: dict[str, float] = {"P": crossings, f"L_{unit}": length, f"largest_diameter_{unit}": 2 * largest}
    inputs[f"P_L_per_{unit}"] = crossings / length if length > 0 else math.nan
    formula = "mean intercept = L / P; L is the length of the circles"
    notes = _too_few(crossings, FEWEST_CIRCLE_CROSSINGS)
    return from_crossings(method, formula, inputs, unit=unit, notes=notes)


def _covered(field: Field, centre: tuple[float, float], radius: float) -> float:
    """Give the share of a circle that lies on grains."""
    if field.whole_image:
        return 1.0
    count = max(16, math.ceil(2 * math.pi * radius / min(field.pixel) * _SAMPLES_PER_PX))
    angles = 2 * math.pi * np.arange(count) / count
    rows = ((centre[0] + radius * np.sin(angles)) / field.pixel[0]).astype(np.intp)
    columns = ((centre[1] + radius * np.cos(angles)) / field.pixel[1]).astype(np.intp)
    return float((field.cells[rows, columns] > 0).mean())


def _too_few(crossings: float, least: int) -> tuple[str, ...]:
    return (f"{crossings:g} crossings; at least {least} are asked for",) if 0 < crossings < least else ()
