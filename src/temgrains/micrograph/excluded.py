"""Parts of a micrograph that show no specimen: what the detectors of edges are given there instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.transform import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Box, GreyArray, MaskArray, Micrograph

    Floats = NDArray[np.float32]


def check_boxes(boxes: tuple[Box, ...], shape: tuple[int, int]) -> None:
    """Refuse rectangles of which nothing lies in the image.

    Raises
    ------
    ValueError
        If one is empty or lies outside.
    """
    for top, left, bottom, right in boxes:
        if max(top, 0) >= min(bottom, shape[0]) or max(left, 0) >= min(right, shape[1]):
            raise ValueError(
                f"excluded is (top {top}, left {left}, bottom {bottom}, right {right}), which does not "
                f"meet the image of {shape[0]} x {shape[1]} px; give pixels of the image"
            )


def filled(micrograph: Micrograph) -> GreyArray:
    """Give the pixels with the mean of their surroundings where no specimen is shown.

    A scale bar would otherwise be what has the most contrast in the image: the stretch of contrast and the
    automatic thresholds would follow it, and edges would run around it.

    Notes
    -----
    A pixel takes the mean over the smallest square of 2^k px that holds any part of the specimen, smoothly
    interpolated; in the middle of a large rectangle that is the mean of all that surrounds it.
    """
    mask = micrograph.excluded_mask
    if mask is None:
        return micrograph.pixels
    pixels = micrograph.pixels.copy()
    height, width = micrograph.shape
    for top, left, bottom, right in micrograph.excluded:
        # As much of the specimen on each side as is to be filled.
        tall, wide = max(bottom - top, 16), max(right - left, 16)
        window = (
            slice(max(0, top - tall), min(height, bottom + tall)),
            slice(max(0, left - wide), min(width, right + wide)),
        )
        pixels[window] = _filled(micrograph.pixels[window], mask[window])
    return pixels


def _filled(pixels: GreyArray, mask: MaskArray) -> GreyArray:
    known = (~mask).astype(np.float32)
    return np.where(mask, _means(pixels * known, known), pixels)


def _means(sums: Floats, counts: Floats) -> Floats:
    """Divide sums by counts; where nothing was counted, take the means of squares twice as large."""
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    if counts.all() or max(counts.shape) == 1:
        return means
    coarse = _means(_halved(sums), _halved(counts))
    even = [2 * side for side in coarse.shape]
    smooth = resize(coarse, even, order=1, mode="edge", anti_aliasing=False)
    return np.where(counts > 0, means, smooth[: counts.shape[0], : counts.shape[1]]).astype(np.float32)


def _halved(values: Floats) -> Floats:
    """Add up squares of 2 x 2."""
    padded = np.pad(values, [(0, side % 2) for side in values.shape])
    rows, columns = (side // 2 for side in padded.shape)
    summed: Floats = padded.reshape(rows, 2, columns, 2).sum(axis=(1, 3))
    return summed
