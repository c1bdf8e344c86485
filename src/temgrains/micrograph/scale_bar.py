"""The scale bar that was burnt into a micrograph: how long it is, and what it and its label cover."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from temgrains.micrograph import bar_shapes
from temgrains.micrograph.calibration import checked_size, off, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temgrains.records import Box, GreyArray, MaskArray, Micrograph

SOURCE = "scale bar"
"""What a micrograph's ``calibration`` says then."""

_TOLERANCES = (0.004, 0.08)
"""How far from black or white a bar may be: as drawn, then as JPEG leaves it."""
_LETTER_MIN = 2
"""Lower specks beside a bar are no letters [px]."""

_EDGE_PX = 4
"""Width of the ragged edge of a grain as bright as the bar [px]."""
_CROSS = ndimage.generate_binary_structure(2, 1)
_SQUARE = ndimage.generate_binary_structure(2, 2)
_Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar found in a micrograph.

    ``row`` and ``column`` are those of its upper left pixel, ``height`` and ``length`` its size [px].
    ``mask`` is bool, shape (H, W): the bar, its label and the box they stand in, no part of the specimen.
    """

    row: int
    column: int
    height: int
    length: int
    mask: MaskArray = field(repr=False)

    @property
    def box(self) -> Box:
        """The rectangle that the mask is."""
        rows, columns = ndimage.find_objects(self.mask.astype(np.int8))[0]
        return int(rows.start), int(columns.start), int(rows.stop), int(columns.stop)

    def pixel_size(self, length_nm: float) -> float:
        """Give the size of a pixel [nm] from the length that the bar stands for.

        Parameters
        ----------
        length_nm
            As the label says it [nm].

        Raises
        ------
        ValueError
            If the length is not positive and finite.
        """
        if not (math.isfinite(length_nm) and length_nm > 0):
            raise ValueError(
                f"length_nm is {length_nm!r}; it must be a positive number of nm, as on the label"
            )
        return length_nm / self.length


def find_scale_bar(pixels: GreyArray) -> ScaleBar | None:
    """Find a horizontal scale bar, with or without ticks at its ends.

    Parameters
    ----------
    pixels
        The micrograph, shape (H, W), in [0, 1].

    Returns
    -------
    bar
        The longest that there is, None if there is none.

    Notes
    -----
    A bar is black or white, at least 20 px and at most 0.9 image widths long, and at least four times as long
    as high. The length counts the pixels that are as black or white as the rest of the bar, so that an end
    that was smoothed makes it up to 1 px shorter than it was drawn. Where no bar stands apart, bars from
    30 px on ground that is as black or white in part, such as saturated grains, are looked for; one end of
    which lies in ground of its own grey all over is not found.
    """
    found = next(filter(None, map(list, _found(pixels))), [])
    if not found:
        return None
    rows, columns, tolerance = max(found, key=lambda bar: bar[1].stop - bar[1].start)
    mask = _covered(pixels, (rows, columns), tolerance)
    return ScaleBar(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start, mask)


def _found(pixels: GreyArray) -> Iterator[Iterator[tuple[slice, slice, float]]]:
    """Look for bars in one way after the other; give rows, columns and tolerance of those of each."""
    for tolerance in _TOLERANCES:
        yield (
            (*shape, tolerance)
            for drawn in (pixels >= 1 - tolerance, pixels <= tolerance)
            for shape in bar_shapes.apart(drawn)
        )
    yield (
        (*shape, tolerance)
        for tolerance, full in zip(_TOLERANCES, (1.0, bar_shapes.FULL), strict=True)
        for drawn in (pixels >= 1 - tolerance, pixels <= tolerance)
        for shape in bar_shapes.on_like_ground(drawn, full=full)
    )


def left_out(bar: ScaleBar, length_nm: float) -> str:
    """Say in a sentence what the bar stands for, and what it covers."""
    return (
        f"the scale bar of {bar.length} px stands for {length_nm:.6g} nm; it and its label, "
        f"{bar.mask.mean():.1%} of the image, are left out"
    )


def with_scale_bar(
    micrograph: Micrograph, bar: ScaleBar, length_nm: float, *, keep_size: bool = False
) -> Micrograph:
    """Take the pixel size from a scale bar, and leave the bar and its label out of the analysis.

    Parameters
    ----------
    micrograph
        In which the bar was found.
    bar
        From `find_scale_bar`.
    length_nm
        As the label says it [nm].
    keep_size
        Whether the micrograph's own pixel size goes before that of the bar.

    Raises
    ------
    ValueError
        If the length is not positive, or makes pixels that cannot be.

    Notes
    -----
    The bar lies along the rows. If the micrograph knows that its pixels are not square, their ratio is kept.
    A size that is more than 2 % off the micrograph's own makes a note.
    """
    own = micrograph.pixel_size
    width = bar.pixel_size(length_nm)
    size = checked_size(width if own is None else (width * own[0] / own[1], width))
    notes = [left_out(bar, length_nm)]
    difference = None if own is None or size is None else off(size, own)
    if own is not None and size is not None and difference is not None:
        where = "typed" if micrograph.calibration == "typed" else f"of the {micrograph.calibration}"
        pixel = f"the scale bar's pixel of {shown(size)}"
        notes.append(f"{pixel} is {difference:.0%} off the {shown(own)} {where}; check it")
    marked = replace(
        micrograph,
        excluded=(*micrograph.excluded, bar.box),
        notes=(*micrograph.notes, *notes),
    )
    if keep_size and own is not None:
        return marked
    return replace(marked, pixel_size=size, calibration=SOURCE)


def _covered(pixels: GreyArray, bar: _Box, tolerance: float) -> MaskArray:
    """Give the box in which the bar stands, or else the bar and the letters around it."""
    mask = np.zeros(pixels.shape, np.bool_)
    ground = _ground(pixels, bar, tolerance)
    if ground is not None:
        mask[ground] = True
        return mask
    mask[bar] = True
    for box in _letters(pixels, bar, tolerance):
        # The edges of letters are smoothed and do not count as drawn.
        mask[tuple(slice(max(0, side.start - 2), side.stop + 2) for side in box)] = True
    everything = ndimage.find_objects(mask.astype(np.int8))[0]
    mask[everything] = True
    return mask


def _letters(pixels: GreyArray, bar: _Box, tolerance: float) -> list[_Box]:
    """Give the boxes of the letters above or below a bar that stands on the micrograph itself.

    Letters are thin lines, other than a grain that is as bright as they are, and stand in one row.
    """
    rows, columns = bar
    length, reach = columns.stop - columns.start, (columns.stop - columns.start) // 4
    top, left = max(0, rows.start - 3 * reach - 2), max(0, columns.start - reach - 1)
    window = (slice(top, rows.stop + 3 * reach + 2), slice(left, columns.stop + reach + 1))
    white = np.count_nonzero(pixels[bar] >= 1 - tolerance) > np.count_nonzero(pixels[bar] <= tolerance)
    near = pixels[window]
    written = (1 - near if white else near) <= max(_TOLERANCES)
    written[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = False
    stroke = max(3, rows.stop - rows.start)
    solid = ndimage.binary_opening(written, ndimage.iterate_structure(_CROSS, stroke))
    # What lies around a bright grain is its ragged edge.
    written &= ~ndimage.binary_dilation(solid, _SQUARE, _EDGE_PX)
    labels, _ = ndimage.label(written, structure=_SQUARE)
    found = []
    for box in ndimage.find_objects(labels):
        down, across = box[0].start + top, box[1].start + left
        letter = (
            slice(down, down + box[0].stop - box[0].start),
            slice(across, across + box[1].stop - box[1].start),
        )
        tall = letter[0].stop - letter[0].start
        above, below = rows.start - letter[0].stop, letter[0].start - rows.stop
        beside = letter[1].start < columns.start - reach or letter[1].stop > columns.stop + reach
        if _LETTER_MIN <= tall <= length // 2 and max(above, below) <= reach and not beside:
            found.append(letter)
    return _largest_row(found, rows)


def _largest_row(letters: list[_Box], bar: slice) -> list[_Box]:
    """Give the letters of one row, that of the most and tallest; of two alike the one nearer to the bar."""

    def beside(one: _Box) -> list[_Box]:
        low, high = one[0].start, one[0].stop
        return [other for other in letters if other[0].start < high and other[0].stop > low]

    def worth(one: _Box) -> tuple[int, int]:
        tall = one[0].stop - one[0].start
        alike = [other for other in beside(one) if tall <= 2 * (other[0].stop - other[0].start) <= 4 * tall]
        return len(alike) * tall, -max(bar.start - one[0].stop, one[0].start - bar.stop)

    return beside(max(letters, key=worth)) if letters else []


def _ground(pixels: GreyArray, bar: _Box, tolerance: float) -> _Box | None:
    """Give the box of one grey around a bar, None if the bar stands on the micrograph itself."""
    rows, columns = (slice(max(0, side.start - 2), side.stop + 2) for side in bar)
    ring = np.ones(pixels[rows, columns].shape, np.bool_)
    ring[bar[0].start - rows.start : bar[0].stop - rows.start,
         bar[1].start - columns.start : bar[1].stop - columns.start] = False  # fmt: skip
    around = pixels[rows, columns][ring]
    grey = np.median(around)
    alike = np.abs(pixels - grey) <= tolerance
    if np.mean(np.abs(around - grey) <= tolerance) < bar_shapes.FULL:
        return None
    labels, _ = ndimage.label(alike)
    number = np.bincount(labels[rows, columns][ring & alike[rows, columns]]).argmax()
    found = ndimage.find_objects(labels)[number - 1]
    return found[0], found[1]
