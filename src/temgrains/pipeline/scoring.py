"""Equation 1 for boundaries of one kind: whether faint ones are missed, or such as the networks saw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.morphology import skeletonize

from temgrains.pipeline.confidence import rated_lines
from temgrains.pipeline.steps import at_image_scale
from temgrains.score import judge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Analysis, MaskArray
    from temgrains.score import Verdict

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


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the true boundaries look like: ``owner`` is the segment of each of their pixels, -1 for none.

    ``places`` are the pixels, shape (N, 2), ``owner`` of shape (N,); ``contrast`` and ``confidence`` are
    those of the segments. They are the same whatever was found.
    """

    places: NDArray[np.intp]
    owner: NDArray[np.intp]
    contrast: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def parts(self, verdict: Verdict) -> Parts:
        """Split Eq. 1 of what was found."""
        place, known, count = tuple(self.places.T), self.owner >= 0, len(self.contrast)
        judged = [self.owner[mask[place] & known] for mask in (verdict.correct, verdict.missed)]
        length, missed = (np.bincount(np.concatenate(a), minlength=count) for a in (judged, judged[1:]))
        return Parts(
            contrast=_parts(self.contrast, CONTRAST_LIMITS, length, missed),
            confidence=_parts(self.confidence, CONFIDENCE_LIMITS, length, missed),
        )


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
    verdict = judge(truth, found, tolerance_px=tolerance_px, margin_px=margin_px)
    return kinds_of(truth, analysis, tolerance_px=tolerance_px).parts(verdict)


def kinds_of(truth: MaskArray, analysis: Analysis, *, tolerance_px: float) -> Kinds:
    """Find out what the true boundaries look like, as for `parts_of`."""
    film = analysis.micrograph
    lines = skeletonize(truth)
    regions, _ = ndimage.label(~lines)
    grains = regions.astype(np.int32)
    guess = ndimage.maximum_filter(at_image_scale(analysis.guess.grey, film.shape), 2 * int(tolerance_px) + 1)
    graph = rated_lines(grains, guess, analysis.provenance.get("model", {}), image=film.pixels)
    places = np.argwhere(lines)
    owner = np.full(len(places), -1, np.intp)
    if len(graph.pixels):
        tree = KDTree(graph.pixels)
        away, nearest = (np.asarray(a) for a in tree.query(places, distance_upper_bound=_REACH_PX + 1e-6))
        owner[np.isfinite(away)] = graph.owner[nearest[np.isfinite(away)]]
    return Kinds(places, owner, graph.contrast, graph.confidence)


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
