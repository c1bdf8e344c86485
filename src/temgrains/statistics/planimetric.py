"""Grain size from the number of grains on an area."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from temgrains.statistics.field import from_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.statistics.field import Field, GrainSize

FEWEST_GRAINS = 50
"""Grains per field that ASTM E112 asks for."""
LARGEST_BOX = 0.9
"""Share of the image's side beyond which the box of a grain no longer weighs more."""

_PARTLY_COVERED = "parts of the image belong to no grain; what they cut counts one half, as at the border"
_CLOSED = "one grain too many on average, for the circle is closed"
_NO_WEIGHT = "parts of the image belong to no grain, and what they cut has no known weight"


def jeffries_count(inside: float, cut: float, *, unbiased: bool = False) -> float:
    """Count grains in a circle after Jeffries: each grain that the circle cuts is one half.

    The sum is one grain too high on average, for the circle is closed; `unbiased` takes it off.
    """
    return inside + cut / 2 - (1 if unbiased else 0)


def saltykov_count(inside: float, edge: float, *, corners: int = 4) -> float:
    """Count grains in a rectangle: at its edge each is one half, at its corners one quarter per corner."""
    return inside + edge / 2 + corners / 4


def triple_point_count(points: float, *, unbiased: bool = False) -> float:
    """Count grains by triple points, two of them per grain; the method's own formula adds 1 (a bias)."""
    return points / 2 + (0 if unbiased else 1)


def saltykov(field: Field) -> GrainSize:
    """Count the grains of the whole image: inside 1, at the edge 1/2, at the four corners 1/4 each."""
    corners = field.cells[[0, 0, -1, -1], [0, -1, 0, -1]]
    at_corner = np.zeros(len(field.cut) + 1, np.bool_)
    at_corner[corners] = True
    inside = int(np.count_nonzero(~field.cut))
    edge = int(np.count_nonzero(field.cut & ~at_corner[1:]))
    held = int(np.count_nonzero(corners))
    inputs: dict[str, float] = {"N_inside": inside, "N_edge": edge, "corners": held}
    inputs["N"] = saltykov_count(inside, edge, corners=held)
    return _counted(
        "planimetric, Saltykov rectangle",
        "N = N_inside + N_edge / 2 + corners / 4; N_A = N / A",
        inputs,
        field,
        area=field.area,
        notes=_covered(field),
    )


@dataclass(frozen=True, slots=True)
class InCircle:
    """What the largest circle in an image holds: whole grains, cut ones, and pixels of grains."""

    inside: int
    cut: int
    pixels: int

    @classmethod
    def of(cls, field: Field) -> InCircle:
        """Count the grains of a field."""
        total = np.bincount(field.cells.ravel(), minlength=len(field.cut) + 1)[1:]
        within = np.bincount(field.cells[_largest_disk(field)], minlength=len(field.cut) + 1)[1:]
        whole = (within == total) & ~field.cut
        cut = np.count_nonzero((within > 0) & ~whole)
        return cls(int(np.count_nonzero(whole)), int(cut), int(within.sum()))


def jeffries(field: Field, *, unbiased: bool = False, counted: InCircle | None = None) -> GrainSize:
    """Count the grains in the largest circle that the image holds; cut ones are one half.

    Parameters
    ----------
    field
        The grains of one image.
    unbiased
        Whether the one grain is taken off that the closed circle adds on average.
    counted
        What `InCircle.of` gave, where it is known already.
    """
    held = counted or InCircle.of(field)
    inputs: dict[str, float] = {"N_inside": held.inside, "N_cut": held.cut}
    inputs["N"] = jeffries_count(held.inside, held.cut, unbiased=unbiased)
    return _counted(
        f"planimetric, Jeffries circle{', less 1' if unbiased else ''}",
        f"N = N_inside + N_cut / 2{' - 1' if unbiased else ''}; N_A = N / A",
        inputs,
        field,
        area=held.pixels * field.pixel_area,
        notes=(*(() if unbiased else (_CLOSED,)), *_covered(field)),
    )


def interior(field: Field) -> GrainSize:
    """Take the mean area of the grains that nothing cuts (ASTM E1382); large ones are cut more often."""
    areas = field.whole_areas
    return _counted(
        "interior areas (E1382)",
        "mean area = A / N; A is the area of the N whole grains",
        {"N": len(areas)},
        field,
        area=float(areas.sum()),
        notes=("biased to small grains, for large ones are cut by the border more often",),
    )


def miles_lantuejoul(field: Field) -> GrainSize:
    """Weigh each whole grain by how rarely one of its box lies inside the image.

    Notes
    -----
    In an image of H x W pixels a box of h x w pixels that touches no border has (H - h - 1) (W - w - 1)
    places of about H W; the inverse share is the weight. Undefined where ground of no grain cuts grains.
    """
    weights, capped = border_weights(field)
    defined = field.whole_image
    notes: tuple[str, ...] = () if defined else (_NO_WEIGHT,)
    if capped:
        notes += (f"{capped} grains are nearly as large as the image; their weight is a lower bound",)
    weighted = float((weights * field.whole_areas).sum())
    inputs: dict[str, float] = {"N_whole": len(weights), "N": float(weights.sum()) if defined else math.nan}
    if len(weights) and defined:
        inputs[f"mean_area_{field.unit}2"] = weighted / float(weights.sum())
    return _counted(
        "planimetric, Miles-Lantuejoul",
        "N = sum of H W / ((H - h - 1) (W - w - 1)) over whole grains; N_A = N / A",
        inputs,
        field,
        area=field.area,
        notes=notes,
    )


def border_weights(field: Field) -> tuple[NDArray[np.float64], int]:
    """Give the Miles-Lantuejoul weights of the whole grains, and how many of them were capped."""
    share = (field.sides[~field.cut] + 1) / field.cells.shape
    capped = int(np.count_nonzero((share > LARGEST_BOX).any(axis=1)))
    weights: NDArray[np.float64] = 1 / (1 - np.minimum(share, LARGEST_BOX)).prod(axis=1)
    return weights, capped


def _covered(field: Field) -> tuple[str, ...]:
    return () if field.whole_image else (_PARTLY_COVERED,)


def _counted(
    method: str,
    formula: str,
    inputs: dict[str, float],
    field: Field,
    *,
    area: float,
    notes: tuple[str, ...] = (),
) -> GrainSize:
    if 0 < inputs["N"] < FEWEST_GRAINS:
        grains = "grain" if inputs["N"] == 1 else "grains"
        notes += (f"{inputs['N']:.4g} {grains}; E112 asks for {FEWEST_GRAINS} per field",)
    return from_count(method, formula, {**inputs, f"A_{field.unit}2": area}, unit=field.unit, notes=notes)


def _largest_disk(field: Field) -> NDArray[np.bool_]:
    """Mark the largest disk in the image that stays one pixel off its border."""
    (rows, columns), (high, wide) = field.cells.shape, field.pixel
    radius = min((rows / 2 - 1) * high, (columns / 2 - 1) * wide)
    down = (np.arange(rows) - (rows - 1) / 2) * high
    across = (np.arange(columns) - (columns - 1) / 2) * wide
    disk: NDArray[np.bool_] = down[:, None] ** 2 + across**2 <= max(radius, 0) ** 2
    return disk
