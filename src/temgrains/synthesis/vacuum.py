"""The concept of what lies beside a line: vacuum. A step as in `temgrains.synthesis.diffraction`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from temgrains.synthesis.fields import Limited

if TYPE_CHECKING:
    from temgrains.records import GreyArray, LabelArray, MaskArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Vacuum(Limited):
    """Beside a line there is vacuum: nothing there scatters, so that it is bright and shows but noise.

    Beside a line is where two opposite sides of the image belong to one grain each, as the shape ``Line``
    leaves them; images without a line stay as they are. The edge of the specimen has a Fresnel fringe.
    """

    level_grey: float = 235.0
    """Grey of the vacuum, at most; two thirds of it at least, and as bright as the specimen."""
    noise_grey: float = 8.0
    """Standard deviation of its noise, at most."""
    fringe_grey: float = 50.0
    """Contrast of the fringe at the edge, at most: bright outside, dark inside, or the reverse."""
    fringe_px: float = 2.0
    """Width of the fringe, at most; 1 px at least."""

    def __call__(self, image: GreyArray, labels: LabelArray, rng: np.random.Generator) -> GreyArray:
        """Replace what lies beside the line."""
        level = self.level_grey * rng.uniform(2 / 3, 1)
        noise = self.noise_grey * rng.random() * rng.standard_normal(labels.shape)
        contrast = self.fringe_grey * rng.uniform(-1, 1)
        width = rng.uniform(1.0, max(self.fringe_px, 1.0))
        outside = beside_line(labels)
        if not outside.any():
            return image
        level = max(level, float(np.percentile(image[~outside], 98)))
        depth = ndi.distance_transform_edt(outside) + ndi.distance_transform_edt(~outside) - 0.5
        fringe = np.where(outside, contrast, -contrast) * np.exp(-((depth / width) ** 2))
        empty: GreyArray = (np.where(outside, level + noise, image) + fringe).astype(np.float32)
        return empty


def beside_line(labels: LabelArray) -> MaskArray:
    """Give the grains that fill two opposite sides of an image, each one side (bool, H × W).

    Where another grain touches such a side, or all is one grain, there is no line.
    """
    for grid in (labels, labels.T):
        first, last = grid[0], grid[-1]
        if (first == first[0]).all() and (last == last[0]).all():
            outside: MaskArray = (labels == first[0]) | (labels == last[0])
            return outside & (not outside.all())
    return np.zeros(labels.shape, np.bool_)
