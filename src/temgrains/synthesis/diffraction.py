"""Concepts of diffraction contrast: why grains of one crystal differ, within and along their boundaries.

A step is any callable ``(image, labels, rng) -> image``: image float32, shape (H, W), 0..255; labels int32,
shape (H, W), the grain 1..N of each pixel; rng a NumPy generator of the step's own. Where a setting says
"at most", each image draws its own strength between 0 and it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from temgrains.synthesis.fields import (
    Limited,
    boundary_distance,
    grain_count,
    nearest_interface,
    per_grain,
    smooth_field,
)

if TYPE_CHECKING:
    from temgrains.records import GreyArray, LabelArray


@dataclass(frozen=True, kw_only=True, slots=True)
class BraggGrey(Limited):
    """Most grains are alike, a few are dark: only those whose planes meet the Bragg condition diffract.

    Takes the place of the image.
    """

    typical_grey: float = 150.0
    """Middle of what most grains show, which each image draws within a third of it."""
    spread_grey: float = 25.0
    """Standard deviation between these grains, at most."""
    dark_share: float = 0.35
    """Share of grains near the Bragg condition, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Draw the grains' greys."""
        count = grain_count(labels)
        typical = self.typical_grey * rng.uniform(2 / 3, 4 / 3)
        greys = rng.normal(typical, self.spread_grey * rng.random(), count)
        dark = rng.random(count) < self.dark_share * rng.random()
        greys[dark] *= rng.uniform(0.15, 0.75, int(dark.sum()))
        return per_grain(labels, np.clip(greys, 0, 255).astype(np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class GrainShading(Limited):
    """Grains are brighter at one side: the foil bends, and its thickness changes, within them."""

    slope_grey: float = 25.0
    """Difference across a grain of mean size, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Add a slope of its own to each grain."""
        count = grain_count(labels)
        size = np.sqrt(labels.size / count)
        slopes = self.slope_grey * rng.random() / size * rng.standard_normal((2, count))
        shaded = image.copy()
        for axis in (0, 1):
            place = np.broadcast_to(np.expand_dims(np.arange(labels.shape[axis]), 1 - axis), labels.shape)
            counts = np.maximum(np.bincount(labels.ravel(), minlength=count + 1), 1)
            middle = np.bincount(labels.ravel(), place.ravel(), count + 1) / counts
            from_middle = place - middle.astype(np.float32)[labels]
            shaded += per_grain(labels, slopes[axis].astype(np.float32)) * from_middle
        return shaded


@dataclass(frozen=True, kw_only=True, slots=True)
class GrainMottle(Limited):
    """Grains are blotched, each in its own way: strain and uneven thickness bend its planes."""

    contrast_share: float = 0.3
    """Standard deviation as a share of the brightness, at most; each grain draws its own."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Multiply by smooth fields that end at the boundaries."""
        count = grain_count(labels)
        scale = np.sqrt(labels.size / count) * rng.uniform(0.3, 1.2)
        angles = rng.uniform(0, 2 * np.pi, count)
        strength = self.contrast_share * rng.random() * rng.random(count) ** 2
        mottled = np.ones_like(image)
        for weight in (np.cos(angles), np.sin(angles)):
            field = smooth_field(labels.shape, max(scale, 2.0), rng)
            mottled += per_grain(labels, (strength * weight).astype(np.float32)) * field
        return image * np.clip(mottled, 0.1, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class BendContours(Limited):
    """Dark bands cross a grain where the bent foil meets the Bragg condition, and end at its boundary.

    The foil's tilt is one smooth field; each grain diffracts at a tilt of its own.
    """

    depth_share: float = 0.6
    """Share of the brightness lost in the middle of a band, at most."""
    scale_px: float = 120.0
    """Distance over which the tilt of the foil changes."""
    width_share: float = 0.25
    """Width of a band in standard deviations of the tilt, at most; some hundredths at least."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Darken the bands."""
        count = grain_count(labels)
        tilt = smooth_field(labels.shape, self.scale_px, rng)
        bragg = per_grain(labels, rng.normal(0, 2.5, count).astype(np.float32))
        depth = per_grain(labels, (self.depth_share * rng.random(count)).astype(np.float32))
        width = np.float32(0.03 + self.width_share * rng.random())
        bands: GreyArray = image * (1 - depth * np.exp(-(((tilt - bragg) / width) ** 2)))
        return bands


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundaryLines(Limited):
    """Boundaries are lines, darker or brighter than both sides, with a contrast that comes and goes.

    Strain, segregation, grooves and the overlap of inclined grains give boundaries a contrast of their own.
    """

    contrast_grey: float = 70.0
    """Strongest contrast, at most; a tenth of it at least."""
    width_px: float = 2.5
    """Half width of the line beyond 0.7 px, at most."""
    scale_px: float = 60.0
    """Length along which the contrast changes."""
    bright_share: float = 0.3
    """Share of images whose lines are bright rather than dark."""
    flanked_share: float = 0.4
    """Share of images whose lines have flanks of the other sign: Fresnel fringes, out of focus."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the lines."""
        sign = 1 if rng.random() < self.bright_share else -1
        contrast = sign * self.contrast_grey * rng.uniform(0.1, 1)
        along = np.clip(0.7 + smooth_field(labels.shape, self.scale_px, rng), 0, 2) / 2
        width = 0.7 + self.width_px * rng.random()
        squared = (boundary_distance(labels) / width) ** 2
        profile = np.exp(-squared)
        if rng.random() < self.flanked_share:
            profile *= 1 - squared
        lined: GreyArray = image + np.float32(contrast) * along * profile
        return lined


@dataclass(frozen=True, kw_only=True, slots=True)
class InclinedBoundaries(Limited):
    """Boundaries lie askew in the foil, so that grains overlap in bands, whose middle is the boundary.

    Across a band one grain thins out from its full thickness to nothing while the other takes its place. The
    transmissions of both multiply, and that of a grain which diffracts falls steeply with its first
    thickness, then swings with it: a dark grain looks larger than it is, by part of a band all around, and
    may be edged by a line that is darker still (two-beam theory with absorption).
    """

    width_share: float = 0.4
    """Width of the bands as a share of the mean size of the grains, at most."""
    extinctions: float = 2.5
    """Thickness of the foil in extinction distances of a grain, at most; a third at least (0.4..10)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        if not 0.4 <= self.extinctions <= 10:
            raise ValueError(f"extinctions is {self.extinctions!r}; it must be from 0.4 to 10")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Overlap the grains within the bands."""
        count = grain_count(labels)
        widest = self.width_share * np.sqrt(labels.size / count) * rng.random()
        # The fraction of a sum is as random as its parts: each pair of neighbours gets a width of its own.
        tilt = per_grain(labels, rng.random(count).astype(np.float32))
        depth = per_grain(labels, rng.uniform(1 / 3, self.extinctions, count).astype(np.float32))
        damping = np.float32(rng.uniform(0.8, 2.5))
        distance, across = nearest_interface(labels)
        width = np.maximum((tilt + tilt.ravel()[across]) % 1 * widest, 1.0)
        there = distance < width / 2
        beyond = across[there]
        share = 0.5 + distance[there] / width[there]
        pixels = np.maximum(np.bincount(labels.ravel(), minlength=count + 1), 1)
        means = (np.bincount(labels.ravel(), image.ravel(), count + 1) / pixels)[1:]
        unscattered = np.float32(max(np.percentile(means, 95), 1.0))
        other = per_grain(labels, means.astype(np.float32)).ravel()[beyond]
        through = _transmitted(image[there] / unscattered, share, depth[there], damping)
        through *= _transmitted(other / unscattered, 1 - share, depth.ravel()[beyond], damping)
        banded = image.copy()
        banded[there] = unscattered * through
        return banded


def _transmitted(whole: GreyArray, share: GreyArray, depth: GreyArray, damping: np.float32) -> GreyArray:
    """Give what a share of a grain's thickness lets through (0..1), of what the whole thickness does.

    ``depth`` is the whole thickness in extinction distances; the swings fade by ``damping`` in each.
    """
    swing = 1 - np.cos(2 * np.pi * depth * share) * np.exp(-damping * depth * share)
    full = 1 - np.cos(2 * np.pi * depth) * np.exp(-damping * depth)
    lost = (1 - whole) * swing / full
    passed: GreyArray = np.clip(1 - lost, 0.05, 2).astype(np.float32)
    return passed


@dataclass(frozen=True, kw_only=True, slots=True)
class ThicknessFringes(Limited):
    """Fringes run beside boundaries that lie askew in the foil: the grain is a wedge there.

    The brightness of a diffracting wedge swings with its thickness, once per extinction distance.
    """

    contrast_grey: float = 40.0
    """Amplitude at the boundary, at most."""
    period_px: float = 9.0
    """Distance of two fringes, at most; 3 px at least."""
    grain_share: float = 0.3
    """Share of the grains that are wedges, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the fringes."""
        count = grain_count(labels)
        wedge = rng.random(count) < self.grain_share * rng.random()
        amplitude = wedge * self.contrast_grey * rng.random(count)
        period = rng.uniform(3.0, max(self.period_px, 3.0))
        distance = boundary_distance(labels)
        # A wedge is askew at one side of its grain only.
        side = smooth_field(labels.shape, 4 * period, rng) > 0
        swing = np.cos(2 * np.pi * distance / period) * np.exp(-distance / (2 * period))
        fringed: GreyArray = image + per_grain(labels, amplitude.astype(np.float32)) * swing * side
        return fringed


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinLamellae(Limited):
    """Parallel bands of another grey cross some grains: twins, which count as no boundaries here.

    The truth is that of the labels, which this step leaves alone.
    """

    contrast_grey: float = 60.0
    """Difference between twin and grain, at most."""
    width_px: float = 12.0
    """Mean width of the bands, at most; 3 px at least."""
    grain_share: float = 0.25
    """Share of the grains that are twinned, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the bands."""
        count = grain_count(labels)
        twinned = rng.random(count) < self.grain_share * rng.random()
        contrast = twinned * self.contrast_grey * rng.uniform(-1, 1, count)
        width = rng.uniform(3.0, max(self.width_px, 3.0), count)
        phase = _waves(labels, 2 * width, rng)
        band = phase % 1 < per_grain(labels, rng.uniform(0.2, 0.6, count).astype(np.float32))
        lamellae: GreyArray = image + per_grain(labels, contrast.astype(np.float32)) * band
        return lamellae


@dataclass(frozen=True, kw_only=True, slots=True)
class Moire(Limited):
    """Fine parallel waves in some grains: two lattices on top of each other."""

    contrast_grey: float = 15.0
    """Amplitude, at most."""
    period_px: float = 12.0
    """Distance of two fringes, at most; 3 px at least."""
    grain_share: float = 0.2
    """Share of the grains that show them, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the waves."""
        count = grain_count(labels)
        shown = rng.random(count) < self.grain_share * rng.random()
        amplitude = (shown * self.contrast_grey * rng.random(count)).astype(np.float32)
        phase = _waves(labels, rng.uniform(3.0, max(self.period_px, 3.0), count), rng)
        waved: GreyArray = image + per_grain(labels, amplitude) * np.sin(2 * np.pi * phase)
        return waved


@dataclass(frozen=True, kw_only=True, slots=True)
class DepthOverlay(Limited):
    """Grains at other depths of the foil shine through faintly; their boundaries are none of this layer's."""

    weight_share: float = 0.2
    """Weight of each layer, at most."""
    most: int = 2
    """Number of layers, at most (0..8)."""
    focus_px: float = 3.0
    """Standard deviation of their blur, at most: they lie out of focus."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        if not 0 <= self.most <= 8:
            raise ValueError(f"most is {self.most!r}; it must be from 0 to 8 layers")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Blend in the image, flipped and rolled: other grains of the same kind."""
        result = image
        for _ in range(int(rng.integers(0, self.most + 1))):
            rows, columns = rng.choice([-1, 1], 2)
            shift = tuple(int(side * rng.uniform(0.2, 0.8)) for side in image.shape)
            other = np.roll(image[::rows, ::columns], shift, (0, 1))
            other = ndi.gaussian_filter(other, self.focus_px * rng.random(), mode="wrap")
            weight = np.float32(self.weight_share * rng.random())
            result = (1 - weight) * result + weight * other
        return result


def _waves(labels: LabelArray, periods_px: np.ndarray, rng: np.random.Generator) -> GreyArray:
    """Give each pixel's place along plane waves, in periods; each grain has its own direction."""
    angles = rng.uniform(0, np.pi, len(periods_px))
    rows, columns = np.indices(labels.shape, dtype=np.float32)
    down = per_grain(labels, (np.sin(angles) / periods_px).astype(np.float32))
    right = per_grain(labels, (np.cos(angles) / periods_px).astype(np.float32))
    start = per_grain(labels, rng.random(len(periods_px)).astype(np.float32))
    phase: GreyArray = rows * down + columns * right + start
    return phase
