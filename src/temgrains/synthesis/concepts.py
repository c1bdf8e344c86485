"""Concepts: what a network must know about micrographs, each a step that draws it.

A step is any callable ``(image, labels, rng) -> image``: image float32, shape (H, W), 0..255; labels int32,
shape (H, W), the grain 1..N of each pixel; rng a NumPy generator of the step's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from temgrains.records import GreyArray, LabelArray


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomGrey:
    """Grains differ in grey: each gets a whole number, all equally likely, in place of the image."""

    low: int = 0
    """Darkest grey (0..255)."""
    high: int = 255
    """Brightest grey (0..255)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 0 <= self.low <= self.high <= 255:
            raise ValueError(f"low..high is {self.low}..{self.high}; it must rise and lie within 0..255")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Draw the grains' greys."""
        greys = rng.integers(self.low, self.high + 1, int(labels.max(initial=0)) + 1)
        return greys.astype(np.float32).take(labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class FlippedOverlay:
    """Grains at another depth shine through faintly, and their boundaries are none of this layer's.

    The image flipped both ways, times a weight, is added; what exceeds 255 is clipped.
    """

    weight: float = 0.1
    """Factor of the copy (0..1)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight is {self.weight!r}; it must be from 0 to 1")

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:  # noqa: ARG002
        """Add the flipped copy."""
        return np.minimum(image + np.float32(self.weight) * image[::-1, ::-1], np.float32(255))
