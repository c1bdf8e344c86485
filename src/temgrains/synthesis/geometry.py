"""Shapes of grains beyond the convex cells of the power diagram.

A shape is any callable ``(labels, rng) -> labels``: labels int32, shape (H, W), the grain 1..N of each pixel;
rng a NumPy generator of the shape's own. The truth follows from the labels that the last one gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.measure import label

from temgrains.synthesis.fields import Limited, boundary_distance, smooth_field

if TYPE_CHECKING:
    from temgrains.records import LabelArray, MaskArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Curved(Limited):
    """Boundaries are curved: two smooth fields bend the diagram."""

    bend_px: float = 6.0
    """Standard deviation of the displacement, at most."""
    scale_px: float = 40.0
    """Distance over which it changes."""

    def __call__(self, labels: LabelArray, rng: np.random.Generator) -> LabelArray:
        """Bend the labels."""
        bend = np.float32(self.bend_px * rng.random())
        places = np.indices(labels.shape, dtype=np.float32)
        moved = [place + bend * smooth_field(labels.shape, self.scale_px, rng) for place in places]
        bent: LabelArray = ndi.map_coordinates(labels, moved, order=0, mode="nearest")
        return bent


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretched:
    """Grains are longer in one direction: rolled, extruded or columnar films."""

    aspect: float = 3.0
    """Length over width, at most (1..20)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not 1 <= self.aspect <= 20:
            raise ValueError(f"aspect is {self.aspect!r}; it must be from 1 to 20")

    def __call__(self, labels: LabelArray, rng: np.random.Generator) -> LabelArray:
        """Magnify the middle of the diagram in a random direction."""
        aspect, angle = self.aspect ** rng.random(), rng.uniform(0, np.pi)
        along = np.array([np.sin(angle), np.cos(angle)])
        squeeze = np.eye(2) - (1 - 1 / aspect) * np.outer(along, along)
        middle = (np.array(labels.shape) - 1) / 2
        offset = middle - squeeze @ middle
        stretched: LabelArray = ndi.affine_transform(labels, squeeze, offset, order=0, mode="nearest")
        return stretched


@dataclass(frozen=True, kw_only=True, slots=True)
class Line(Limited):
    """The grains fill a line, as interconnects do; beside it there is one matrix without grains."""

    image_share: float = 0.15
    """Share of images that show a line."""

    def __call__(self, labels: LabelArray, rng: np.random.Generator) -> LabelArray:
        """Replace the grains above and below (or beside) the line."""
        if rng.random() >= self.image_share:
            return labels
        lined = labels.copy()
        across = lined if rng.random() < 0.5 else lined.T
        height = across.shape[0]
        first, last = int(height * rng.uniform(0.05, 0.3)), int(height * rng.uniform(0.7, 0.95))
        matrix = labels.max() + 1
        across[: max(first, 1)] = matrix
        across[max(last, first + 2) :] = matrix
        return lined


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinGrains(Limited):
    """Twins count as grains: parallel lamellae cut some grains, and their boundaries are in the truth.

    A twin boundary is a grain boundary by orientation, and none by most standards of grain size, so that it
    depends on the question. Lamellae that are no boundaries are drawn by the concept ``TwinLamellae``.
    """

    width_px: float = 14.0
    """Width of the lamellae, at most; 6 px at least."""
    grain_share: float = 0.25
    """Share of the grains that are twinned, at most."""

    def __call__(self, labels: LabelArray, rng: np.random.Generator) -> LabelArray:
        """Cut the grains; pieces smaller than a lamella is wide each way stay with their neighbour."""
        count = int(labels.max(initial=0))
        twinned = np.append(False, rng.random(count) < self.grain_share * rng.random())[labels]
        width = np.append(1.0, rng.uniform(6.0, max(self.width_px, 6.0), count))
        angle, start = rng.uniform(0, np.pi, count + 1), rng.random(count + 1)
        gap = rng.uniform(1.5, 4, count + 1)
        rows, columns = np.indices(labels.shape)
        across = rows * np.sin(angle)[labels] + columns * np.cos(angle)[labels]
        place = (across / (width * (1 + gap))[labels] + start[labels]) % 1
        band = twinned & (place < (1 / (1 + gap))[labels])
        pieces = whole_grains(labels + np.int32(count) * band)
        band ^= twinned & (np.bincount(pieces.ravel())[pieces] < (width**2)[labels])
        return whole_grains(labels + np.int32(count) * band)


def whole_grains(labels: LabelArray) -> LabelArray:
    """Give each 4-connected piece of the labels its own number 1..N: a shape may have cut a grain in two."""
    pieces: LabelArray = label(labels, connectivity=1, background=-1).astype(np.int32)
    return pieces


def interfaces(labels: LabelArray, *, thickness_px: float) -> MaskArray:
    """Give the pixels within half the thickness of an interface between two labels (bool, H × W)."""
    near: MaskArray = boundary_distance(labels) <= max(thickness_px / 2, 0.5)
    return near
