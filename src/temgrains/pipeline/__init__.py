"""The order of the stages: the only module that knows it, for the shell, batches and the GUI alike.

`analyse` runs all stages; `update` runs those that a new setting or model makes stale; `imagine` starts from
noise. The single steps (`edges_of`, `guess_of`, `iterates_of`, `conclude`) are for whoever stops in between;
who does not stop between guess and refinement gives both one `EdgePyramid`.
"""

from temgrains.pipeline.analysis import (
    Refined,
    analyse,
    closed_guess,
    conclude,
    refined_of,
    segments_of,
    stale_stage,
    update,
    with_pixel_size,
)
from temgrains.pipeline.correcting import with_boundaries, with_corrections
from temgrains.pipeline.from_noise import GENERATOR, NOISE_SETTINGS, Imagined, imagine
from temgrains.pipeline.members import member_means
from temgrains.pipeline.reloading import NotReloadable, reload
from temgrains.pipeline.saving import save
from temgrains.pipeline.steps import edges_of, first_iterate, guess_of, iterates_of, loaded
from temgrains.pipeline.views import EdgePyramid

__all__ = [
    "GENERATOR",
    "NOISE_SETTINGS",
    "EdgePyramid",
    "Imagined",
    "NotReloadable",
    "Refined",
    "analyse",
    "closed_guess",
    "conclude",
    "edges_of",
    "first_iterate",
    "guess_of",
    "imagine",
    "iterates_of",
    "loaded",
    "member_means",
    "refined_of",
    "reload",
    "save",
    "segments_of",
    "stale_stage",
    "update",
    "with_boundaries",
    "with_corrections",
    "with_pixel_size",
]
