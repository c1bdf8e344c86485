"""Concepts of what lies within grains: dislocations, loops, speckle, precipitates and voids.

None of it is a boundary. Steps as in `temgrains.synthesis.diffraction`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from temgrains.synthesis.fields import Limited, smooth_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import GreyArray, LabelArray

_PER_AREA = 1e4
"""Densities are numbers per 10 000 px²."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dislocations(Limited):
    """Short, dark, slightly bent lines and dots: the strain around dislocations diffracts."""

    density: float = 6.0
    """Number [per 10 000 px²], at most (0..1000)."""
    length_px: float = 25.0
    """Length, at most; the shortest are dots."""
    contrast_grey: float = 70.0
    """Darkness, at most."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        _require_density(self.density)

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the lines."""
        count = _number(self.density, labels, rng)
        along = np.linspace(-0.5, 0.5, 2 * int(self.length_px) + 2)
        lengths = self.length_px * rng.random(count) ** 2
        turns = rng.uniform(0, 2 * np.pi, count)[:, None] + rng.normal(0, 0.6, count)[:, None] * along
        offsets = along * lengths[:, None]
        centres = rng.random((2, count)) * np.array(labels.shape)[:, None]
        rows = centres[0][:, None] + offsets * np.sin(turns)
        columns = centres[1][:, None] + offsets * np.cos(turns)
        strength = np.broadcast_to(rng.uniform(0.3, 1.0, count)[:, None], rows.shape)
        drawn = _drawn(rows, columns, strength, rng.uniform(0.8, 1.8), labels.shape)
        darker: GreyArray = image - np.float32(self.contrast_grey * rng.random()) * drawn
        return darker


@dataclass(frozen=True, kw_only=True, slots=True)
class Loops(Limited):
    """Small dark rings: dislocation loops, as radiation and quenching leave them."""

    density: float = 3.0
    """Number [per 10 000 px²], at most (0..1000)."""
    radius_px: float = 6.0
    """Radius, at most; 2 px at least."""
    contrast_grey: float = 60.0
    """Darkness, at most."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        _require_density(self.density)

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the rings, each seen from its own angle."""
        count = _number(self.density, labels, rng)
        turn = np.linspace(0, 2 * np.pi, 60)
        radii = rng.uniform(2.0, max(self.radius_px, 2.0), count)[:, None]
        squeeze, angle = rng.uniform(0.3, 1.0, count)[:, None], rng.uniform(0, np.pi, count)[:, None]
        x, y = radii * np.cos(turn), radii * squeeze * np.sin(turn)
        centres = rng.random((2, count)) * np.array(labels.shape)[:, None]
        rows = centres[0][:, None] + x * np.sin(angle) + y * np.cos(angle)
        columns = centres[1][:, None] + x * np.cos(angle) - y * np.sin(angle)
        drawn = _drawn(rows, columns, np.ones_like(rows), 1.0, labels.shape)
        darker: GreyArray = image - np.float32(self.contrast_grey * rng.random()) * drawn
        return darker


@dataclass(frozen=True, kw_only=True, slots=True)
class Speckle(Limited):
    """Brightness is mottled at the scale of a few pixels: amorphous layers, damage, phase contrast."""

    contrast_share: float = 0.12
    """Standard deviation as a share of the brightness, at most."""
    scale_px: float = 5.0
    """Size of the mottles, at most; 1.5 px at least."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Multiply by a mottled field."""
        field = smooth_field(labels.shape, rng.uniform(1.5, max(self.scale_px, 1.5)), rng)
        mottled: GreyArray = image * (1 + np.float32(self.contrast_share * rng.random()) * field)
        return mottled


@dataclass(frozen=True, kw_only=True, slots=True)
class Particles(Limited):
    """Round spots: precipitates (dark) and voids (bright, with the dark rim that defocus gives them)."""

    density: float = 1.5
    """Number [per 10 000 px²], at most (0..1000)."""
    radius_px: float = 7.0
    """Radius, at most; 1.5 px at least."""
    contrast_grey: float = 80.0
    """Contrast, at most."""
    bright_share: float = 0.4
    """Share that are voids."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        _require_density(self.density)

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the spots."""
        result = image.copy()
        contrast = self.contrast_grey * rng.random()
        for _ in range(_number(self.density, labels, rng)):
            radius = rng.uniform(1.5, max(self.radius_px, 1.5))
            void, strength = rng.random() < self.bright_share, contrast * rng.uniform(0.4, 1.0)
            centre = rng.random(2) * labels.shape
            low = np.maximum(np.floor(centre - radius - 3), 0).astype(int)
            high = np.minimum(np.ceil(centre + radius + 4), labels.shape).astype(int)
            grid = np.ogrid[low[0] : high[0], low[1] : high[1]]
            depth = radius - np.hypot(grid[0] - centre[0], grid[1] - centre[1])
            spot = np.clip(depth + 0.5, 0, 1) * (strength if void else -strength)
            rim = strength * np.exp(-((depth / 1.2) ** 2)) if void else 0
            result[low[0] : high[0], low[1] : high[1]] += (spot - rim).astype(np.float32)
        return result


def _require_density(density: float) -> None:
    if not 0 <= density <= 1000:
        raise ValueError(f"density is {density!r}; it must be from 0 to 1000 per 10 000 px2")


def _number(density: float, labels: LabelArray, rng: np.random.Generator) -> int:
    return int(rng.poisson(density * rng.random() * labels.size / _PER_AREA))


def _drawn(
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    strength: NDArray[np.float64],
    blur_px: float,
    shape: tuple[int, ...],
) -> GreyArray:
    """Draw points as lines whose middle is about 1 for a strength of 1."""
    drawn = np.zeros(shape, np.float32)
    row, column = np.rint(rows).astype(int), np.rint(columns).astype(int)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    np.maximum.at(drawn, (row[inside], column[inside]), strength[inside].astype(np.float32))
    # A line one pixel wide keeps 1 / (sqrt(2 pi) sigma) of its height under a Gaussian.
    blurred: GreyArray = ndi.gaussian_filter(drawn, blur_px) * np.float32(np.sqrt(2 * np.pi) * blur_px)
    return blurred
