"""How sure the lines and grains of a result are.

The confidence of a segment, the line between two junctions, is how likely it is a true boundary: the mean of
the guess along it, on the scale that the model's card sets so that of ten segments of confidence 0.8 eight
are true (on synthetic micrographs). A grain's is the mean along its outline.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from temgrains.corrections.graph import SegmentGraph, trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Boundaries, ByteArray, GrainSizes, GreyArray

_SUREST = 1 / 512
"""Half a grey level: nothing is surer than the 8 bits of the guess can say."""


def rated(boundaries: Boundaries, guess: ByteArray, card: dict[str, Any]) -> SegmentGraph:
    """Give the segments of a result with their confidence.

    Parameters
    ----------
    boundaries
        The closed network.
    guess
        The initial guess at the image's scale, uint8, of the network's shape. Not the last state: the
        refinement draws what it completes as dark as what it saw.
    card
        The model's card, which sets the scale: ``confidence``, offset and slope of the logit. Without, the
        mean itself counts.
    """
    graph = trace(boundaries.labels, map_grey=guess)
    offset, slope = card.get("confidence", (0.0, 1.0))
    return replace(graph, confidence=calibrated(graph.confidence, offset, slope))


def calibrated(support: NDArray[np.float64], offset: float, slope: float) -> NDArray[np.float64]:
    """Turn mean likelihoods along segments (0..1) into confidences."""
    sure: NDArray[np.float64] = expit(offset + slope * logit(np.clip(support, _SUREST, 1 - _SUREST)))
    return sure


def of_grains(graph: SegmentGraph, count: int) -> NDArray[np.float64]:
    """Give the confidence of grains 1..count: the mean along their outlines; NaN for one without a line."""
    length, weighted = np.zeros(count + 1), np.zeros(count + 1)
    for side in (0, 1):
        np.add.at(length, graph.grains[:, side], graph.length_px)
        np.add.at(weighted, graph.grains[:, side], graph.length_px * graph.confidence)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = (weighted / length)[1:]
    return mean


def with_confidence(sizes: GrainSizes, graph: SegmentGraph) -> GrainSizes:
    """Add the column ``confidence`` (0..1) to the table of grains."""
    return replace(sizes, table=sizes.table.assign(confidence=of_grains(graph, len(sizes.table))))


def drawn(graph: SegmentGraph, shape: tuple[int, int]) -> GreyArray:
    """Draw each segment's confidence along it (float32, H × W; 0..1), NaN elsewhere."""
    image = np.full(shape, np.nan, np.float32)
    image[graph.pixels[:, 0], graph.pixels[:, 1]] = graph.confidence[graph.owner]
    return image
