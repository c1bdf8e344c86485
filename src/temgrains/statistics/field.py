"""One micrograph's grains, ready to be counted, and what each method makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from temgrains.sizes import Prepared, check_pixel_size
from temgrains.statistics.astm import NM_PER_MM, g_of_density, g_of_intercept, remark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Grains, LabelArray, MaskArray, PixelSize

UNCALIBRATED = "G is undefined: the size of a pixel is not known"


@dataclass(frozen=True, slots=True)
class Field:
    """The grains of one image as methods count them.

    ``cells`` is int32, shape (H, W): the `temgrains.sizes.partition` of the labels, numbered from 1 without
    gaps; 0 is ground that belongs to no grain. ``areas`` are the grains' areas [px^2]. ``cut`` tells which
    of them the image border or such ground cuts, ``sides`` the height and width of their boxes [px], (N, 2).
    """

    cells: LabelArray = field(repr=False)
    areas: NDArray[np.float64] = field(repr=False)
    cut: MaskArray = field(repr=False)
    sides: NDArray[np.int64] = field(repr=False)
    pixel_size: PixelSize | None = None

    @classmethod
    def of(
        cls, grains: Grains, *, pixel_size: PixelSize | None = None, prepared: Prepared | None = None
    ) -> Field:
        """Prepare labelled grains; see `temgrains.sizes.measure` for what is refused.

        Parameters
        ----------
        grains
            Labelled grains; numbers without pixels are left out.
        pixel_size
            Height and width of a pixel [nm], or None when unknown; all sizes are in px then.
        prepared
            What `temgrains.sizes.Prepared` makes of the grains, where it is known already.
        """
        check_pixel_size(pixel_size)
        prepared = prepared or Prepared.of(grains)
        found = prepared.moments[0]
        there = found > 0
        numbers = np.concatenate([[0], np.cumsum(there) * there]).astype(np.int32)
        cells: LabelArray = numbers[prepared.cells]
        return cls(cells, found[there], _cut(cells, int(there.sum())), _sides(cells), pixel_size)

    @property
    def pixel(self) -> PixelSize:
        """Height and width of a pixel, in `unit`."""
        return self.pixel_size or (1.0, 1.0)

    @property
    def unit(self) -> str:
        """The unit of all lengths: nm where the scale is known, else px."""
        return "px" if self.pixel_size is None else "nm"

    @property
    def pixel_area(self) -> float:
        """Area of a pixel, in the square of `unit`."""
        return self.pixel[0] * self.pixel[1]

    @property
    def area(self) -> float:
        """Area of all grains, without ground that belongs to none."""
        return float(np.count_nonzero(self.cells)) * self.pixel_area

    @property
    def whole_image(self) -> bool:
        """Whether each pixel belongs to a grain."""
        return bool(self.cells.all())

    @property
    def whole_areas(self) -> NDArray[np.float64]:
        """Areas of the grains that nothing cuts, in the square of `unit`."""
        areas: NDArray[np.float64] = self.areas[~self.cut] * self.pixel_area
        return areas


@dataclass(frozen=True, slots=True)
class GrainSize:
    """What one method found.

    ``size`` is a length in ``unit`` (nm, or px where the scale is unknown): the square root of the mean area
    or the mean intercept, as ``size_is`` says; NaN where nothing could be counted. ``g`` is the ASTM grain
    size number, NaN without a scale. ``inputs`` are the counts and areas that ``formula`` was given, with
    their units. ``notes`` are sentences on what limits the result.
    """

    method: str
    formula: str
    inputs: dict[str, float]
    size: float
    size_is: str
    unit: str
    g: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; what is not finite becomes None."""
        plain = {key: getattr(self, key) for key in ("method", "formula", "size_is", "unit")}
        numbers = {"size": self.size, "g": self.g, **self.inputs}
        finite = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
        inputs = {key: finite[key] for key in self.inputs}
        return {
            **plain,
            "size": finite["size"],
            "g": finite["g"],
            "inputs": inputs,
            "notes": list(self.notes),
        }


def from_count(
    method: str, formula: str, inputs: dict[str, float], *, unit: str, notes: tuple[str, ...] = ()
) -> GrainSize:
    """Make a result of ``inputs["N"]`` grains on the area ``inputs["A_nm2"]`` or ``inputs["A_px2"]``."""
    count, area = inputs["N"], inputs[f"A_{unit}2"]
    defined = count > 0 and area > 0
    density = count / area if defined else math.nan
    g = g_of_density(density * NM_PER_MM**2) if unit == "nm" else math.nan
    inputs = {**inputs, f"N_A_per_{unit}2": density}
    size = density**-0.5
    notes = (*notes, *_remarks(g, unit, defined))
    return GrainSize(method, formula, inputs, size, "square root of the mean area", unit, g, notes)


def from_crossings(
    method: str, formula: str, inputs: dict[str, float], *, unit: str, notes: tuple[str, ...] = ()
) -> GrainSize:
    """Make a result of ``inputs["P_L_per_nm"]`` or ``inputs["P_L_per_px"]`` crossings per length."""
    per_length = inputs[f"P_L_per_{unit}"]
    defined = per_length > 0
    size = 1 / per_length if defined else math.nan
    g = g_of_intercept(size / NM_PER_MM) if unit == "nm" else math.nan
    notes = (*notes, *_remarks(g, unit, defined))
    return GrainSize(method, formula, inputs, size, "mean intercept", unit, g, notes)


def _remarks(g: float, unit: str, defined: bool) -> tuple[str, ...]:
    if not defined:
        return ("nothing could be counted: size and G are undefined",)
    said = UNCALIBRATED if unit != "nm" else remark(g)
    return (said,) if said else ()


def _sides(cells: LabelArray) -> NDArray[np.int64]:
    boxes = ndimage.find_objects(cells)
    sides = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes]
    return np.array(sides, np.int64).reshape(-1, 2)


def _cut(cells: LabelArray, count: int) -> MaskArray:
    """Tell which grains touch the image border, or ground of no grain, with a side of a pixel."""
    cut = np.zeros(count + 1, np.bool_)
    for edge in (cells[:1], cells[-1:], cells[:, :1], cells[:, -1:]):
        cut[edge] = True
    if not cells.all():
        cut[cells[ndimage.binary_dilation(cells == 0)]] = True
    marked: MaskArray = cut[1:]
    return marked
