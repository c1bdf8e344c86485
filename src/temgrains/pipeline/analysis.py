"""A whole run, and the repeat of a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from temgrains import models
from temgrains.pipeline import provenance, steps
from temgrains.pipeline.confidence import rated, sure_part, with_confidence
from temgrains.pipeline.provenance import timed
from temgrains.pipeline.views import EdgePyramid
from temgrains.records import (
    Analysis,
    Boundaries,
    BoundaryMap,
    EdgeMaps,
    GrainSizes,
    Iterate,
    Micrograph,
    PixelSize,
    Progress,
    silent,
)
from temgrains.settings import STAGES, Settings, first_stale, settings_from_dict

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains.corrections import SegmentGraph

_DEFAULTS = Settings()
_NO_MICROGRAPH = (
    "read a file with temgrains.read, or make a micrograph of an array with temgrains.micrograph.from_array"
)
_NO_SETTINGS = "give temgrains.Settings(), or make them with temgrains.settings.settings_from_dict"


@dataclass(frozen=True, slots=True)
class Refined:
    """What the edges and the networks gave, before lines are drawn.

    ``edges``, ``guess`` and ``iterates`` are at the working scale; ``iterates[0]`` is the guess. ``seconds``
    holds the time that each stage took [s].
    """

    micrograph: Micrograph
    edges: EdgeMaps
    guess: BoundaryMap
    iterates: tuple[Iterate, ...] = field(repr=False)
    seconds: dict[str, float] = field(default_factory=dict)


def analyse(
    micrograph: Micrograph,
    *,
    model: str | Path | models.Model = models.DEFAULT,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> Analysis:
    """Find the boundaries and grains of a micrograph.

    Parameters
    ----------
    micrograph
        The image, from `temgrains.read` or `temgrains.micrograph.from_array`.
    model
        Name of an installed model, path of a model file, or a loaded model.
    settings
        Settings of all stages.
    progress
        Called as ``progress(stage, done, total)``; may raise `Cancelled`.

    Returns
    -------
    analysis
        ``boundaries``, ``grains`` and ``sizes`` have the image's shape and pixels; ``edges``, ``guess`` and
        ``iterates`` are at the working scale, whose shape is ``provenance["working_shape"]``.

    Raises
    ------
    ModelError
        If the model is unknown or its file is damaged.
    ValueError
        If the working scale leaves less than 16 px along a side.
    TypeError
        If it is given no micrograph, settings or model.

    Warns
    -----
    PoorGuessWarning
        If the refinement takes more than 40 iterations; ``provenance["warnings"]`` says so too.
    """
    _require(micrograph, Micrograph, "micrograph", _NO_MICROGRAPH)
    _require(settings, Settings, "settings", _NO_SETTINGS)
    networks = steps.loaded(model)
    seconds: dict[str, float] = {}
    with timed(seconds, "edges"):
        edges = steps.edges_of(micrograph, model=networks, settings=settings, progress=progress)
    start, iterates = _through_networks(edges, networks, settings, seconds, progress)
    refined = Refined(micrograph, edges, start, iterates, seconds)
    return conclude(refined, model=networks, settings=settings, progress=progress)


def _through_networks(
    edges: EdgeMaps,
    networks: models.Model,
    settings: Settings,
    seconds: dict[str, float],
    progress: Progress,
) -> tuple[BoundaryMap, tuple[Iterate, ...]]:
    """Guess and refine; the edges that the views look at are found once for both, and dropped at the end."""
    pyramid = EdgePyramid(edges, settings.edges)
    with timed(seconds, "guess"):
        start = steps.guess_of(pyramid, model=networks, settings=settings, progress=progress)
    with timed(seconds, "refine"):
        iterates = steps.all_iterates(start, networks, settings, progress, pyramid)
    return start, iterates


def _require(value: object, kind: type, name: str, remedy: str) -> None:
    """Refuse what is of another kind before something deep inside fails on it."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is of type {type(value).__name__}; {remedy}")


def update(
    analysis: Analysis,
    *,
    model: str | Path | models.Model,
    settings: Settings,
    progress: Progress = silent,
) -> Analysis:
    """Repeat an analysis with another model or other settings, from the first stage that they touch.

    Parameters
    ----------
    analysis
        What `analyse` or `update` gave. It is not changed; records before the first stale stage are shared.
    model, settings, progress
        As for `analyse`.

    Returns
    -------
    analysis
        What `analyse` would give for the same micrograph; the very same object if nothing is stale.
    """
    networks = steps.loaded(model)
    stage = stale_stage(analysis, model=networks, settings=settings)
    if stage is None:
        return analysis
    if stage == "edges":
        return analyse(analysis.micrograph, model=networks, settings=settings, progress=progress)
    refined = refined_of(analysis)
    if stage == "guess":
        start, iterates = _through_networks(refined.edges, networks, settings, refined.seconds, progress)
        refined = replace(refined, guess=start, iterates=iterates)
    if stage == "refine":
        with timed(refined.seconds, "refine"):
            iterates = steps.all_iterates(refined.guess, networks, settings, progress, refined.edges)
        refined = replace(refined, iterates=iterates)
    return conclude(refined, model=networks, settings=settings, progress=progress)


def stale_stage(analysis: Analysis, *, model: str | Path | models.Model, settings: Settings) -> str | None:
    """Name the first stage that another model or other settings touch, or None if the analysis stands."""
    old = settings_from_dict(analysis.provenance["settings"])
    if old.guess.scale != settings.guess.scale:  # the edges are found at the working scale
        return "edges"
    card, known = steps.loaded(model).card, analysis.provenance["model"]
    if settings.guess.scale == 0 and card.get("grains_px") != known.get("grains_px"):
        return "edges"
    touched = {first_stale(old, settings), None if known == card else "guess"}
    return next((stage for stage in STAGES if stage in touched), None)


def conclude(
    refined: Refined,
    *,
    model: str | Path | models.Model,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> Analysis:
    """Draw closed boundaries from the last iterate, label and measure the grains.

    Parameters
    ----------
    refined
        Edges, guess and at least one iterate; the refinement may have been left at any of them.
    model, settings
        What `refined` was made with, for the provenance; ``settings.boundaries`` draws the lines.
    progress
        Called as ``progress(stage, done, total)``; may raise `Cancelled`.
    """
    seconds = dict(refined.seconds)
    micrograph, iterates = refined.micrograph, refined.iterates
    networks = steps.loaded(model)
    state = steps.at_image_scale(iterates[-1].state, micrograph.shape)
    guessed = steps.at_image_scale(refined.guess.grey, micrograph.shape)
    with timed(seconds, "boundaries"):
        excluded = micrograph.excluded_mask
        lines = steps.closed(state, model=networks, settings=settings, excluded=excluded, progress=progress)
        boundaries, sure = sure_part(
            lines, guessed, networks.card, least=settings.boundaries.least_confidence
        )
    grains, sizes = steps.grains_of(boundaries, micrograph, seconds)
    return Analysis(
        micrograph=micrograph,
        edges=refined.edges,
        guess=refined.guess,
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=with_confidence(sizes, sure),
        provenance={
            **provenance.origin(micrograph),
            **provenance.made_with(networks, settings),
            **provenance.course(iterates),
            "warnings": provenance.all_doubts(micrograph, iterates, grains),
            "seconds": seconds,
        },
    )


def closed_guess(
    analysis: Analysis, *, model: str | Path | models.Model, settings: Settings = _DEFAULTS
) -> Boundaries:
    """Draw the closed lines of an analysis's guess at the image's scale, to compare with the result's."""
    grey = steps.at_image_scale(analysis.guess.grey, analysis.micrograph.shape)
    excluded = analysis.micrograph.excluded_mask
    return steps.closed(grey, model=steps.loaded(model), settings=settings, excluded=excluded)


def segments_of(analysis: Analysis, *, calibrate: bool = True) -> SegmentGraph:
    """Give the segments of an analysis's boundaries with their confidence, or with the mean of the guess."""
    guessed = steps.at_image_scale(analysis.guess.grey, analysis.micrograph.shape)
    return rated(analysis.boundaries, guessed, analysis.provenance["model"] if calibrate else {})


def refined_of(analysis: Analysis) -> Refined:
    """Give the part of an analysis that comes before lines are drawn."""
    networks = ("edges", "guess", "refine")
    return Refined(
        micrograph=analysis.micrograph,
        edges=analysis.edges,
        guess=analysis.guess,
        iterates=analysis.iterates,
        seconds={k: v for k, v in analysis.provenance["seconds"].items() if k in networks},
    )


def with_pixel_size(
    analysis: Analysis, pixel_size: PixelSize | None, *, calibration: str = "typed"
) -> Analysis:
    """Give the analysis another scale: nothing but the sizes is computed again.

    Parameters
    ----------
    analysis
        What `analyse` gave.
    pixel_size
        Height and width of one pixel [nm], None for unknown.
    calibration
        Where the scale came from, in words.
    """
    micrograph = replace(analysis.micrograph, pixel_size=pixel_size, calibration=calibration)
    return replace(
        analysis,
        micrograph=micrograph,
        sizes=_with_known_confidence(steps.sizes_of(analysis.grains, micrograph), analysis),
        provenance={
            **analysis.provenance,
            **provenance.origin(micrograph),
            **provenance.corrections_at(analysis.provenance, pixel_size),
            "warnings": provenance.rescaled(analysis.provenance["warnings"], micrograph),
        },
    )


def _with_known_confidence(sizes: GrainSizes, analysis: Analysis) -> GrainSizes:
    """Keep what no scale changes."""
    known = analysis.sizes.table
    return with_confidence(sizes, known["confidence"].to_numpy()) if "confidence" in known else sizes
