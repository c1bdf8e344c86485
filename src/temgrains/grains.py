"""From closed lines to grains."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from temgrains.records import Boundaries, Grains


def label(boundaries: Boundaries) -> Grains:
    """Make grains of what closed boundaries enclose, and tell which of them the image border cuts.

    Parameters
    ----------
    boundaries
        Closed lines and the regions that they enclose.

    Returns
    -------
    Grains
        The same labels; a grain with a pixel in the image's first or last row or column, or beside an
        excluded part, is on the border.

    Raises
    ------
    ValueError
        If the labels are not numbered from 1 without gaps.

    Notes
    -----
    A grain that a line along the image border separates from it is whole, hence not on the border.
    """
    labels = boundaries.labels
    areas = np.bincount(labels.ravel())
    if not areas[1:].all():
        missing = int(np.flatnonzero(areas[1:] == 0)[0]) + 1
        raise ValueError(
            f"no pixel has label {missing} of {areas.size - 1}; number the grains from 1 without gaps"
        )
    on_border = np.zeros(areas.size, np.bool_)
    for edge in (labels[:1], labels[-1:], labels[:, :1], labels[:, -1:]):
        on_border[edge] = True
    if boundaries.excluded is not None:
        on_border[labels[ndimage.binary_dilation(boundaries.excluded)]] = True
    return Grains(labels=labels, on_border=on_border[1:], excluded=boundaries.excluded)
