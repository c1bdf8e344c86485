"""How far the members of a model's ensemble differ: each view of the image alone, and the grains it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from temgrains.grains import label
from temgrains.pipeline import steps, views
from temgrains.records import silent
from temgrains.settings import settings_from_dict
from temgrains.statistics.distribution import summarise
from temgrains.statistics.field import Field
from temgrains.statistics.report import weights_of

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains import models
    from temgrains.records import Analysis, Progress

FEWEST = 4
"""Views that are looked at where the model asks for fewer."""


def member_means(
    analysis: Analysis, *, model: str | Path | models.Model, progress: Progress = silent
) -> tuple[float, ...]:
    """Give the mean diameter of whole grains that each view of the image leads to by itself.

    Parameters
    ----------
    analysis
        What `temgrains.pipeline.analyse` gave; its edges and settings are used, corrections are not.
    model
        The model that it was made with.
    progress
        Called as ``progress("members", done, members)``.

    Returns
    -------
    means
        Mean equivalent circle diameters, each grain weighted as in `temgrains.statistics.report`, in nm where
        the scale is known, else in px. NaN for a view without a whole grain.

    Notes
    -----
    Lines are closed straight from each view's guess, without the refinement, which takes far longer: so the
    means differ from the result's, and only their scatter counts.
    """
    networks = steps.loaded(model)
    settings = settings_from_dict(analysis.provenance["settings"])
    members = max(settings.guess.members or networks.members, FEWEST)
    pyramid = views.EdgePyramid(analysis.edges, settings.edges)
    means = []
    for number in range(members):
        grey = views.guess_of(pyramid, model=networks, settings=settings, views=[number]).grey
        state = steps.at_image_scale(grey, analysis.micrograph.shape)
        boundaries = steps.closed(
            state, model=networks, settings=settings, excluded=analysis.micrograph.excluded_mask
        )
        means.append(_mean(Field.of(label(boundaries), pixel_size=analysis.micrograph.pixel_size)))
        progress("members", number + 1, members)
    return tuple(means)


def _mean(counted: Field) -> float:
    diameters = 2 * np.sqrt(counted.whole_areas / np.pi)
    return summarise(diameters, weights=weights_of(counted)).mean
