"""The table of grains, and the length of the lines between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from temgrains._compiled import compiled
from temgrains.records import Grains, GrainSizes, PixelSize
from temgrains.sizes.moments import ellipses, moments
from temgrains.sizes.outlines import Hulls, crofton_weights, crossings
from temgrains.sizes.partition import neighbours, partition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import GreyArray, LabelArray, MaskArray


EMPTY = "no pixel has this number: nothing but the area is defined"
CUT = "cut by the image border: a lower bound"
CUT_OR_EXCLUDED = "cut by the image border or by what is left out: a lower bound"
ROUND = "as long in all directions: no orientation"
ONLY_LINES = "no pixel off the lines: no mean grey"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What several measures of one map need, computed once.

    ``labels`` have -1 where no specimen is shown; ``cells`` are their `partition`, ``moments`` those of
    `temgrains.sizes.moments`.
    """

    labels: LabelArray = field(repr=False)
    cells: LabelArray = field(repr=False)
    moments: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, grains: Grains) -> Prepared:
        """Prepare labelled grains; see `measure` for what is refused."""
        _check(grains, None, None)
        labels = marked(grains)
        return cls(labels, partition(labels), moments(labels, grains.count))


def measure(
    grains: Grains, *, pixel_size: PixelSize | None = None, image: GreyArray | None = None
) -> GrainSizes:
    """Measure how large each grain is, what shape it has and where it lies.

    Parameters
    ----------
    grains
        Labelled grains.
    pixel_size
        Height and width of a pixel [nm], or None when unknown; then there are no columns in nm.
    image
        The micrograph, of the labels' shape, or None; then there is no mean grey.

    Returns
    -------
    GrainSizes
        One row per grain: ``grain`` (its label); ``area_px2``; ``ecd_px`` (diameter of the circle of equal
        area); ``perimeter_px`` (Crofton's formula); ``feret_max_px`` and ``feret_min_px`` (caliper
        diameters); ``major_axis_px`` and ``minor_axis_px`` (ellipse of equal second moments); ``row_px`` and
        ``column_px`` (centroid; the first pixel's centre is 0); ``aspect_ratio`` (of the axes);
        ``orientation_deg`` (major axis to the image's rows, counter-clockwise, 0 to 180);
        ``circularity`` (4 pi area / perimeter^2); ``solidity`` (area / area of the convex hull);
        ``neighbours`` (grains that share a boundary with it); ``on_border``; with an image ``mean_grey``;
        where the pixel size is known all lengths and areas in nm too; ``remark`` (why a value is missing or
        a bound, else ""). No grains make an empty table. The
        length of the boundaries is that of the pixels labelled 0 (see `boundary_length`).

    Raises
    ------
    ValueError
        If the pixel size is not two positive numbers, a label is negative or higher than the number of
        grains, or the image has another shape.

    Notes
    -----
    A boundary has no width of its own: each pixel of a line belongs in equal shares to the grains at its
    four sides, or, where lines cross and there is none, to those at its corners. So the areas add up to the
    image's, and no direction is favoured. Pixels of label 0 that touch no grain, and excluded ones, belong to
    none. Outlines run through the `partition`.

    Lengths in px take pixels as square. Aspect ratio, orientation, circularity and solidity are those of
    the real shape where the pixel size is known. On a few pixels the perimeter is coarse, and the
    circularity can exceed 1. A label without pixels has an area of 0 and otherwise NaN. The sizes of grains
    on the border are those of the part that is seen.
    """
    prepared = Prepared.of(grains)
    lines = prepared.labels == 0
    return GrainSizes(
        table=rows_of(grains, prepared, pixel_size=pixel_size, image=image),
        pixel_size=pixel_size,
        boundary_length_px=boundary_length(lines),
        boundary_length_nm=None if pixel_size is None else boundary_length(lines, pixel_size=pixel_size),
    )


def rows_of(
    grains: Grains,
    prepared: Prepared,
    *,
    pixel_size: PixelSize | None = None,
    image: GreyArray | None = None,
) -> pd.DataFrame:
    """Give the table of `measure` for grains that are prepared."""
    _check(grains, pixel_size, image)
    cells, count = prepared.cells, grains.count
    counted = prepared.moments, crossings(cells, count), Hulls(cells, count)
    row, column = prepared.moments[1:3]
    plain = _lengths(*counted, pixel_size=(1.0, 1.0))
    real = plain if pixel_size is None else _lengths(*counted, pixel_size=pixel_size)
    table: dict[str, NDArray[Any]] = {"grain": np.arange(1, grains.count + 1)}
    table |= _named(plain, "px") | {"row_px": row, "column_px": column}
    table |= _shapes(real) | {"neighbours": neighbours(cells, count), "on_border": grains.on_border}
    if image is not None:
        table["mean_grey"] = _mean_grey(grains, image)
    if pixel_size is not None:
        table |= _named(real, "nm") | {"row_nm": row * pixel_size[0], "column_nm": column * pixel_size[1]}
    table["remark"] = _remarks(table, CUT if grains.excluded is None else CUT_OR_EXCLUDED)
    return pd.DataFrame(table)


def marked(grains: Grains) -> LabelArray:
    """Give the labels with -1 where no specimen is shown."""
    return (
        grains.labels if grains.excluded is None else np.where(grains.excluded, np.int32(-1), grains.labels)
    )


def _lengths(
    moments: NDArray[np.float64],
    crossed: NDArray[np.int64],
    hulls: Hulls,
    *,
    pixel_size: PixelSize,
) -> dict[str, NDArray[np.float64]]:
    """Compute all that has a unit, in the unit of the pixel size."""
    area = moments[0] * (pixel_size[0] * pixel_size[1])
    empty = area == 0
    feret_max, feret_min, hull = hulls.calipers(pixel_size).T
    major, minor, orientation = ellipses(moments[3:], pixel_size=pixel_size)
    return {
        "area": area,
        "ecd": 2 * np.sqrt(area / np.pi),
        "perimeter": np.where(empty, np.nan, crossed @ crofton_weights(pixel_size)),
        "feret_max": feret_max,
        "feret_min": feret_min,
        "major_axis": major,
        "minor_axis": minor,
        "hull": hull,
        "orientation": orientation,
    }


def _named(lengths: dict[str, NDArray[np.float64]], unit: str) -> dict[str, NDArray[np.float64]]:
    """Columns with the unit in their names."""
    names = ("ecd", "perimeter", "feret_max", "feret_min", "major_axis", "minor_axis")
    return {f"area_{unit}2": lengths["area"], **{f"{name}_{unit}": lengths[name] for name in names}}


def _shapes(lengths: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Compute what has no unit."""
    with np.errstate(invalid="ignore"):
        return {
            "aspect_ratio": lengths["major_axis"] / lengths["minor_axis"],
            "orientation_deg": lengths["orientation"],
            "circularity": 4 * np.pi * lengths["area"] / lengths["perimeter"] ** 2,
            # The hull cuts a quarter pixel off each corner.
            "solidity": np.minimum(lengths["area"] / lengths["hull"], 1),
        }


def _remarks(table: dict[str, NDArray[Any]], cut: str) -> NDArray[Any]:
    """Say of each grain what limits its values."""
    empty = table["area_px2"] == 0
    limits = {cut: table["on_border"], ROUND: np.isnan(table["orientation_deg"])}
    if "mean_grey" in table:
        limits[ONLY_LINES] = np.isnan(table["mean_grey"])
    which = sum((held & ~empty) << bit for bit, held in enumerate(limits.values())) + (empty << len(limits))
    chosen = [
        "; ".join(text for bit, text in enumerate(limits) if k >> bit & 1) for k in range(2 ** len(limits))
    ]
    remarks: NDArray[Any] = np.array([*chosen, EMPTY], object)[which]
    return remarks


def _mean_grey(grains: Grains, image: GreyArray) -> NDArray[np.float64]:
    """Mean of the image over each grain without its lines."""
    sums, pixels = _grey_sums(grains.labels, image, grains.count)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = sums[1:] / pixels[1:]
    return mean


@compiled
def _grey_sums(
    labels: LabelArray, image: GreyArray, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    sums, pixels = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            label = labels[row, column]
            sums[label] += image[row, column]
            pixels[label] += 1
    return sums, pixels


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


def check_pixel_size(pixel_size: PixelSize | None) -> None:
    """Refuse what is no pixel size.

    Raises
    ------
    ValueError
        If it is neither None nor two positive numbers.
    """
    if pixel_size is not None:
        sides = np.asarray(pixel_size, np.float64)
        if sides.shape != (2,) or not (np.isfinite(sides) & (sides > 0)).all():
            raise ValueError(f"pixel_size is {pixel_size!r}; it must be (height, width) in nm, both above 0")


def _check(grains: Grains, pixel_size: PixelSize | None, image: GreyArray | None) -> None:
    lowest, highest = int(grains.labels.min(initial=0)), int(grains.labels.max(initial=0))
    if lowest < 0:
        raise ValueError(f"label {lowest} is negative; grains are numbered from 1, and 0 is boundary")
    if highest > grains.count:
        raise ValueError(
            f"label {highest} is higher than the number of grains, {grains.count}; label them again"
        )
    check_pixel_size(pixel_size)
    if image is not None and image.shape != grains.labels.shape:
        raise ValueError(
            f"the image has shape {image.shape}, the labels {grains.labels.shape}; they must be of one image"
        )
