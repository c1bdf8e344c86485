"""Median filter by a selection network: many pixels at a time, each by the same minima and maxima."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from scipy import ndimage

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixel = TypeVar("Pixel", np.uint8, np.uint16, np.float32)

SIZE_MAX = 31
"""Widest window [px]."""
_NETWORK_MAX = 9
_BLOCK = 256
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
        What lies beyond the border: "nearest" repeats the outermost pixel, "reflect" mirrors the image with the
        outermost pixel doubled (MATLAB's "symmetric").

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
    _select(padded, size, selection_network(size * size), out)
    return out


@lru_cache(maxsize=8)
def selection_network(count: int) -> NDArray[np.int16]:
    """Give the comparators that bring the median of ``count`` (odd) values to place ``count // 2``.

    Returns
    -------
    int16, shape (C, 3): places a < b, and which result is needed: 0 both, 1 only the minimum (to a), 2 only the
    maximum (to b).

    Notes
    -----
    Batcher's merge exchange sort (Knuth, The Art of Computer Programming 3, Algorithm 5.2.2M), read backwards
    from the middle output: a comparator neither of whose results is needed is left out.
    """
    needed = {count // 2}
    kept: list[tuple[int, int, int]] = []
    for a, b in reversed(_merge_exchange(count)):
        if a in needed or b in needed:
            kept.append((a, b, 0 if a in needed and b in needed else 1 if a in needed else 2))
            needed |= {a, b}
    return np.array(kept[::-1], np.int16).reshape(-1, 3)


def _merge_exchange(count: int) -> list[tuple[int, int]]:
    pairs = []
    top = 1 << max((count - 1).bit_length() - 1, 0)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return pairs


def _check(image: Any, size: int, mode: str) -> None:
    if image.ndim != 2 or image.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.float32):
        raise ValueError(
            f"image is {image.dtype} {image.shape}; the median takes uint8, uint16 or float32 of shape (H, W)"
        )
    if not (isinstance(size, int) and 1 <= size <= SIZE_MAX and size % 2):
        raise ValueError(f"size is {size!r}; it must be an odd whole number from 1 to {SIZE_MAX}")
    if mode not in _PADDING:
        raise ValueError(f"mode is {mode!r}; it must be nearest or reflect")


@compiled
def _select(padded, size, network, out):  # type: ignore[no-untyped-def]
    """Run the network on blocks of a row; a block of every window pixel fits the innermost cache."""
    height, width = out.shape
    middle = size * size // 2
    lanes = np.empty((size * size, _BLOCK), padded.dtype)
    for y in range(height):
        for left in range(0, width, _BLOCK):
            count = min(_BLOCK, width - left)
            for i in range(size):
                for j in range(size):
                    lanes[i * size + j, :count] = padded[y + i, left + j : left + j + count]
            for k in range(len(network)):
                _compare(lanes[network[k, 0], :count], lanes[network[k, 1], :count], network[k, 2])
            out[y, left : left + count] = lanes[middle, :count]


@compiled
def _compare(low, high, needed):  # type: ignore[no-untyped-def]
    """Order two stretches pixel by pixel, writing what is needed."""
    if needed == 1:
        for x in range(len(low)):
            low[x] = min(low[x], high[x])
    elif needed == 2:
        for x in range(len(low)):
            high[x] = max(low[x], high[x])
    else:
        for x in range(len(low)):
            a, b = low[x], high[x]
            low[x] = min(a, b)
            high[x] = max(a, b)
