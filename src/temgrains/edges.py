"""Sobel, LoG and Canny edges of a micrograph, with the rules and automatic thresholds of MATLAB's ``edge``.

All three look at the same 8-bit image: contrast stretched, then median-filtered. The results are 0 or 255.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from temgrains._compiled import compiled
from temgrains.median import median_filter
from temgrains.records import EdgeMaps, Micrograph, Progress, silent
from temgrains.settings import EdgeSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, GreyArray

    Weights: TypeAlias = NDArray[np.float64]

_DEFAULTS = EdgeSettings()
_BINS = 64
"""Bins of the histogram of the gradient magnitude that sets Canny's upper threshold."""
_NOT_EDGES = 0.7
"""Share of the pixels that Canny's upper threshold leaves below it."""
_LOW_TO_HIGH = 0.4
"""Canny's lower threshold as a share of the upper one."""


def find_edges(
    micrograph: Micrograph, *, settings: EdgeSettings = _DEFAULTS, progress: Progress = silent
) -> EdgeMaps:
    """Find edges in three ways, which the first network then weighs against each other.

    Parameters
    ----------
    micrograph
        Any size from 1 x 1.
    settings
        Thresholds of None are MATLAB's automatic ones.
    progress
        Called as ``("edges", k, 3)`` after each detector.

    Returns
    -------
    edges
        Sobel, LoG and Canny edges, in this order, and the stretched image.

    Notes
    -----
    The outermost pixels are never LoG or Canny edges. Of two neighbours across a Sobel edge that are equally
    steep, the right or lower one is taken. A LoG edge is the pixel on the brighter side of the zero crossing,
    where the response is negative. Canny's filters have an even length, so that a sharp step between pixels i
    and i + 1 is marked at i. A transposed image gives transposed maps, a flipped one flipped maps except
    for these ties (Sobel) and this half pixel (Canny).
    """
    stretched = stretch(micrograph.pixels, settings.saturation)
    image = median_filter(stretched, settings.median_px, mode="reflect")
    maps = np.zeros((3, *image.shape), np.uint8)
    _sobel(image, settings.sobel_threshold, out=maps[0])
    progress("edges", 1, 3)
    _log(image, settings.log_sigma_px, settings.log_threshold, out=maps[1])
    progress("edges", 2, 3)
    _canny(image, settings.canny_sigma_px, settings.canny_threshold, out=maps[2])
    progress("edges", 3, 3)
    return EdgeMaps(maps, stretched)


def stretch(pixels: GreyArray, saturation: float) -> ByteArray:
    """Stretch the contrast so that a share of the pixels is black and the same share white.

    Parameters
    ----------
    pixels
        Grey values in 0..1, shape (H, W).
    saturation
        Share of the pixels clipped at each end (0..0.49).

    Returns
    -------
    stretched
        0..255. Where both limits fall on one grey value the image is only scaled, as in MATLAB.
    """
    count = pixels.size
    first = math.floor(saturation * count)
    last = max(math.ceil((1 - saturation) * count) - 1, first)
    # One place at a time: numpy has no fast path for two.
    ordered = np.partition(pixels, first, axis=None)
    low = float(ordered[first])
    high = float(np.partition(ordered[first:], last - first)[last - first])
    if low >= high:
        low, high = 0.0, 1.0
    # An 8-bit original often lands exactly on a half, which rounds up. Its value here is off by some 1e-7 but
    # two of its levels differ by more than 2e-3, so that this bias puts every half on its right side.
    grey = (np.ascontiguousarray(pixels) - np.float32(low)) * np.float32(255 / (high - low))
    grey += np.float32(0.5 + 1e-3)
    return np.clip(grey, 0, 255, out=grey).astype(np.uint8)


def _sobel(image: ByteArray, threshold: float | None, *, out: ByteArray) -> None:
    """Mark where the gradient is steep and steepest across the edge; None: twice its root mean square."""
    padded = np.pad(image, 1, mode="edge").astype(np.float32)
    # Whole numbers below 2**24, exact in single precision, so that equal slopes compare as equal.
    energy = np.empty(image.shape, np.float32)
    _sobel_energy(padded, energy)
    cutoff = 4 * energy.mean(dtype=np.float64) if threshold is None else (threshold * 8 * 255) ** 2
    _thin_sobel(padded, energy, cutoff, out)


@compiled
def _sobel_gradient(padded: GreyArray, r: int, c: int) -> tuple[Any, Any]:
    across = (padded[r, c + 2] - padded[r, c]) + (padded[r + 2, c + 2] - padded[r + 2, c])
    down = (padded[r + 2, c] - padded[r, c]) + (padded[r + 2, c + 2] - padded[r, c + 2])
    return (
        across + np.float32(2) * (padded[r + 1, c + 2] - padded[r + 1, c]),
        down + np.float32(2) * (padded[r + 2, c + 1] - padded[r, c + 1]),
    )


@compiled
def _sobel_energy(padded: GreyArray, energy: GreyArray) -> None:
    for r in range(energy.shape[0]):
        for c in range(energy.shape[1]):
            gx, gy = _sobel_gradient(padded, r, c)
            energy[r, c] = gx * gx + gy * gy


@compiled
def _thin_sobel(padded: GreyArray, energy: GreyArray, cutoff: float, out: ByteArray) -> None:
    height, width = energy.shape
    for r in range(height):
        for c in range(width):
            here = energy[r, c]
            if here <= cutoff:
                continue
            gx, gy = _sobel_gradient(padded, r, c)
            if abs(gx) >= abs(gy):
                left = energy[r, c - 1] if c > 0 else np.float32(0)
                right = energy[r, c + 1] if c < width - 1 else np.float32(-1)
                if left <= here and here > right:
                    out[r, c] = 255
            if abs(gy) >= abs(gx):
                above = energy[r - 1, c] if r > 0 else np.float32(0)
                below = energy[r + 1, c] if r < height - 1 else np.float32(-1)
                if above <= here and here > below:
                    out[r, c] = 255


def _log(image: ByteArray, sigma: float, threshold: float | None, *, out: ByteArray) -> None:
    """Mark the zero crossings of the Laplacian of Gaussian; None: above 0.75 of the mean response."""
    # With g the normalised Gaussian, LoG = (y² - σ²) g(y) g(x) / σ⁴ + g(y) (x² - σ²) g(x) / σ⁴ - mean:
    # two separable filters, and a box that makes the truncated kernel sum to zero.
    half = math.ceil(3 * sigma)
    x = np.arange(half + 1, dtype=np.float64)
    gauss = np.exp(-(x**2) / (2 * sigma**2))
    gauss[0] /= 2  # both sides of the centre are its one value
    gauss /= 2 * gauss.sum()
    curved = gauss * (x**2 - sigma**2) / sigma**4
    total = 8 * gauss.sum() * curved.sum()
    response = np.empty(image.shape, np.float32)
    _log_response(np.pad(image, half, mode="edge"), gauss, curved, total / (2 * half + 1) ** 2, response)
    limit = 0.75 * np.abs(response).mean(dtype=np.float64) if threshold is None else threshold * 255
    _zero_crossings(response, limit, out)


@compiled
def _log_response(
    padded: ByteArray, gauss: Weights, curved: Weights, mean: float, response: GreyArray
) -> None:
    half = len(gauss) - 1
    height, width = response.shape
    smoothed, bent, box = np.empty((3, width + 2 * half))
    value = np.empty(width)
    for r in range(height):
        smoothed[:], bent[:], box[:], value[:] = 0, 0, 0, 0
        for k in range(half + 1):
            above, below = padded[r + half - k], padded[r + half + k]
            both = mean if k > 0 else mean / 2
            for c in range(width + 2 * half):
                pair = np.float64(above[c]) + np.float64(below[c])
                smoothed[c] += gauss[k] * pair
                bent[c] += curved[k] * pair
                box[c] += both * pair
        for k in range(half + 1):
            left, right = slice(half - k, half - k + width), slice(half + k, half + k + width)
            _add_pairs(value, gauss[k], bent[left], bent[right])
            _add_pairs(value, curved[k], smoothed[left], smoothed[right])
            _add_pairs(value, -1.0 if k > 0 else -0.5, box[left], box[right])
        for c in range(width):
            # Ramps and plains are zero but for rounding, which must not become crossings.
            response[r, c] = value[c] * (abs(value[c]) > 1e-10)


@compiled
def _add_pairs(total: Weights, weight: float, left: Weights, right: Weights) -> None:
    for c in range(len(total)):
        total[c] += weight * (left[c] + right[c])


@compiled
def _add_steps(total: Weights, weight: float, left: Weights, right: Weights) -> None:
    for c in range(len(total)):
        total[c] += weight * (right[c] - left[c])


@compiled
def _zero_crossings(response: GreyArray, limit: float, out: ByteArray) -> None:
    for r in range(1, response.shape[0] - 1):
        for c in range(1, response.shape[1] - 1):
            here = response[r, c]
            left, right = response[r, c - 1], response[r, c + 1]
            above, below = response[r - 1, c], response[r + 1, c]
            # Of the positive neighbours the highest makes the largest jump.
            highest = max(left, right, above, below)
            crossed = (here < 0) & (highest > 0) & (highest - here > limit)
            if here == 0:
                crossed = (left * right < 0 and abs(left - right) > 2 * limit) or (
                    above * below < 0 and abs(above - below) > 2 * limit
                )
            if crossed:
                out[r, c] = 255


def _canny(image: ByteArray, sigma: float, threshold: float | None, *, out: ByteArray) -> None:
    """Mark ridges of the smoothed gradient that are strong or connected to strong ones; None: 70 % weak."""
    half = 4 * math.ceil(sigma)
    x = np.arange(half) + 0.5
    gauss = np.exp(-(x**2) / (2 * sigma**2))
    slope = -np.gradient(np.concatenate([gauss[::-1], gauss]))[half:]
    gradient = np.empty((2, *image.shape), np.float32)
    magnitude = np.empty(image.shape, np.float32)
    padded = np.pad(image, half, mode="edge")
    _smooth_gradient(padded, gauss / (2 * gauss.sum()), slope / slope.sum(), gradient, magnitude)
    largest = magnitude.max()
    if largest > 0:
        magnitude /= largest
    high = _upper_threshold(magnitude) if threshold is None else threshold
    _thin_canny(gradient, magnitude, _LOW_TO_HIGH * high, high, out)
    _keep_connected(out)


@compiled
def _smooth_gradient(
    padded: ByteArray, gauss: Weights, slope: Weights, gradient: GreyArray, magnitude: GreyArray
) -> None:
    half = len(gauss)
    height, width = magnitude.shape
    smoothed, steps = np.empty((2, width + 2 * half))
    across, down = np.empty((2, width))
    for r in range(height):
        smoothed[:], steps[:], across[:], down[:] = 0, 0, 0, 0
        for k in range(half):
            above, below = padded[r + half - k], padded[r + half + 1 + k]
            for c in range(width + 2 * half):
                smoothed[c] += gauss[k] * (np.float64(above[c]) + np.float64(below[c]))
                steps[c] += slope[k] * (np.float64(below[c]) - np.float64(above[c]))
        for k in range(half):
            left, right = slice(half - k, half - k + width), slice(half + 1 + k, half + 1 + k + width)
            _add_steps(across, slope[k], smoothed[left], smoothed[right])
            _add_pairs(down, gauss[k], steps[left], steps[right])
        for c in range(width):
            gradient[0, r, c] = across[c]
            gradient[1, r, c] = down[c]
            magnitude[r, c] = math.sqrt(across[c] ** 2 + down[c] ** 2)


def _upper_threshold(magnitude: GreyArray) -> float:
    """Give the upper edge of the histogram bin that holds the 70th percentile, as MATLAB counts bins."""
    bins = (magnitude * np.float32(_BINS - 1) + np.float32(0.5)).astype(np.uint8)
    counts = np.bincount(bins.ravel(), minlength=_BINS)
    first = int(np.argmax(np.cumsum(counts) > _NOT_EDGES * magnitude.size))
    return (first + 1) / _BINS


@compiled
def _thin_canny(gradient: GreyArray, magnitude: GreyArray, low: float, high: float, out: ByteArray) -> None:
    """Mark ridges: 1 above the lower threshold, 255 above the upper one."""
    for r in range(1, magnitude.shape[0] - 1):
        for c in range(1, magnitude.shape[1] - 1):
            here = magnitude[r, c]
            if here <= low:
                continue
            gx, gy = gradient[0, r, c], gradient[1, r, c]
            # The gradient's line crosses the ring of eight neighbours between a straight and a diagonal one;
            # the magnitude there is interpolated, ahead and behind.
            lean = 1 if (gx >= 0) == (gy >= 0) else -1
            if abs(gx) >= abs(gy):
                share, dr, dc, er, ec = np.float64(abs(gy)) / abs(gx), 0, 1, lean, 1
            else:
                share, dr, dc, er, ec = np.float64(abs(gx)) / abs(gy), 1, 0, 1, lean
            ahead = magnitude[r + dr, c + dc] * (1 - share) + magnitude[r + er, c + ec] * share
            behind = magnitude[r - dr, c - dc] * (1 - share) + magnitude[r - er, c - ec] * share
            if here >= ahead and here >= behind:
                out[r, c] = 255 if here > high else 1


@compiled
def _keep_connected(out: ByteArray) -> None:
    """Turn every 1 that is 8-connected to a 255 into 255, and the others into 0."""
    height, width = out.shape
    found = 0
    for r in range(height):
        for c in range(width):
            found += out[r, c] > 0
    stack = np.empty((found, 2), np.int32)
    top = 0
    for r in range(height):
        for c in range(width):
            if out[r, c] == 255:
                stack[top] = r, c
                top += 1
    while top > 0:
        top -= 1
        r, c = stack[top]
        for y in range(max(r - 1, 0), min(r + 2, height)):
            for x in range(max(c - 1, 0), min(c + 2, width)):
                if out[y, x] == 1:
                    out[y, x] = 255
                    stack[top] = y, x
                    top += 1
    for r in range(height):
        for c in range(width):
            if out[r, c] != 255:
                out[r, c] = 0
