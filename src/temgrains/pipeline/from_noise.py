"""Microstructures from pure noise (Fig. 4a)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.micrograph.pixels import check_extent
from temgrains.pipeline import provenance, steps
from temgrains.pipeline.scale import check_sides
from temgrains.records import Boundaries, BoundaryMap, Grains, GrainSizes, Iterate, Progress, silent
from temgrains.settings import RefineSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains import models

GENERATOR = "paper"
"""The model whose refinement makes microstructures from noise, as Fig. 4a."""

NOISE_SETTINGS = Settings(refine=RefineSettings(max_iterations=150, guided=False))
"""Noise is no guess: the state alone decides, in more passes than it gets for a micrograph."""


@dataclass(frozen=True, slots=True)
class Imagined:
    """A microstructure that the refinement made from uniform noise, and what it takes to repeat it.

    ``iterates[0]`` is the noise; sizes are in pixels. ``provenance`` is plain JSON.
    """

    iterates: tuple[Iterate, ...] = field(repr=False)
    boundaries: Boundaries
    grains: Grains
    sizes: GrainSizes
    provenance: dict[str, Any] = field(repr=False)


def imagine(
    *,
    seed: int,
    shape: tuple[int, int] = (96, 496),
    model: str | Path | models.Model = GENERATOR,
    settings: Settings = NOISE_SETTINGS,
    progress: Progress = silent,
) -> Imagined:
    """Let the refinement make a microstructure from uniform noise, as in Fig. 4a.

    Parameters
    ----------
    seed
        Seed of the noise, 0 or more; the same seed gives the same microstructure.
    shape
        Height and width of the noise [px].
    model, settings, progress
        As for `analyse`; edges and working scale play no part. At most 150 passes unless set otherwise.

    Raises
    ------
    ValueError
        If the seed is negative, a side is shorter than 16 px, or this computer cannot hold the noise.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be 0 or more")
    check_sides(shape, "the noise is")
    check_extent("noise", *shape, 0)
    networks = steps.loaded(model)
    noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    seconds: dict[str, float] = {}
    with provenance.timed(seconds, "refine"):
        iterates = steps.all_iterates(BoundaryMap(noise), networks, settings, progress)
    with provenance.timed(seconds, "boundaries"):
        boundaries = steps.closed(iterates[-1].state, model=networks, settings=settings, progress=progress)
    grains, sizes = steps.grains_of(boundaries, None, seconds)
    return Imagined(
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=sizes,
        provenance={
            "seed": seed,
            **provenance.made_with(networks, settings),
            **provenance.course(iterates),
            "warnings": provenance.doubts(iterates, grains, from_guess=False),
            "seconds": seconds,
        },
    )
