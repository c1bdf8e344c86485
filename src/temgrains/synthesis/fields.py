"""What several concepts are drawn with: random fields, distances, limits of their settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from temgrains.records import GreyArray, LabelArray

_LIMITS = {"share": 1.0, "grey": 255.0, "px": 4096.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """Settings that are refused below 0, or above 1 (…_share), 255 (…_grey) or 4096 (…_px)."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for field in fields(self):
            value, kind = getattr(self, field.name), field.name.rsplit("_", 1)[-1]
            if kind in _LIMITS and not 0 <= value <= _LIMITS[kind]:
                raise ValueError(f"{field.name} is {value!r}; it must be from 0 to {_LIMITS[kind]:g}")


def grain_count(labels: LabelArray) -> int:
    """Count the grains of labels 1..N, at least one."""
    return max(int(labels.max(initial=0)), 1)


def smooth_field(shape: tuple[int, int], scale_px: float, rng: np.random.Generator) -> GreyArray:
    """Draw a smooth random field of mean 0 and standard deviation 1 (float32, H × W).

    Its values are alike within about ``scale_px`` [px]. Each value comes from a normal distribution: the
    field is white noise on a grid of half that pitch, interpolated with cubic splines.
    """
    pitch = max(scale_px / 2, 1.0)
    margin = 3  # the spline's own border lies outside the image
    nodes = rng.standard_normal([int(np.ceil(side / pitch)) + 2 * margin + 1 for side in shape])
    places = [
        (np.arange(side, dtype=np.float64) + rng.random() * pitch) / pitch + margin - 1 for side in shape
    ]
    coordinates = np.stack(np.meshgrid(*places, indexing="ij"))
    field = ndi.map_coordinates(nodes, coordinates, output=np.float32, order=3, mode="nearest")
    spread = float(field.std())
    scaled: GreyArray = (field - field.mean()) / np.float32(spread if spread > 0 else 1.0)
    return scaled


def boundary_distance(labels: LabelArray) -> GreyArray:
    """Give each pixel's distance to the nearest interface between two grains [px] (float32, H × W).

    Interfaces lie between pixels: the pixels beside one are 0.5 px from it. Where there is one grain only,
    the distance is the diagonal of the image.
    """
    beside = np.zeros(labels.shape, bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    beside[1:] |= down
    beside[:-1] |= down
    beside[:, 1:] |= right
    beside[:, :-1] |= right
    if not beside.any():
        return np.full(labels.shape, np.hypot(*labels.shape), np.float32)
    return ndi.distance_transform_edt(~beside).astype(np.float32) + np.float32(0.5)


def per_grain(labels: LabelArray, values: GreyArray) -> GreyArray:
    """Spread one value per grain (N) over the pixels labelled 1..N."""
    spread: GreyArray = np.concatenate([[values[0]], values]).astype(np.float32)[labels]
    return spread
