"""What several concepts are drawn with: random fields, distances, limits of their settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import GreyArray, LabelArray, MaskArray

LIMITS = {"share": 1.0, "grey": 255.0, "px": 4096.0}
"""Largest value of a setting by the last word of its name; the least is 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """Settings that are refused below 0, or above 1 (…_share), 255 (…_grey) or 4096 (…_px)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for field in fields(self):
            value, kind = getattr(self, field.name), field.name.rsplit("_", 1)[-1]
            if kind in LIMITS and not 0 <= value <= LIMITS[kind]:
                raise ValueError(f"{field.name} is {value!r}; it must be from 0 to {LIMITS[kind]:g}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sometimes(Limited):
    """A concept, or a shape of grains, that only some images show."""

    concept: Any
    """What they show: any callable that a recipe takes."""
    image_share: float = 0.5
    """Share of images that show it."""

    def __call__(self, given: Any, *rest: Any) -> Any:
        """Apply the concept, or give back what was given."""
        rng: np.random.Generator = rest[-1]
        return self.concept(given, *rest) if rng.random() < self.image_share else given


def grain_count(labels: LabelArray) -> int:
    """Count the grains of labels 1..N, at least one."""
    return max(int(labels.max(initial=0)), 1)


def smooth_field(shape: tuple[int, int], scale_px: float, rng: np.random.Generator) -> GreyArray:
    """Draw a smooth random field of mean 0 and standard deviation 1 (float32, H × W).

    Its values are alike within about ``scale_px`` [px]. Each value comes from a normal distribution: the
    field is white noise on a grid of half that pitch, smoothed by cubic B-splines.
    """
    pitch = max(scale_px / 2, 1.0)
    nodes = rng.standard_normal([int(np.ceil(side / pitch)) + 4 for side in shape]).astype(np.float32)
    down, right = (
        _spline_weights(np.arange(side, dtype=np.float64) / pitch + rng.random(), count)
        for side, count in zip(shape, nodes.shape, strict=True)
    )
    field = down @ nodes @ right.T
    spread = float(field.std())
    scaled: GreyArray = (field - field.mean()) / np.float32(spread if spread > 0 else 1.0)
    return scaled


def _spline_weights(places: NDArray[np.float64], count: int) -> GreyArray:
    """Give the weight of ``count`` nodes, node k at k - 1, at each place (N, count): cubic B-splines."""
    distance = np.abs(places[:, None] + 1 - np.arange(count))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def boundary_distance(labels: LabelArray) -> GreyArray:
    """Give each pixel's distance to the nearest interface between two grains [px] (float32, H × W).

    Interfaces lie between pixels: the pixels beside one are 0.5 px from it. Where there is one grain only,
    the distance is the diagonal of the image.
    """
    beside, _ = _interfaces(labels)
    if not beside.any():
        return np.full(labels.shape, np.hypot(*labels.shape), np.float32)
    return ndi.distance_transform_edt(~beside).astype(np.float32) + np.float32(0.5)


def nearest_interface(labels: LabelArray) -> tuple[GreyArray, NDArray[np.intp]]:
    """Give each pixel's distance to the nearest interface [px], and a pixel of the grain beyond it.

    Returns
    -------
    distance
        As `boundary_distance`, float32 (H, W).
    across
        Number of that pixel in reading order, (H, W); the pixel itself where there is one grain only.
    """
    beside, across = _interfaces(labels)
    itself = np.arange(labels.size).reshape(labels.shape)
    if not beside.any():
        return np.full(labels.shape, np.hypot(*labels.shape), np.float32), itself
    distance, nearest = ndi.distance_transform_edt(~beside, return_indices=True)
    found = nearest[0] * labels.shape[1] + nearest[1]
    ours = labels.ravel()[found] == labels
    beyond: NDArray[np.intp] = np.where(ours, across.ravel()[found], found)
    return distance.astype(np.float32) + np.float32(0.5), beyond


def _interfaces(labels: LabelArray) -> tuple[MaskArray, NDArray[np.intp]]:
    """Say which pixels lie beside an interface, and give the number of a pixel on its other side."""
    width = labels.shape[1]
    number = np.arange(labels.size).reshape(labels.shape)
    beside, across = np.zeros(labels.shape, np.bool_), number.copy()
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    for here, there, step in (
        (np.s_[1:], down, -width),
        (np.s_[:-1], down, width),
        (np.s_[:, 1:], right, -1),
        (np.s_[:, :-1], right, 1),
    ):
        beside[here] |= there
        across[here] = np.where(there, number[here] + step, across[here])
    return beside, across


def per_grain(labels: LabelArray, values: GreyArray) -> GreyArray:
    """Spread one value per grain (N) over the pixels labelled 1..N."""
    spread: GreyArray = np.concatenate([[values[0]], values]).astype(np.float32)[labels]
    return spread
