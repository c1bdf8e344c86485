"""Concepts of the microscope and the way to the file: light, focus, drift, noise, grey scale, marks.

Steps as in `temgrains.synthesis.diffraction`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage as ndi

from temgrains.synthesis.fields import Limited, smooth_field

if TYPE_CHECKING:
    from temgrains.records import GreyArray, LabelArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Background(Limited):
    """The image is brighter here and there: the foil's thickness, a carbon film, the beam's own shape."""

    uneven_share: float = 0.25
    """Standard deviation of the brightness, at most."""
    vignette_share: float = 0.4
    """Share lost in the corners, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Multiply by the brightness."""
        field = smooth_field(labels.shape, 0.7 * max(labels.shape), rng)
        rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in labels.shape)
        corner = (rows[:, None] ** 2 + columns**2) / 2
        bright = 1 + np.float32(self.uneven_share * rng.random()) * field
        dark = np.float32(self.vignette_share * rng.random()) * corner
        return (image * bright * (1 - dark)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blur(Limited):
    """The image is out of focus, and drifted while it was taken."""

    focus_px: float = 2.0
    """Standard deviation of the focus blur, at most."""
    drift_px: float = 4.0
    """Length of the drift, at most."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Blur the image."""
        length, angle = self.drift_px * rng.random(), rng.uniform(0, np.pi)
        way = np.array([np.sin(angle), np.cos(angle)]) * length
        steps = 2 * int(np.ceil(length)) + 1
        drifted = np.zeros_like(image)
        for share in np.linspace(-0.5, 0.5, steps):
            drifted += ndi.shift(image, share * way, order=1, mode="nearest") / np.float32(steps)
        blurred: GreyArray = ndi.gaussian_filter(drifted, self.focus_px * rng.random(), mode="nearest")
        return blurred


@dataclass(frozen=True, kw_only=True, slots=True)
class ShotNoise:
    """Few electrons hit each pixel: their number scatters as its square root."""

    least_dose: float = 40.0
    """Electrons per white pixel, at least (1..1000000); each image draws up to 100 times as many."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 1 <= self.least_dose <= 1e6:
            raise ValueError(f"least_dose is {self.least_dose!r}; it must be from 1 to 1000000 electrons")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Count the electrons."""
        dose = self.least_dose * 100 ** rng.random()
        counts = rng.poisson(np.clip(image, 0, None) * (dose / 255))
        counted: GreyArray = (counts * (255 / dose)).astype(np.float32)
        return counted


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrelatedNoise(Limited):
    """Noise whose neighbours are alike: scintillators and interpolation spread each electron."""

    deviation_grey: float = 12.0
    """Standard deviation, at most."""
    scale_px: float = 3.0
    """Size of the grain of the noise, at most; 1 px at least."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Add the noise."""
        field = smooth_field(labels.shape, rng.uniform(1.0, max(self.scale_px, 1.0)), rng)
        noisy: GreyArray = image + np.float32(self.deviation_grey * rng.random()) * field
        return noisy


@dataclass(frozen=True, kw_only=True, slots=True)
class GreyScale(Limited):
    """Somebody chose brightness, contrast and gamma: the greys are stretched over part of the range."""

    gamma: float = 1.8
    """Gamma, between 1 / this and this (1..10)."""
    least_range_share: float = 0.3
    """Part of the range 0..255 that the greys take up, at least."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        if not 1 <= self.gamma <= 10:
            raise ValueError(f"gamma is {self.gamma!r}; it must be from 1 to 10")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Stretch the greys."""
        low, high = np.percentile(image, (0.5, 99.5))
        level = np.clip((image - low) / max(high - low, 1.0), 0, 1) ** (self.gamma ** rng.uniform(-1, 1))
        width = 255 * rng.uniform(self.least_range_share, 1)
        start = rng.uniform(0, 255 - width)
        stretched: GreyArray = (start + width * level).astype(np.float32)
        return stretched


@dataclass(frozen=True, kw_only=True, slots=True)
class JpegBlocks:
    """The image was stored as JPEG: blocks of 8 px, and ringing at edges."""

    least_quality: int = 40
    """Quality, between this and 95 (1..95)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 1 <= self.least_quality <= 95:
            raise ValueError(f"least_quality is {self.least_quality!r}; it must be from 1 to 95")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Store and load."""
        stored = io.BytesIO()
        grey = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
        Image.fromarray(grey).save(stored, "JPEG", quality=int(rng.integers(self.least_quality, 96)))
        with Image.open(stored) as loaded:
            return np.asarray(loaded).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scratches(Limited):
    """Long straight lines, bright or dark: polishing, cracks of the film, dead columns."""

    most: int = 3
    """Number, at most (0..1000)."""
    contrast_grey: float = 90.0
    """Contrast, at most."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        Limited.__post_init__(self)
        if not 0 <= self.most <= 1000:
            raise ValueError(f"most is {self.most!r}; it must be from 0 to 1000 scratches")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the lines through the image."""
        result = image.copy()
        rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
        for _ in range(int(rng.integers(0, self.most + 1))):
            angle, width = rng.uniform(0, np.pi), rng.uniform(0.5, 1.5)
            through = rng.random(2) * labels.shape
            across = (rows - through[0]) * np.cos(angle) - (columns - through[1]) * np.sin(angle)
            contrast = self.contrast_grey * rng.uniform(-1, 1)
            result += np.float32(contrast) * np.exp(-((across / width) ** 2)).astype(np.float32)
        return result


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleBar(Limited):
    """A bar burnt into a lower corner, white on black or the reverse."""

    image_share: float = 0.3
    """Share of images that bear one."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Draw the bar."""
        if rng.random() >= self.image_share:
            return image
        height, width = labels.shape
        result = image.copy()
        bar, thick = (
            max(int(width * rng.uniform(0.1, 0.25)), 2),
            max(int(height * rng.uniform(0.01, 0.03)), 1),
        )
        margin = 2 * thick
        bottom, left = height - margin, margin if rng.random() < 0.5 else width - margin - bar
        ink = 255 if rng.random() < 0.7 else 0
        if rng.random() < 0.5:  # on a plate
            result[max(bottom - 3 * thick, 0) :, max(left - margin, 0) : left + bar + margin] = 255 - ink
        result[max(bottom - 2 * thick, 0) : bottom - thick, left : left + bar] = ink
        return result
