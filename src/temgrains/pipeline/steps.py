"""The single steps, for whoever stops in between, as the GUI does; and the working scale.

The networks see the image at the working scale (`GuessSettings.scale`). Edges, guess and iterates stay at
that scale, so that the refinement can go on from any of them; the last state is resampled to the image's
shape before lines are drawn, so that boundaries, grains and sizes always have the image's shape and pixels.

Where the micrograph shows no specimen (`Micrograph.excluded`) the detectors see the mean of what is around,
and lines and grains end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from skimage.transform import resize

from temgrains import models
from temgrains.boundaries import close
from temgrains.edges import find_edges
from temgrains.grains import label
from temgrains.guess import guess
from temgrains.micrograph.excluded import check_boxes, filled
from temgrains.pipeline.provenance import timed
from temgrains.records import (
    Boundaries,
    BoundaryMap,
    EdgeMaps,
    Grains,
    GrainSizes,
    Iterate,
    Micrograph,
    Progress,
    silent,
)
from temgrains.refine import refine
from temgrains.settings import Settings
from temgrains.sizes import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from temgrains.records import ByteArray

MIN_WORKING_PX = 16
"""Shortest side of an image that the networks' four halvings leave a pixel of."""

_DEFAULTS = Settings()


def edges_of(
    micrograph: Micrograph, *, settings: Settings = _DEFAULTS, progress: Progress = silent
) -> EdgeMaps:
    """Find the edges of a micrograph at the working scale.

    Raises
    ------
    ValueError
        If the working scale leaves less than 16 px along a side, or what is excluded lies outside the image.
    """
    return find_edges(_at_working_scale(micrograph, settings), settings=settings.edges, progress=progress)


def guess_of(
    edges: EdgeMaps,
    *,
    model: str | Path | models.Model,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> BoundaryMap:
    """Give Net1's initial guess at the scale of the edges."""
    return guess(edges, model=model, settings=settings.guess, progress=progress)


def first_iterate(start: BoundaryMap) -> Iterate:
    """Give the guess as iterate 0, which no pass through Net2 has touched."""
    return Iterate(index=0, state=start.grey)


def iterates_of(
    start: BoundaryMap | Iterate | Sequence[Iterate],
    *,
    model: str | Path | models.Model,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> Iterator[Iterate]:
    """Give Net2's iterates after `start` (see `refine`), one by one, until the refinement stops."""
    device = settings.guess.device
    return refine(start, model=model, settings=settings.refine, device=device, progress=progress)


def all_iterates(
    start: BoundaryMap, model: models.Model, settings: Settings, progress: Progress
) -> tuple[Iterate, ...]:
    """Give the guess and all iterates after it."""
    return (first_iterate(start), *iterates_of(start, model=model, settings=settings, progress=progress))


def grains_of(
    state: ByteArray,
    settings: Settings,
    progress: Progress,
    *,
    micrograph: Micrograph | None = None,
    seconds: dict[str, float],
) -> tuple[Boundaries, Grains, GrainSizes]:
    """Draw the closed lines of a state at the image's scale, label and measure its grains."""
    excluded = None if micrograph is None else micrograph.excluded_mask
    with timed(seconds, "boundaries"):
        boundaries = close(state, settings=settings.boundaries, excluded=excluded, progress=progress)
    with timed(seconds, "grains"):
        grains = label(boundaries)
    with timed(seconds, "sizes"):
        sizes = sizes_of(grains, micrograph)
    return boundaries, grains, sizes


def sizes_of(grains: Grains, micrograph: Micrograph | None) -> GrainSizes:
    """Measure the grains of a micrograph, or of none: then in pixels, and without their grey."""
    if micrograph is None:
        return measure(grains)
    return measure(grains, pixel_size=micrograph.pixel_size, image=micrograph.pixels)


def at_image_scale(state: ByteArray, shape: tuple[int, int]) -> ByteArray:
    """Resample a state from the working scale to the image's shape."""
    if state.shape == shape:
        return state
    shrinks = state.shape[0] > shape[0]
    grey = resize(state, shape, order=1, mode="edge", anti_aliasing=shrinks, preserve_range=True)
    resampled: ByteArray = np.rint(grey).astype(np.uint8)
    return resampled


def check_sides(shape: tuple[int, int], what: str) -> None:
    """Refuse an image that the networks cannot halve four times."""
    if min(shape) < MIN_WORKING_PX:
        raise ValueError(
            f"{what} {shape[0]} x {shape[1]} px; both sides must be at least {MIN_WORKING_PX} px"
        )


def loaded(model: str | Path | models.Model) -> models.Model:
    """Load a model unless it is loaded."""
    return model if isinstance(model, models.Model) else models.load(model)


def _at_working_scale(micrograph: Micrograph, settings: Settings) -> Micrograph:
    check_boxes(micrograph.excluded, micrograph.shape)
    scale = settings.guess.scale
    height, width = micrograph.shape
    shape = (round(height * scale), round(width * scale))
    check_sides(shape, f"at guess.scale {scale:g} the image is")
    grey = filled(micrograph)
    if shape == micrograph.shape:
        return replace(micrograph, pixels=grey, excluded=())
    pixels = resize(grey, shape, order=1, mode="edge", anti_aliasing=scale < 1)
    size = micrograph.pixel_size
    if size is not None:
        size = (size[0] * height / shape[0], size[1] * width / shape[1])
    return replace(micrograph, pixels=pixels.astype(np.float32, copy=False), pixel_size=size, excluded=())
