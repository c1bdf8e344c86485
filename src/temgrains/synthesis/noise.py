"""Noise, each kind a step ``(image, labels, rng) -> image`` on float32, shape (H, W), 0..255.

Each does what MATLAB's ``imnoise`` does to an 8-bit image: greys are whole numbers before and after, and what
leaves 0..255 is clipped. Whole numbers have distribution functions of a few hundred steps; Gaussian and
Poisson noise invert them, which is exact as far as doubles go, and quicker than drawing real numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, pdtr

from temgrains._compiled import compiled
from temgrains.median import median_filter, require_size
from temgrains.synthesis.uniform import first_state, uniform

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from temgrains.records import GreyArray, LabelArray

    Tables: TypeAlias = tuple[NDArray[np.float64], NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SaltAndPepper:
    """Dead and hot pixels: half of the density black, half white."""

    density: float = 0.05
    """Share of pixels replaced (0..1)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 0 <= self.density <= 1:
            raise ValueError(f"density is {self.density!r}; it must be from 0 to 1")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Replace pixels by 0 and 255."""
        noisy = np.empty(image.shape, np.float32)
        _replace(image, self.density, first_state(rng), noisy)
        return noisy


@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianNoise:
    """Electronic noise: the same normal distribution at every pixel."""

    variance: float = 0.01
    """Variance, for an image whose white is 1 (0..1); 0.01 is a standard deviation of 25.5 of 255."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 0 <= self.variance <= 1:
            raise ValueError(f"variance is {self.variance!r}; it must be from 0 to 1")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Add the noise, round and clip."""
        noisy = np.empty(image.shape, np.float32)
        _add(image, _gaussian_tables(255 * math.sqrt(self.variance)), first_state(rng), noisy)
        return noisy


@dataclass(frozen=True, kw_only=True, slots=True)
class PoissonNoise:
    """Counting noise: each pixel becomes a Poisson count whose mean is its grey."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Count and clip."""
        counts = np.empty(image.shape, np.float32)
        _count(image, _poisson_tables(), first_state(rng), counts)
        return counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Median:
    """The median filter a microscopist applies against salt and pepper; the border repeats its last pixel."""

    size: int = 5
    """Side of the window [px], odd (1..31)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require_size(self.size)

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Filter the image."""
        with np.errstate(invalid="ignore"):
            grey = image.astype(np.uint8)
        if np.array_equal(grey, image):  # counts: a quarter of the bytes, and the same result
            return median_filter(grey, self.size).astype(np.float32)
        return median_filter(image, self.size)


@lru_cache(maxsize=1)
def _poisson_tables() -> Tables:
    """Tables of the counts 0..255 (or more) for the means 0..255."""
    return _with_guide(np.asarray(pdtr(np.arange(256), np.arange(256.0)[:, None]), np.float64), 256)


@lru_cache(maxsize=8)
def _gaussian_tables(deviation: float) -> Tables:
    """Tables of rounded normal numbers -255 (or less) to 255 (or more), one row for all greys."""
    edges = np.arange(-255, 256) + 0.5
    with np.errstate(divide="ignore"):
        cumulative = np.asarray(ndtr(edges / np.float64(deviation)), np.float64)
    return _with_guide(cumulative[None], 1024)


def _with_guide(cumulative: NDArray[np.float64], levels: int) -> Tables:
    """Add to each distribution function the least place that each level of probability may mean."""
    cumulative[:, -1] = np.inf
    probability = np.arange(levels) / levels
    guide = np.stack([np.searchsorted(row[:-1], probability, side="right") for row in cumulative])
    # The smallest type, so that the tables leave room for the images in the processor's cache.
    return cumulative, guide.astype(np.min_scalar_type(cumulative.shape[1] - 1))


@compiled
def _invert(row: int, draw: float, cumulative: NDArray[np.float64], guide: NDArray[Any]) -> int:
    """Give the least place whose distribution function exceeds the draw."""
    place = int(guide[row, int(draw * guide.shape[1])])
    # Mostly this one step is enough; it has no branch, which the processor could not guess.
    place += int(cumulative[row, place] <= draw)
    while cumulative[row, place] <= draw:
        place += 1
    return place


@compiled
def _whole(grey: float) -> int:
    """Round to a whole grey 0..255."""
    return int(np.rint(min(max(grey, 0.0), 255.0)))


@compiled
def _replace(image: GreyArray, density: float, state: np.uint64, noisy: GreyArray) -> None:
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            state, draw = uniform(state)
            white = np.float32(255) if draw < density else image[y, x]
            noisy[y, x] = np.float32(0) if draw < 0.5 * density else white


@compiled
def _add(image: GreyArray, tables: Tables, state: np.uint64, noisy: GreyArray) -> None:
    cumulative, guide = tables
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            state, draw = uniform(state)
            grey = _whole(image[y, x]) + _invert(0, draw, cumulative, guide) - 255
            noisy[y, x] = min(max(grey, 0), 255)


@compiled
def _count(image: GreyArray, tables: Tables, state: np.uint64, counts: GreyArray) -> None:
    cumulative, guide = tables
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            state, draw = uniform(state)
            counts[y, x] = _invert(_whole(image[y, x]), draw, cumulative, guide)
