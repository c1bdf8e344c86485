"""From the grey state to a closed network of lines one pixel wide."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains.flooding import grow
from temgrains.merging import divide
from temgrains.records import Boundaries, Progress, silent
from temgrains.settings import BoundarySettings

if TYPE_CHECKING:
    from temgrains.records import ByteArray, LabelArray, MaskArray

_STEPS = 4


def close(
    state: ByteArray,
    *,
    settings: BoundarySettings = BoundarySettings(),  # noqa: B008  (frozen)
    excluded: MaskArray | None = None,
    progress: Progress = silent,
) -> Boundaries:
    """Reduce a grey boundary map to closed lines, one pixel wide, between the grains that it shows.

    Parameters
    ----------
    state
        How surely each pixel is boundary, uint8, shape (H, W), 0 (grain) .. 255 (boundary).
    settings
        How gaps are closed, threshold, smallest grain. Without a model to ask, "model" means "gaps".
    excluded
        Bool, shape (H, W): True where no specimen is shown, or None. Like what lies outside the image, it
        neither adds nor removes anything.
    progress
        Called as ``progress("boundaries", step, 4)``.

    Returns
    -------
    Boundaries
        Lines and grains. ``pruned_px`` counts the pixels of the thinned map that have one and the same grain
        on all sides (loose ends, lone lines, dots); ``completed_px`` counts the pixels of the lines where the
        map is not above the threshold.

    Raises
    ------
    ValueError
        If the state is not a two-dimensional uint8 array that holds a pixel, or what is excluded has another
        shape.

    Notes
    -----
    "gaps": two grains that a gap in the map connects, wider than the closing bridges, are one grain.
    "support": they are two if the mean of the map along the line between them is at least
    `settings.support`, and more if one of them is small beside its neighbours. Regions below
    ``min_grain_px`` are no grains but part of the ground that their neighbours share, and so is a single
    pixel at any setting. Where the map shows no grain, or boundary everywhere, there is no line, and the
    whole image is one grain.

    A line pixel touches at least two grains with its four sides, or none where lines cross: no pixel can be
    taken from the lines without joining two grains. Of two equally good places for a line the one further
    down or to the right is taken.
    """
    _check(state, excluded)
    progress("boundaries", 0, _STEPS)
    outside = np.zeros(state.shape, np.bool_) if excluded is None else excluded
    level = settings.threshold * 255
    above = (state > level) & ~outside
    closed = _close_gaps(above, settings.closing_radius_px) & ~outside
    progress("boundaries", 1, _STEPS)
    if settings.closing == "support":
        labels = divide(
            state,
            support=settings.support,
            small_share=settings.small_share,
            min_grain_px=settings.min_grain_px,
            outside=outside,
        )
    else:
        seeds = _seeds(closed | outside, max(settings.min_grain_px, 2))
        # What closing added counts as just below the threshold: the line takes the middle of a bridged gap.
        labels = grow(seeds, np.maximum(state, np.uint8(level)), outside)
    progress("boundaries", 2, _STEPS)
    mask = (labels == 0) & ~outside
    progress("boundaries", 3, _STEPS)
    pruned = loose_length(closed, outside)
    progress("boundaries", 4, _STEPS)
    completed = int(np.count_nonzero(mask & ~above))
    return Boundaries(mask, labels, pruned, completed, excluded)


def _check(state: ByteArray, excluded: MaskArray | None) -> None:
    if state.dtype != np.uint8 or state.ndim != 2 or state.size == 0:
        raise ValueError(
            f"state is {state.dtype} of shape {state.shape}; it must be uint8 of shape (rows, columns), "
            "0 (grain) to 255 (boundary)"
        )
    if excluded is not None and excluded.shape != state.shape:
        raise ValueError(
            f"excluded has shape {excluded.shape}, the state {state.shape}; they must be of one image"
        )


def _close_gaps(mask: MaskArray, radius: int) -> MaskArray:
    """Close with a disk; what lies outside the image neither adds nor removes (as MATLAB's imclose)."""
    return ~_dilate(~_dilate(mask, radius), radius)


def _dilate(mask: MaskArray, radius: int) -> MaskArray:
    # A disk is a stack of horizontal runs, the longer the nearer to its middle row.
    height, width = mask.shape
    grown = np.zeros_like(mask)
    run = mask.copy()
    reach = 0
    for dy in reversed(range(min(radius, height - 1) + 1)):
        while reach < min(isqrt(radius**2 - dy**2), width - 1):
            reach += 1
            run[:, reach:] |= mask[:, :-reach]
            run[:, :-reach] |= mask[:, reach:]
        grown[dy:] |= run[: height - dy]
        grown[: height - dy] |= run[dy:]
    return grown


def _seeds(closed: MaskArray, min_grain_px: int) -> LabelArray:
    """Label the 4-connected regions without boundary that are large enough for a grain, from 1."""
    regions, _ = ndimage.label(~closed)
    large = np.bincount(regions.ravel()) >= min_grain_px
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    seeds: LabelArray = numbers[regions]
    return seeds


def loose_length(closed: MaskArray, outside: MaskArray) -> int:
    """Count the pixels of the thinned map that separate nothing: 3 x 3 pixels around show one region.

    Parameters
    ----------
    closed
        Lines, bool, shape (H, W).
    outside
        Bool, shape (H, W): where no specimen is shown; lines may end there.
    """
    # Thinning draws lines back from the image border, so that they enclose nothing; a frame holds them.
    frame = outside & ndimage.binary_dilation(~outside, np.ones((3, 3), np.bool_))
    skeleton = skeletonize(np.pad(np.pad(closed | frame, 1, constant_values=True), 1))
    regions, _ = ndimage.label(~skeleton)
    rows, columns = np.nonzero(skeleton[2:-2, 2:-2] & ~outside)
    around = np.stack([regions[rows + dy, columns + dx] for dy in (1, 2, 3) for dx in (1, 2, 3)])  # (9, N)
    high = around.max(axis=0)
    low = np.where(around > 0, around, high).min(axis=0)
    return int(np.count_nonzero(low == high))
