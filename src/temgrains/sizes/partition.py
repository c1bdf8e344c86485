"""Grains without lines between them: each pixel of a line goes to a grain that it touches.

Whatever crosses a boundary is counted here, where a boundary has no width: a line one pixel wide would be
crossed twice, or not at all by a row that runs along it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray

# The same order everywhere, so that a line moves as a whole: half a pixel down, or to the right.
_UP_LEFT_FIRST = np.array([(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)])


def partition(labels: LabelArray) -> LabelArray:
    """Give each pixel of a line to a grain that touches it, so that grains meet without a gap.

    Parameters
    ----------
    labels
        int32, shape (H, W), 0 = boundary, grains from 1; what is negative is no part of the specimen.

    Returns
    -------
    cells
        int32, shape (H, W). 0 is left only where no grain touches the pixel with a side or a corner, or where
        it was negative: ground that belongs to no grain.

    Notes
    -----
    The grain above takes the pixel, or else that to the left, below, to the right, or at a corner. So each
    boundary is half a pixel further down or to the right than the middle of its line; counts of crossings
    and lengths do not change by that.
    """
    return _filled(np.pad(labels, 1))


@compiled
def _filled(labels: LabelArray) -> LabelArray:
    height, width = labels.shape[0] - 2, labels.shape[1] - 2
    cells = np.zeros((height, width), np.int32)
    for row in range(height):
        for column in range(width):
            label = labels[row + 1, column + 1]
            if label == 0:
                for step in _UP_LEFT_FIRST:
                    label = labels[row + 1 + step[0], column + 1 + step[1]]
                    if label > 0:
                        break
            cells[row, column] = max(label, 0)
    return cells


def neighbours(cells: LabelArray, count: int) -> NDArray[np.int64]:
    """Count the grains that share a boundary with each grain 1..count; a common point is none."""
    first, second = _meetings(cells)
    shape = (count + 1, count + 1)
    touching = sparse.csr_matrix((np.ones(len(first), np.int64), (first, second)), shape=shape)
    both = touching + touching.T
    found: NDArray[np.int64] = np.diff(both.indptr)[1:].astype(np.int64)
    return found


@compiled
def _meetings(cells: LabelArray) -> tuple[LabelArray, LabelArray]:
    """List the two grains at each side between pixels; the same two in a row only once."""
    first, second = np.empty(2 * cells.size, np.int32), np.empty(2 * cells.size, np.int32)
    found = 0
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            here = cells[row, column]
            for step in range(2):
                beside_row, beside_column = row + step, column + 1 - step
                if beside_row == cells.shape[0] or beside_column == cells.shape[1]:
                    continue
                beside = cells[beside_row, beside_column]
                if here == beside or min(here, beside) == 0:
                    continue
                first[found], second[found] = min(here, beside), max(here, beside)
                if found == 0 or first[found - 1] != first[found] or second[found - 1] != second[found]:
                    found += 1
    return first[:found], second[:found]
