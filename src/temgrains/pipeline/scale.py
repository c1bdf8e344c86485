"""The working scale: the size at which the networks see an image, so that they know grains of its size.

Networks learn what is a grain and what is detail from sizes as much as from shapes. A first look at a part of
the image estimates the grain size; if it does not suit the model, the image is resampled so that it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from skimage.transform import resize

from temgrains.boundaries import close
from temgrains.edges import find_edges
from temgrains.guess import guess
from temgrains.records import Micrograph, Progress, silent

if TYPE_CHECKING:
    from temgrains import models
    from temgrains.settings import Settings

MIN_WORKING_PX = 16
"""Shortest side of an image that the networks' four halvings leave a pixel of."""

SCALES = (0.1, 4.0)
"""Least and largest working scale."""

_LOOK_PX = 512
"""Side of the part in the middle of the image that is looked at, at the working scale."""
_LOOKS = 3
_INSIDE = 1.1
"""How far inside the range of a model grains are brought: the less an image is resampled the better."""


def working_scale(
    micrograph: Micrograph, model: models.Model, settings: Settings, progress: Progress = silent
) -> float:
    """Give the factor by which an image should be resampled for a model, 1 where its grains suit it.

    Parameters
    ----------
    micrograph
        The image, without excluded parts.
    model
        Its card says which mean grain diameters suit it; a model without such a word takes any.
    settings
        Edge detectors, device, closing.
    progress
        Called as ``progress("scale", look, looks)``.
    """
    if model.grains_px is None:
        return 1.0
    least, largest = model.grains_px
    scale = 1.0
    for look in range(_LOOKS):
        progress("scale", look, _LOOKS)
        diameter = _mean_diameter(_middle(micrograph, scale), model, settings)
        if least <= diameter <= largest:
            break
        suited = np.clip(diameter, least * _INSIDE, largest / _INSIDE)
        scale = float(
            np.clip(
                scale * suited / diameter, max(SCALES[0], MIN_WORKING_PX / min(micrograph.shape)), SCALES[1]
            )
        )
    progress("scale", _LOOKS, _LOOKS)
    return scale


def resampled(micrograph: Micrograph, scale: float) -> Micrograph:
    """Give an image at another scale, with its pixel size.

    Raises
    ------
    ValueError
        If less than 16 px are left along a side.
    """
    height, width = micrograph.shape
    shape = (round(height * scale), round(width * scale))
    check_sides(shape, f"at guess.scale {scale:g} the image is")
    if shape == micrograph.shape:
        return micrograph
    pixels = resize(micrograph.pixels, shape, order=1, mode="edge", anti_aliasing=scale < 1)
    size = micrograph.pixel_size
    if size is not None:
        size = (size[0] * height / shape[0], size[1] * width / shape[1])
    return replace(micrograph, pixels=pixels.astype(np.float32, copy=False), pixel_size=size)


def check_sides(shape: tuple[int, int], what: str) -> None:
    """Refuse an image that the networks cannot halve four times."""
    if min(shape) < MIN_WORKING_PX:
        raise ValueError(
            f"{what} {shape[0]} x {shape[1]} px; both sides must be at least {MIN_WORKING_PX} px"
        )


def _middle(micrograph: Micrograph, scale: float) -> Micrograph:
    """Cut the part to look at from the middle of the image, and resample it."""
    side = round(_LOOK_PX / scale)
    window = tuple(slice(max((n - side) // 2, 0), max((n - side) // 2, 0) + side) for n in micrograph.shape)
    return resampled(replace(micrograph, pixels=micrograph.pixels[window], pixel_size=None), scale)


def _mean_diameter(part: Micrograph, model: models.Model, settings: Settings) -> float:
    """Give the equivalent circle diameter of the mean grain that a first look finds [px]."""
    edges = find_edges(part, settings=settings.edges)
    # In one precision everywhere: the scale, and with it the result, must not hang on the processor.
    likelihood = guess(edges, model=model, settings=replace(settings.guess, precision="float32")).grey
    labels = close(likelihood, settings=replace(settings.boundaries, closing=model.closing)).labels
    count = max(int(labels.max()), 1)
    return float(np.sqrt(4 / np.pi * labels.size / count))
