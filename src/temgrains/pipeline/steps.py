"""The single steps, for whoever stops in between, as the GUI does; and the working scale.

The networks see the image at the working scale (`temgrains.pipeline.scale`). Edges, guess and iterates stay
at that scale, so that the refinement can go on from any of them; the last state is resampled to the image's
shape before lines are drawn, so that boundaries, grains and sizes always have the image's shape and pixels.

Where the micrograph shows no specimen (`Micrograph.excluded`) the detectors see the mean of what is around,
and lines and grains end.
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from temgrains import models
from temgrains.boundaries import close
from temgrains.edges import find_edges
from temgrains.grains import label
from temgrains.micrograph.excluded import check_boxes, filled
from temgrains.pipeline import views
from temgrains.pipeline.provenance import timed
from temgrains.pipeline.scale import resampled, working_scale
from temgrains.records import (
    Boundaries,
    BoundaryMap,
    EdgeMaps,
    Grains,
    GrainSizes,
    Iterate,
    Micrograph,
    Pins,
    Progress,
    silent,
)
from temgrains.refine import refine
from temgrains.settings import Settings
from temgrains.sight import at_shape
from temgrains.sizes import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from temgrains.records import ByteArray, MaskArray

_DEFAULTS = Settings()


def edges_of(
    micrograph: Micrograph,
    *,
    model: str | Path | models.Model | None = None,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> EdgeMaps:
    """Find the edges of a micrograph at the working scale.

    Parameters
    ----------
    micrograph
        The image.
    model
        What an automatic working scale must suit; None leaves the image at its own.
    settings
        Working scale (`settings.guess.scale`) and edge detectors.
    progress
        Called as ``progress("edges", done, 3)``, and before that for the estimate of the grain size.

    Raises
    ------
    ValueError
        If the working scale leaves less than 16 px along a side, or what is excluded lies outside the image.
    """
    check_boxes(micrograph.excluded, micrograph.shape)
    cleared = replace(micrograph, pixels=filled(micrograph), excluded=())
    scale = settings.guess.scale
    if scale == 0:
        scale = 1.0 if model is None else working_scale(cleared, loaded(model), settings, progress)
    return find_edges(resampled(cleared, scale), settings=settings.edges, progress=progress)


def guess_of(
    edges: EdgeMaps | views.EdgePyramid,
    *,
    model: str | Path | models.Model,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> BoundaryMap:
    """Give Net1's initial guess at the scale of the edges, the mean of the views that the model asks for.

    Given a pyramid of the edges, it leaves there what it finds at other sizes.
    """
    return views.guess_of(edges, model=loaded(model), settings=settings, progress=progress)


def first_iterate(start: BoundaryMap) -> Iterate:
    """Give the guess as iterate 0, which no pass through Net2 has touched."""
    return Iterate(index=0, state=start.grey)


def iterates_of(
    start: BoundaryMap | Iterate | Sequence[Iterate],
    *,
    model: str | Path | models.Model,
    settings: Settings = _DEFAULTS,
    edges: EdgeMaps | views.EdgePyramid | None = None,
    pins: Pins | None = None,
    progress: Progress = silent,
) -> Iterator[Iterate]:
    """Give Net2's iterates after `start` (see `refine`), one by one, until the refinement stops.

    ``edges`` are those that the guess was made from: what a refiner that sees the micrograph looks at. Of a
    pyramid it takes what the guess has found there, and needs it no longer once this function has returned.
    """
    networks = loaded(model)
    sights = (
        [] if edges is None else views.sights_of(edges, model=networks, settings=settings, progress=progress)
    )
    return refine(
        start,
        model=networks,
        settings=settings.refine,
        sights=sights,
        device=settings.guess.device,
        precision=settings.guess.precision,
        pins=pins,
        progress=progress,
    )


def all_iterates(
    start: BoundaryMap,
    model: models.Model,
    settings: Settings,
    progress: Progress,
    edges: EdgeMaps | views.EdgePyramid | None = None,
) -> tuple[Iterate, ...]:
    """Give the guess and all iterates after it."""
    made = iterates_of(start, model=model, settings=settings, edges=edges, progress=progress)
    return (first_iterate(start), *made)


def closed(
    state: ByteArray,
    *,
    model: models.Model,
    settings: Settings = _DEFAULTS,
    excluded: MaskArray | None = None,
    progress: Progress = silent,
) -> Boundaries:
    """Draw the closed lines of a state (H, W; 0..255) as its model asks, unless the settings say how."""
    how = settings.boundaries
    if how.closing == "model":
        how = replace(how, closing=model.closing)
    return close(state, settings=how, excluded=excluded, progress=progress)


def grains_of(
    boundaries: Boundaries, micrograph: Micrograph | None, seconds: dict[str, float]
) -> tuple[Grains, GrainSizes]:
    """Label and measure the grains that lines enclose."""
    with timed(seconds, "grains"):
        grains = label(boundaries)
    with timed(seconds, "sizes"):
        sizes = sizes_of(grains, micrograph)
    return grains, sizes


def sizes_of(grains: Grains, micrograph: Micrograph | None) -> GrainSizes:
    """Measure the grains of a micrograph, or of none: then in pixels, and without their grey."""
    if micrograph is None:
        return measure(grains)
    return measure(grains, pixel_size=micrograph.pixel_size, image=micrograph.pixels)


def at_image_scale(state: ByteArray, shape: tuple[int, int]) -> ByteArray:
    """Resample a state from the working scale to the image's shape."""
    return at_shape(state, shape)


def loaded(model: str | Path | models.Model) -> models.Model:
    """Load a model unless it is loaded.

    Raises
    ------
    TypeError
        If it is neither a model nor the name or path of one.
    """
    given: object = model
    if not isinstance(given, models.Model | str | PathLike):
        kind = type(given).__name__
        raise TypeError(f"model is of type {kind}; give its name, the path of its file, or a Model")
    return model if isinstance(model, models.Model) else models.load(model)
