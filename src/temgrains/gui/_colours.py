"""Colours of grains that stay with them when the grains are drawn anew. Knows no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray

PALETTE = 24
"""Number of different colours."""


def inherit(before: LabelArray, colours: NDArray[np.intp], labels: LabelArray) -> NDArray[np.intp]:
    """Give each grain the colour of the old grain that covers most of it.

    Parameters
    ----------
    before
        The old grains, 0 = boundary, shape (H, W).
    colours
        Colour of each old grain; entry 0 belongs to the boundary and is not used.
    labels
        The new grains, shape (H, W).

    Returns
    -------
    colours
        Colour of each new grain, 0..`PALETTE` - 1, shape (N + 1,). A grain that covers no old one, as all do
        when the image has changed its shape, gets the colour of its own number.

    Notes
    -----
    Two parts of a grain that was cut both keep its colour.
    """
    count = int(labels.max(initial=0))
    fresh = np.arange(count + 1) % PALETTE
    if before.shape != labels.shape or len(colours) < 2:
        return fresh
    both = (before > 0) & (labels > 0)
    pairs, areas = np.unique(labels[both].astype(np.int64) * len(colours) + before[both], return_counts=True)
    new, old = np.divmod(pairs, len(colours))
    rising = np.argsort(areas, kind="stable")  # of several assignments to one place the last one stays
    fresh[new[rising]] = colours[old[rising]]
    return fresh


def first(labels: LabelArray) -> NDArray[np.intp]:
    """Give each grain a colour where there were no grains before."""
    return np.arange(int(labels.max(initial=0)) + 1) % PALETTE


def palette() -> NDArray[np.float64]:
    """Give the colours, RGB in 0..1, shape (`PALETTE`, 3): neighbours in number far apart in hue."""
    turns = (np.arange(PALETTE) * 0.381966) % 1  # the golden angle
    bright = np.where(np.arange(PALETTE) % 2, 0.95, 0.75)
    hue = turns[:, None] * 6 + np.array([0, 4, 2])
    pure = np.clip(np.abs(hue % 6 - 3) - 1, 0, 1)
    colours: NDArray[np.float64] = bright[:, None] * (0.25 + 0.75 * pure)
    return colours
