"""Equation 1 for boundaries of one kind: whether faint ones are missed, or such as the networks saw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains.pipeline.confidence import rated_lines
from temgrains.pipeline.steps import at_image_scale
from temgrains.score import judge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Analysis, MaskArray

CONTRAST_LIMITS = (0.0, 0.02, 0.05, 0.1, 1.0)
"""Limits between ranges of contrast: the difference of mean grey beside a segment, of 0..1."""

CONFIDENCE_LIMITS = (0.0, 0.3, 0.6, 0.9, 1.0)
"""Limits between ranges of confidence."""

_REACH_PX = 3
"""Pixels where segments meet count with the nearest segment within this distance."""


@dataclass(frozen=True, slots=True)
class Part:
    """True boundaries with a property from ``low`` to ``high``: their length, and which share was found.

    ``eq1`` is NaN where there is none.
    """

    low: float
    high: float
    length_px: int
    eq1: float


@dataclass(frozen=True, slots=True)
class Parts:
    """Equation 1 by contrast and by confidence of the true boundaries; loose ends belong to no part."""

    contrast: tuple[Part, ...]
    confidence: tuple[Part, ...]


def parts_of(
    truth: MaskArray, found: MaskArray, analysis: Analysis, *, tolerance_px: float, margin_px: int
) -> Parts:
    """Split Eq. 1 by what the true boundaries look like in the image, and to the networks.

    Parameters
    ----------
    truth, found, tolerance_px, margin_px
        As for `temgrains.score.score`.
    analysis
        Of the same image: its micrograph gives the contrast; guess and card give the confidence, which is
        that of the surest place within the tolerance of the true line.
    """
    film = analysis.micrograph
    verdict = judge(truth, found, tolerance_px=tolerance_px, margin_px=margin_px)
    lines = skeletonize(truth)
    grains = ndimage.label(~lines)[0].astype(np.int32)
    guess = ndimage.maximum_filter(at_image_scale(analysis.guess.grey, film.shape), 2 * int(tolerance_px) + 1)
    graph = rated_lines(grains, guess, analysis.provenance.get("model", {}), image=film.pixels)
    owner = np.full(lines.shape, -1, np.intp)
    owner[tuple(graph.pixels.T)] = graph.owner
    owner = _spread(owner)
    judged = [owner[mask & (owner >= 0)] for mask in (verdict.correct, verdict.missed)]
    length, missed = (np.bincount(np.concatenate(a), minlength=graph.count) for a in (judged, judged[1:]))
    return Parts(
        contrast=_parts(graph.contrast, CONTRAST_LIMITS, length, missed),
        confidence=_parts(graph.confidence, CONFIDENCE_LIMITS, length, missed),
    )


def _spread(owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give pixels without a segment the nearest one within reach."""
    if (owner < 0).all():
        return owner
    distance, (rows, columns) = ndimage.distance_transform_edt(owner < 0, return_indices=True)
    spread: NDArray[np.intp] = np.where(distance <= _REACH_PX, owner[rows, columns], -1)
    return spread


def _parts(
    values: NDArray[np.float64],
    limits: tuple[float, ...],
    length: NDArray[np.intp],
    missed: NDArray[np.intp],
) -> tuple[Part, ...]:
    ranges = np.clip(np.searchsorted(limits, values, side="right") - 1, 0, len(limits) - 2)
    found = []
    for k, (low, high) in enumerate(pairwise(limits)):
        total = int(length[ranges == k].sum())
        share = 1 - float(missed[ranges == k].sum()) / total if total else float("nan")
        found.append(Part(low, high, total, share))
    return tuple(found)
