"""Median filter by a selection network: many pixels at a time, each by the same minima and maxima."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from scipy import ndimage

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Network: TypeAlias = NDArray[np.int16]
    Pixels: TypeAlias = NDArray[Any]

Pixel = TypeVar("Pixel", np.uint8, np.uint16, np.float32)

SIZE_MAX = 31
"""Widest window [px]."""
_NETWORK_MAX = 9
_STRETCH_BYTES = 1024
_PADDING: dict[str, Literal["edge", "symmetric"]] = {"nearest": "edge", "reflect": "symmetric"}


def median_filter(
    image: NDArray[Pixel], size: int, *, mode: Literal["nearest", "reflect"] = "nearest"
) -> NDArray[Pixel]:
    """Replace each pixel by the median of the square around it.

    Parameters
    ----------
    image
        uint8, uint16 or float32 without NaN, shape (H, W).
    size
        Side of the square [px], odd, 1..31.
    mode
        What lies beyond the border: "nearest" repeats the outermost pixel, "reflect" mirrors the image with
        the outermost pixel doubled (MATLAB's "symmetric").

    Returns
    -------
    The same shape and type; the same values as ``scipy.ndimage.median_filter``.

    Raises
    ------
    ValueError
        If the image is not of these types or not (H, W), or size or mode is not one of these.

    Notes
    -----
    Up to 9 × 9, a sorting network cut down to what its middle output needs works on whole stretches of a row.
    """
    _check(image, size, mode)
    if size == 1 or not image.size:
        return image.copy()
    if size > _NETWORK_MAX:
        filtered: NDArray[Pixel] = ndimage.median_filter(image, size=size, mode=mode)
        return filtered
    native = image.astype(image.dtype.newbyteorder("="), copy=False)
    padded = np.pad(native, size // 2, mode=_PADDING[mode])
    out = np.empty(image.shape, native.dtype)
    _select(padded, size, *selection_networks(size), out)
    return out


@lru_cache(maxsize=8)
def selection_networks(size: int) -> tuple[Network, Network, int]:
    """Give the comparators that find the median of a square window of odd size.

    Returns
    -------
    column
        int16, shape (C, 3), on ``size`` places: sorts one column of the window.
    window
        int16, shape (C, 3), on ``size``² places, place ``row * size + column``: finds the median of sorted
        columns.
    middle
        The place where the median is then found.

    Each comparator is two places a, b and which result is needed: 0 both, 1 only the minimum (to a), 2 only
    the maximum (to b).

    Notes
    -----
    Both are odd-even merges for any two lengths (Knuth, The Art of Computer Programming 3, section 5.3.4).
    The window's is read backwards from the median: a comparator whose results nobody needs is left out.
    """
    pairs: list[tuple[int, int]] = []
    order = _merge_all([[place] for place in range(size)], pairs)
    column = np.array([(a, b, 0) for a, b in pairs], np.int16)
    pairs = []
    middle = _merge_all([[row * size + j for row in order] for j in range(size)], pairs)[size * size // 2]
    needed = {middle}
    kept: list[tuple[int, int, int]] = []
    for a, b in reversed(pairs):
        if a in needed or b in needed:
            kept.append((a, b, 0 if a in needed and b in needed else 1 if a in needed else 2))
            needed |= {a, b}
    return column, np.array(kept[::-1], np.int16), middle


def _merge_all(runs: list[list[int]], pairs: list[tuple[int, int]]) -> list[int]:
    """Merge sorted runs of places, shortest first; note the comparators, give the places in order."""
    while len(runs) > 1:
        first, second, *others = sorted(runs, key=len)
        runs = [*others, _merge(first, second, pairs)]
    return runs[0]


def _merge(a: list[int], b: list[int], pairs: list[tuple[int, int]]) -> list[int]:
    if not a or not b:
        return a + b
    if len(a) == len(b) == 1:
        pairs.append((a[0], b[0]))
        return a + b
    odd = _merge(a[0::2], b[0::2], pairs)
    even = _merge(a[1::2], b[1::2], pairs)
    merged = odd[:1]
    for low, high in zip_longest(even, odd[1:]):
        if low is not None and high is not None:
            pairs.append((low, high))
        merged += [place for place in (low, high) if place is not None]
    return merged


def require_size(size: object) -> None:
    """Refuse what is not the side of a window."""
    if not (isinstance(size, int) and 1 <= size <= SIZE_MAX and size % 2):
        raise ValueError(f"size is {size!r}; it must be an odd whole number from 1 to {SIZE_MAX}")


def _check(image: Any, size: int, mode: str) -> None:
    if image.ndim != 2 or image.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.float32):
        raise ValueError(
            f"image is {image.dtype} {image.shape}; the median takes uint8, uint16 or float32 of shape (H, W)"
        )
    require_size(size)
    if mode not in _PADDING:
        raise ValueError(f"mode is {mode!r}; it must be nearest or reflect")


@compiled
def _select(padded: Pixels, size: int, column: Network, window: Network, middle: int, out: Pixels) -> None:
    """Run the networks on stretches of rows; what a stretch needs fits the innermost cache."""
    height, width = out.shape
    stretch = min(_STRETCH_BYTES // padded.itemsize, width)
    columns = np.zeros((size, stretch + size - 1), padded.dtype)
    lanes = np.zeros((size * size, stretch), padded.dtype)
    for y in range(height):
        for left in range(0, width, stretch):
            count = min(stretch, width - left)
            for i in range(size):
                for x in range(count + size - 1):
                    columns[i, x] = padded[y + i, left + x]
            _compare(columns, column)
            for i in range(size):
                for j in range(size):
                    for x in range(count):
                        lanes[i * size + j, x] = columns[i, j + x]
            _compare(lanes, window)
            for x in range(count):
                out[y, left + x] = lanes[middle, x]


@compiled
def _compare(lanes: Pixels, network: Network) -> None:
    """Run a network on all columns of the lanes at once."""
    # Spelt as choices: min() and max() of floats also look for NaN, which keeps the loops from being vectors.
    for k in range(len(network)):
        a, b, needed = network[k, 0], network[k, 1], network[k, 2]
        if needed == 1:
            for x in range(lanes.shape[1]):
                low, high = lanes[a, x], lanes[b, x]
                lanes[a, x] = high if high < low else low
        elif needed == 2:
            for x in range(lanes.shape[1]):
                low, high = lanes[a, x], lanes[b, x]
                lanes[b, x] = low if high < low else high
        else:
            for x in range(lanes.shape[1]):
                low, high = lanes[a, x], lanes[b, x]
                lanes[a, x] = high if high < low else low
                lanes[b, x] = low if high < low else high
