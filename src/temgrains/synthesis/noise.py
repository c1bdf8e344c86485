"""Noise, each kind a step ``(image, labels, rng) -> image`` on float32, shape (H, W), 0..255.

Each does what MATLAB's ``imnoise`` does to an 8-bit image, and clips to 0..255 as that does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import pdtr

from temgrains._compiled import compiled
from temgrains.median import median_filter, require_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, GreyArray, LabelArray

_COUNTS = 512
_GUIDES = 256


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
        draw = rng.random(image.shape, np.float32)
        noisy = image.copy()
        noisy[draw < self.density] = 255
        noisy[draw < self.density / 2] = 0
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
        """Add the noise and clip."""
        noisy = rng.standard_normal(image.shape, np.float32)
        noisy *= np.float32(255 * math.sqrt(self.variance))
        noisy += image
        return np.clip(noisy, 0, 255, out=noisy)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoissonNoise:
    """Counting noise: each pixel becomes a Poisson count whose mean is its grey, rounded to whole counts."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Count and clip.

        Notes
        -----
        Means are whole numbers 0..255, so the distribution function of each is tabulated once and inverted:
        exact as far as doubles go, and several times quicker than a rejection sampler.
        """
        means = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
        counts = np.empty(image.shape, np.float32)
        cumulative, guide = _poisson_tables()
        _invert(means.ravel(), rng.random(image.size), cumulative, guide, counts.ravel())
        return counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Median:
    """The median filter a microscopist applies against salt and pepper; the border repeats its last pixel."""

    size: int = 5
    """Side of the window [px], odd, 1..31."""

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
def _poisson_tables() -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """P(count <= k) for means 0..255, and for each 1/256 of it the smallest k that may be meant."""
    cumulative = pdtr(np.arange(_COUNTS), np.arange(256.0)[:, None])
    cumulative[:, -1] = np.inf
    levels = np.arange(_GUIDES) / _GUIDES
    guide = np.stack([np.searchsorted(row, levels, side="right") for row in cumulative])
    return cumulative, guide.astype(np.int16)


@compiled
def _invert(
    means: ByteArray,
    draws: NDArray[np.float64],
    cumulative: NDArray[np.float64],
    guide: NDArray[np.int16],
    counts: GreyArray,
) -> None:
    """Give for each draw the least count whose distribution function exceeds it, at most 255."""
    for k in range(len(means)):
        mean = means[k]
        u = draws[k]
        count = guide[mean, int(u * 256)]
        while cumulative[mean, count] <= u:
            count += 1
        counts[k] = min(count, 255)
