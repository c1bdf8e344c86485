"""How large the grains are and where they lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from temgrains._compiled import compiled
from temgrains.records import Grains, GrainSizes, PixelSize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray, MaskArray

_SIDES_THEN_CORNERS = np.array(
    [[(-1, 0), (0, -1), (0, 1), (1, 0)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]]
)  # (row, column) steps


def measure(grains: Grains, *, pixel_size: PixelSize | None = None) -> GrainSizes:
    """Measure each grain's area, equivalent circle diameter and centroid.

    Parameters
    ----------
    grains
        Labelled grains.
    pixel_size
        Height and width of a pixel [nm], or None when unknown; then there are no columns in nm.

    Returns
    -------
    GrainSizes
        One row per grain: ``grain`` (its label), ``area_px2``, ``ecd_px`` (diameter of the circle of equal
        area), ``row_px`` and ``column_px`` (centroid; the first pixel's centre is 0), ``on_border``, and
        where the pixel size is known ``area_nm2``, ``ecd_nm``, ``row_nm``, ``column_nm``. No grains make an
        empty table. The length of the boundaries is that of the pixels labelled 0 (see `boundary_length`).

    Raises
    ------
    ValueError
        If the pixel size is not two positive numbers, or a label is higher than the number of grains.

    Notes
    -----
    A boundary has no width of its own: each pixel of a line belongs in equal shares to the grains at its
    four sides, or, where lines cross and there is none, to those at its corners. So the areas add up to the
    image's, and no direction is favoured. Pixels of label 0 that touch no grain belong to none.
    """
    _check(grains, pixel_size)
    labels = np.pad(grains.labels, 1)
    area, row, column = _moments(labels, grains.count)
    with np.errstate(invalid="ignore"):  # a label without pixels has no centroid: NaN
        row, column = row / area, column / area
    table = {
        "grain": np.arange(1, grains.count + 1),
        "area_px2": area,
        "ecd_px": _diameter(area),
        "row_px": row,
        "column_px": column,
        "on_border": grains.on_border,
    }
    if pixel_size is not None:
        height, width = pixel_size
        table |= {
            "area_nm2": area * height * width,
            "ecd_nm": _diameter(area * height * width),
            "row_nm": row * height,
            "column_nm": column * width,
        }
    lines = grains.labels == 0
    return GrainSizes(
        table=pd.DataFrame(table),
        pixel_size=pixel_size,
        boundary_length_px=boundary_length(lines),
        boundary_length_nm=None if pixel_size is None else boundary_length(lines, pixel_size=pixel_size),
    )


def boundary_length(mask: MaskArray, *, pixel_size: PixelSize | None = None) -> float:
    """Give the length of lines one pixel wide [px], or [nm] where the scale is known.

    Neighbouring pixels of a line are one step apart, diagonal ones the diagonal of a pixel. A diagonal step
    is only counted where no straight way of two steps joins the same pixels.
    """
    height, width = pixel_size or (1.0, 1.0)
    down, right = mask[:-1] & mask[1:], mask[:, :-1] & mask[:, 1:]
    falling = mask[:-1, :-1] & mask[1:, 1:] & ~(mask[:-1, 1:] | mask[1:, :-1])
    rising = mask[:-1, 1:] & mask[1:, :-1] & ~(mask[:-1, :-1] | mask[1:, 1:])
    diagonal = math.hypot(height, width)
    return float(
        height * down.sum() + width * right.sum() + diagonal * (int(falling.sum()) + int(rising.sum()))
    )


def _check(grains: Grains, pixel_size: PixelSize | None) -> None:
    highest = int(grains.labels.max(initial=0))
    if highest > grains.count:
        raise ValueError(
            f"label {highest} is higher than the number of grains, {grains.count}; label them again"
        )
    if pixel_size is not None:
        sides = np.asarray(pixel_size, np.float64)
        if sides.shape != (2,) or not (np.isfinite(sides) & (sides > 0)).all():
            raise ValueError(f"pixel_size is {pixel_size!r}; it must be (height, width) in nm, both above 0")


def _diameter(area: NDArray[np.float64]) -> NDArray[np.float64]:
    diameter: NDArray[np.float64] = 2 * np.sqrt(area / np.pi)
    return diameter


@compiled
def _moments(
    labels: LabelArray, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Area, sum of rows and sum of columns per grain, of labels with one pixel of padding."""
    area, rows, columns = np.zeros(count + 1), np.zeros(count + 1), np.zeros(count + 1)
    touching = np.zeros(4, np.int64)
    for row in range(labels.shape[0] - 2):
        for column in range(labels.shape[1] - 2):
            label = labels[row + 1, column + 1]
            if label > 0:
                area[label] += 1
                rows[label] += row
                columns[label] += column
                continue
            found = _beside(labels, row + 1, column + 1, touching)
            for grain in touching[:found]:
                area[grain] += 1 / found
                rows[grain] += row / found
                columns[grain] += column / found
    return area[1:], rows[1:], columns[1:]


@compiled
def _beside(labels: LabelArray, row: int, column: int, touching: NDArray[np.int64]) -> int:
    """List the different grains at a pixel's sides, or else at its corners; give their number."""
    found = 0
    for steps in _SIDES_THEN_CORNERS:
        for step in steps:
            label = labels[row + step[0], column + step[1]]
            known = label == 0
            for grain in touching[:found]:
                known = known or grain == label
            if not known:
                touching[found] = label
                found += 1
        if found > 0:
            break
    return found
