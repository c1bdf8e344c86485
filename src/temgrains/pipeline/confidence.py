"""How sure the lines and grains of a result are.

The confidence of a segment, the line between two junctions, is how likely it is a true boundary: the mean of
the guess along it, on the scale that the model's card sets so that of ten segments of confidence 0.8 eight
are true (on synthetic micrographs). A grain's is the mean along its outline.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from scipy.special import expit, logit

from temgrains.corrections.graph import SegmentGraph, trace
from temgrains.pipeline import steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Boundaries, ByteArray, Grains, GrainSizes, GreyArray, LabelArray, Micrograph

_SUREST = 1 / 512
"""Half a grey level: nothing is surer than the 8 bits of the guess can say."""


def rated(boundaries: Boundaries, guess: ByteArray, card: dict[str, Any]) -> SegmentGraph:
    """Give the segments of a result with their confidence, as `rated_lines` does for its labels."""
    return rated_lines(boundaries.labels, guess, card)


def rated_lines(
    labels: LabelArray, guess: ByteArray, card: dict[str, Any], *, image: GreyArray | None = None
) -> SegmentGraph:
    """Give the segments between grains with their confidence.

    Parameters
    ----------
    labels
        Grains, int32, shape (H, W), 0 on lines one pixel wide, as they are in the midst of corrections.
    guess
        The initial guess at the image's scale, uint8, of the network's shape. Not the last state: the
        refinement draws what it completes as dark as what it saw.
    card
        The model's card, which sets the scale: ``confidence``, offset and slope of the logit. Without, the
        mean itself counts.
    image
        The micrograph, of the same shape, in 0..1, for the contrast of the segments; None for none.
    """
    graph = trace(labels, image=image, map_grey=guess)
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


def sure_part(
    boundaries: Boundaries, guess: ByteArray, card: dict[str, Any], *, least: float
) -> tuple[Boundaries, NDArray[np.float64]]:
    """Leave out the grains that are not sure enough, and give the rest with the confidence of its grains.

    Parameters
    ----------
    boundaries, guess, card
        As for `rated`.
    least
        Least confidence of a grain (0..1); at 0 none is left out. What is left out is excluded area: nothing
        is measured there. The neighbours of a grain that is left out keep their outline.
    """
    sure = of_grains(rated(boundaries, guess, card), int(boundaries.labels.max()))
    if least <= 0:
        return boundaries, sure
    unsure = np.append(False, sure < least)
    gone = unsure[boundaries.labels]
    numbers = np.where(unsure, 0, np.cumsum(~unsure) - 1).astype(np.int32)
    labels = numbers[boundaries.labels]
    # Lines between grains that are both left out go with them.
    gone |= boundaries.mask & (ndimage.maximum_filter(labels, 3) == 0)
    if boundaries.excluded is not None:
        gone |= boundaries.excluded
    kept = replace(boundaries, labels=labels, mask=boundaries.mask & ~gone, excluded=gone)
    return kept, sure[~unsure[1:]]


def with_confidence(sizes: GrainSizes, confidence: NDArray[np.float64]) -> GrainSizes:
    """Add the column ``confidence`` (0..1) to the table of grains."""
    return replace(sizes, table=sizes.table.assign(confidence=confidence))


def rated_sizes(
    boundaries: Boundaries, grains: Grains, micrograph: Micrograph, guess: ByteArray, card: dict[str, Any]
) -> GrainSizes:
    """Measure the grains of a result, with their confidence; the guess may be at the working scale."""
    segments = rated(boundaries, steps.at_image_scale(guess, micrograph.shape), card)
    return with_confidence(steps.sizes_of(grains, micrograph), of_grains(segments, grains.count))


def drawn(graph: SegmentGraph, shape: tuple[int, int]) -> GreyArray:
    """Draw each segment's confidence along it (float32, H × W; 0..1), NaN elsewhere."""
    image = np.full(shape, np.nan, np.float32)
    image[graph.pixels[:, 0], graph.pixels[:, 1]] = graph.confidence[graph.owner]
    return image
