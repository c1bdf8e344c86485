"""Maps of boundaries: which of two values is the lines, and what they enclose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains.boundaries import loose_length
from temgrains.flooding import grow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray, MaskArray

_LOOSE = 0.05
"""Where lines separate nothing along more of their length than this, they are said to be open."""
_BLOB = 3
"""What is more than this many times as wide as the lines is none, but a pore or another part left out."""


def lines_of(pixels: NDArray[Any]) -> MaskArray:
    """Give the lines of a map of boundaries.

    Parameters
    ----------
    pixels
        Grey, shape (H, W), or colours with or without opacity, (H, W, 3 or 4), of any dtype.

    Returns
    -------
    lines
        Bool, shape (H, W): the pixels of the rarer value.

    Raises
    ------
    ValueError
        If there are other than two values or colours.
    """
    varied = [pixels] if pixels.ndim == 2 else _varied(pixels)
    values = np.unique(varied[0])
    if len(values) == 1:
        raise ValueError(
            "it holds one value, where a map of boundaries has two, one of them along lines; give a map in "
            "which lines are drawn"
        )
    # Not by the second value, which is no number in some maps, and then not even its own like.
    second: MaskArray = varied[0] != values[0]
    also = [channel != channel.flat[0] for channel in varied[1:]]
    if len(values) > 2 or any((one != (second != second[0, 0])).any() for one in also):
        count = f"{len(values)} values" if len(values) > 2 else "more than two colours"
        raise ValueError(
            f"it holds {count}, where a map of boundaries has two, one of them along lines; draw them in "
            "one value, such as by a threshold, or measure a map of labels without --boundaries"
        )
    return second if second.mean() <= 0.5 else ~second


def _varied(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    """Give the colours that vary, or the first; where none does, the opacity may tell lines from ground."""
    channels = [pixels[..., k] for k in range(pixels.shape[-1])]
    varied = [channel for channel in channels[:3] if (channel != channel[0, 0]).any()]
    return varied or channels[-1:]


def regions_of(closed: MaskArray, outside: MaskArray | None) -> tuple[LabelArray, tuple[str, ...]]:
    """Give numbers to what lines enclose; of thick lines the grains on both sides take half.

    Parameters
    ----------
    closed
        Lines and what is outside, bool, shape (H, W).
    outside
        Where no specimen is shown, bool, shape (H, W), or None for nowhere.

    Returns
    -------
    regions
        int32, shape (H, W): 4-connected, numbered in reading order from 1; 0 on lines and pores.
    notes
        That lines were thinned, where they were.
    """
    regions: LabelArray = ndimage.label(~closed)[0].astype(np.int32, copy=False)
    middle = skeletonize(closed)
    if outside is not None:
        middle &= ~outside
    inner = ndimage.binary_erosion(closed, border_value=1)
    if np.count_nonzero(inner & middle) <= np.count_nonzero(middle) / 2 or not regions.any():
        return regions, ()
    depth = ndimage.distance_transform_edt(closed)
    half = float(np.median(depth[middle]))
    kept = _blobs(depth, _BLOB * half)
    if outside is not None:
        kept |= outside
    return grow(regions, np.zeros(closed.shape, np.uint8), kept), (
        f"its lines, about {2 * half - 1:.0f} px wide, were thinned to their middle",
    )


def _blobs(depth: NDArray[np.float64], radius: float) -> MaskArray:
    """Give pores and the like, which are no lines: a disc of the radius fits into them."""
    core = depth > radius
    if not core.any():
        return core
    blobs: MaskArray = (ndimage.distance_transform_edt(~core) < radius) & (depth > 0)
    return blobs


def open_lines(lines: MaskArray) -> tuple[str, ...]:
    """Give a note where many lines lie within one region; bool, shape (H, W)."""
    length = np.count_nonzero(skeletonize(lines))
    loose = loose_length(lines, np.zeros_like(lines)) / length if length else 0.0
    if loose <= _LOOSE:
        return ()
    return (
        f"{100 * loose:.0f} % of the length of its lines separates nothing: grains that an open line does "
        "not part count as one; close the lines first",
    )
